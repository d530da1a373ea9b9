"""The bytes are what protobuf itself would write."""

from __future__ import annotations

import numpy as np
import pytest
from demo_months import Month
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from spancost.demo import wire

STOP_OR_CUT = ArrayValue(values=[AnyValue(string_value="stop"), AnyValue(string_value="length")])


@given(st.lists(st.integers(0, 2**35 - 1), max_size=30))
def test_a_number_takes_protobufs_bytes(values: list[int]) -> None:
    """A varint is what protobuf writes, alone and in a column."""
    expected = [AnyValue(int_value=value).SerializeToString()[1:] for value in values]
    assert [wire.varint(value) for value in values] == expected
    assert wire.varints(np.array(values, np.int64)) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", AnyValue(string_value="")),
        ("Müller" * 40, AnyValue(string_value="Müller" * 40)),
        (0, AnyValue(int_value=0)),
        (443, AnyValue(int_value=443)),
        (True, AnyValue(bool_value=True)),
        (False, AnyValue(bool_value=False)),
        (("stop", "length"), AnyValue(array_value=STOP_OR_CUT)),
    ],
)
def test_an_attribute_is_protobufs(value: wire.Value, expected: AnyValue) -> None:
    """Every kind of value is written as protobuf writes it."""
    assert wire.attribute("some.key", value) == _attribute("some.key", expected)


@given(st.text(min_size=1, max_size=200), st.lists(st.integers(-1, 2**35 - 1), max_size=20))
def test_a_column_of_counts_is_protobufs(key: str, values: list[int]) -> None:
    """A count is an attribute, and an unknown one is none: never 0."""
    expected = [_attribute(key, AnyValue(int_value=value)) if value >= 0 else b"" for value in values]
    assert wire.int_attributes(key, np.array(values, np.int64)) == expected


@given(st.integers(0, 300), st.lists(st.floats(allow_nan=False), min_size=1, max_size=5))
def test_columns_of_texts_and_doubles_are_protobufs(width: int, values: list[float]) -> None:
    """Texts of one length, whole or begun elsewhere, and doubles are written as protobuf writes them."""
    texts = [letter * width for letter in "abc"]
    encoded = [_attribute("text", AnyValue(string_value=text)) for text in texts]
    assert wire.text_attributes("text", [text.encode() for text in texts]) == encoded
    begun = _attribute("text", AnyValue(string_value=f"start-{texts[0]}"))
    assert wire.text_head("text", "start-", width) + texts[0].encode() == begun
    doubles = [_attribute("double", AnyValue(double_value=value)) for value in values]
    assert wire.double_attributes("double", np.array(values)) == doubles


def test_a_span_is_protobufs() -> None:
    """A request put together from pieces is what protobuf serialises from the same fields."""
    columns = [
        wire.span_ids(_octets(16), _octets(8), _octets(8) ^ np.uint8(255)),
        [wire.span_name("chat gpt-4o", wire.CLIENT)],
        wire.span_times(np.array([1_790_000_000_123_456_789]), np.array([1_790_000_001_000_000_000])),
        [wire.attribute("gen_ai.operation.name", "chat")],
        [wire.span_end(2, "too many requests")],
    ]
    scope = wire.scope_spans("some.scope", "1.0", wire.spans(columns))
    resource = wire.attribute("service.name", "a-service", wire.RESOURCE_ATTRIBUTE)
    assert wire.resource_spans(resource, [scope]) == _request().SerializeToString()


def test_a_month_is_what_protobuf_writes(month: Month) -> None:
    """Every request reads back, and protobuf writes the very same bytes again."""
    for body in month.bodies:
        assert ExportTraceServiceRequest.FromString(body).SerializeToString() == body


def _octets(width: int) -> wire.UInt8:
    return np.arange(1, width + 1, dtype=np.uint8).reshape(1, width)


def _attribute(key: str, value: AnyValue) -> bytes:
    return bytes(Span(attributes=[KeyValue(key=key, value=value)]).SerializeToString())


def _request() -> ExportTraceServiceRequest:
    span = Span(
        trace_id=_octets(16).tobytes(),
        span_id=_octets(8).tobytes(),
        parent_span_id=(_octets(8) ^ np.uint8(255)).tobytes(),
        name="chat gpt-4o",
        kind=Span.SPAN_KIND_CLIENT,
        start_time_unix_nano=1_790_000_000_123_456_789,
        end_time_unix_nano=1_790_000_001_000_000_000,
        attributes=[KeyValue(key="gen_ai.operation.name", value=AnyValue(string_value="chat"))],
        status=Status(code=Status.STATUS_CODE_ERROR, message="too many requests"),
        flags=0x101,
    )
    scope = ScopeSpans(scope=InstrumentationScope(name="some.scope", version="1.0"), spans=[span])
    resource = Resource(attributes=[KeyValue(key="service.name", value=AnyValue(string_value="a-service"))])
    return ExportTraceServiceRequest(resource_spans=[ResourceSpans(resource=resource, scope_spans=[scope])])
