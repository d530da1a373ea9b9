"""OTLP/JSON against protobuf's own parser, and what that parser would refuse."""

from __future__ import annotations

import base64
import json
import math
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from spancost.errors import Malformed
from spancost.receive.otlp_json import MAX_DEPTH, traces_to_protobuf

CAPTURES = sorted((Path(__file__).parents[1] / "fixtures" / "telemetry").glob("*/traces.json"))
IDS = {"traceId": "ab" * 16, "spanId": "cd" * 8}


def by_the_oracle(request: Any) -> ExportTraceServiceRequest:
    return json_format.ParseDict(with_base64_ids(request), ExportTraceServiceRequest(), ignore_unknown_fields=True)


def with_base64_ids(value: Any) -> Any:
    if isinstance(value, list):
        return [with_base64_ids(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: base64.b64encode(bytes.fromhex(inner)).decode()
        if name in ("traceId", "spanId", "parentSpanId") else with_base64_ids(inner)
        for name, inner in value.items()
    }  # fmt: skip


def converted(request: Any) -> ExportTraceServiceRequest:
    return ExportTraceServiceRequest.FromString(traces_to_protobuf(json.dumps(request).encode()))


def in_request(*spans: Any) -> dict[str, Any]:
    return {"resourceSpans": [{"scopeSpans": [{"spans": list(spans)}]}]}


def span_of(span: Any) -> Span:
    return converted(in_request(span)).resource_spans[0].scope_spans[0].spans[0]


def value_of(value: Any) -> AnyValue:
    return span_of({**IDS, "attributes": [{"key": "k", "value": value}]}).attributes[0].value


def test_there_are_captures() -> None:
    """The comparison below is not one over nothing."""
    assert len(CAPTURES) > 5


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.parent.name)
def test_captures_convert_as_the_oracle_says(path: Path) -> None:
    """What real libraries sent becomes the message that protobuf's own parser makes of it."""
    request = json.loads(path.read_bytes())
    assert converted(request) == by_the_oracle(request)


def test_every_field_converts_as_the_oracle_says() -> None:
    """All fields of every message, with every kind of value."""
    values = [
        {"stringValue": ""}, {"stringValue": "ü€𝄞\0"}, {"boolValue": False}, {"boolValue": True}, {"intValue": "0"},
        {"intValue": -5}, {"intValue": "-9223372036854775808"}, {"intValue": "9223372036854775807"},
        {"doubleValue": 0.0}, {"doubleValue": 1}, {"doubleValue": -1e300}, {"doubleValue": "Infinity"}, {},
        {"bytesValue": "AAH/"}, {"bytesValue": "-_8="}, {"bytesValue": ""},
        {"arrayValue": {}}, {"kvlistValue": {"values": []}},
        {"arrayValue": {"values": [{}, {"intValue": 1}, {"arrayValue": {"values": [{"boolValue": True}]}}]}},
        {"kvlistValue": {"values": [{"key": "a", "value": {"stringValue": "b"}}, {"key": "", "value": {}}, {}]}},
    ]  # fmt: skip
    attributes = [{"key": f"k{n}", "value": value} for n, value in enumerate(values)] + [{"key": "bare"}]
    big = {"attributes": attributes, "droppedAttributesCount": 4294967295}
    span = {
        **IDS, **big, "parentSpanId": "EF" * 8, "traceState": "a=b", "name": "n" * 20_000, "kind": 3, "flags": 257,
        "startTimeUnixNano": "18446744073709551615", "endTimeUnixNano": 1795313763174854837,
        "droppedEventsCount": 1, "droppedLinksCount": 200, "status": {"code": 2, "message": "m"},
        "events": [{"timeUnixNano": "5", "name": "e", **big}, {}],
        "links": [{**IDS, "traceState": "x", "flags": 1, **big}, {}],
    }  # fmt: skip
    scope = {"name": "s", "version": "1", **big}
    request = {"resourceSpans": [{
        "resource": big, "schemaUrl": "u",
        "scopeSpans": [{"scope": scope, "spans": [span, IDS], "schemaUrl": "v"}, {"scope": {}, "spans": []}],
    }, {}]}  # fmt: skip
    assert converted(request) == by_the_oracle(request)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["resourceSpans", "scopeSpans", "spans", "traceId", "attributes", "key", "value", "arrayValue",
                         "values", "kvlistValue", "events", "status", "name", "intValue", "doubleValue", "resource"]),
        inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@settings(max_examples=60)
@given(json_values)
def test_no_json_breaks_the_conversion(value: Any) -> None:
    """Any JSON at all is either malformed or becomes bytes that protobuf can parse."""
    for request in (value, {"resourceSpans": value}, in_request(value), in_request({"attributes": value})):
        try:
            converted(request)
        except Malformed:
            continue


@pytest.mark.parametrize("text", [b"", b"{", b"null", b"[]", b"3", b'{"resourceSpans":{}}', b'{"resourceSpans":[3]}',
                                  b'{"resourceSpans":[{"scopeSpans":3}]}', b"\xff", b'{"a":' * 100_000, b"[" * 100_000,
                                  b"9" * 5_000])  # fmt: skip
def test_what_is_no_request_is_malformed(text: bytes) -> None:
    """Not JSON, JSON of another shape, and JSON too deep to be read."""
    with pytest.raises(Malformed):
        traces_to_protobuf(text)


@pytest.mark.parametrize("trace_id", ["xyz", "ab" * 15 + "a", 5, None, "q6urq6urq6urq6urq6urqw==", "ab " * 16])
def test_an_id_that_is_not_hex_is_an_empty_id(trace_id: Any) -> None:
    """So that the intake refuses that span and no other."""
    assert span_of({**IDS, "traceId": trace_id}).trace_id == b""


@pytest.mark.parametrize("span", [3, None, [], {**IDS, "attributes": 3}, {**IDS, "attributes": [3]},
                                  {**IDS, "events": {}}, {**IDS, "status": []}])  # fmt: skip
def test_a_span_of_another_shape_loses_its_ids_alone(span: Any) -> None:
    """Its neighbours stay as they are."""
    good = {**IDS, "name": "good"}
    first, bad, last = converted(in_request(good, span, good)).resource_spans[0].scope_spans[0].spans
    assert (first.name, last.name) == ("good", "good")
    assert (bad.trace_id, bad.span_id) == (b"", b"")


@pytest.mark.parametrize(
    "value",
    [5, [], {"unknownValue": 1}, {"boolValue": 1}, {"stringValue": 5}, {"bytesValue": "*"},
     {"intValue": "x"}, {"intValue": 1.5}, {"intValue": 2**63}, {"intValue": True}, {"intValue": "9" * 5000},
     {"doubleValue": "many"}, {"doubleValue": 10**400}, {"doubleValue": True}],
)  # fmt: skip
def test_a_value_that_makes_no_sense_is_an_empty_one(value: Any) -> None:
    """The attribute and the span stay."""
    assert value_of(value).WhichOneof("value") is None


def test_not_a_number_is_a_double() -> None:
    """As a string and as the bare word that some encoders write."""
    assert math.isnan(value_of({"doubleValue": "NaN"}).double_value)
    assert math.isnan(value_of({"doubleValue": math.nan}).double_value)


def test_half_a_surrogate_pair_is_replaced() -> None:
    """JSON can write what UTF-8 cannot; the span stays."""
    assert value_of({"stringValue": "a\ud800b"}).string_value == "a?b"


@pytest.mark.parametrize("kind", ["SPAN_KIND_CLIENT", 2**40, None, {}])
def test_an_enum_that_is_no_number_is_left_out(kind: Any) -> None:
    """OTLP/JSON allows numbers only; the span stays."""
    assert span_of({**IDS, "kind": kind}).kind == 0


@pytest.mark.parametrize("time", ["soon", -1, 2**64, 1.5, None, {}])
def test_a_time_that_makes_no_sense_is_left_out(time: Any) -> None:
    """It arrives as 0, which later stages repair; the span stays."""
    assert span_of({**IDS, "startTimeUnixNano": time}).start_time_unix_nano == 0


def test_snake_case_and_unknown_fields_are_ignored() -> None:
    """Only lowerCamelCase is OTLP/JSON."""
    assert span_of({**IDS, "start_time_unix_nano": 5, "whatever": [{"deep": 1}]}).start_time_unix_nano == 0


def test_values_are_cut_at_the_depth_limit() -> None:
    """An array in an array ... 300 deep keeps its outer levels, and protobuf can parse the result."""
    value: dict[str, Any] = {"stringValue": "core"}
    for _ in range(300):
        value = {"arrayValue": {"values": [value]}}
    got, depth = value_of(value), 0
    while got.array_value.values:
        got, depth = got.array_value.values[0], depth + 1
    assert depth == MAX_DEPTH
    assert got.WhichOneof("value") is None
