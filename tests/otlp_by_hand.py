"""Spans and export requests made by hand, as small as a test needs them."""

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

SECOND = 1_000_000_000
START = 1_795_000_000 * SECOND
OK, ERROR = 1, 2
CALL = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.usage.input_tokens": 1000,
    "gen_ai.usage.output_tokens": 300,
}
"""What a plain call to gpt-4o carries: 1,000 x 2.50 + 300 x 10.00 USD per million = 0.0055."""


def agent(name):
    """Attributes of an agent run."""
    return {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": name}


def tool(name):
    """Attributes of a tool run."""
    return {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": name}


def span(number, attributes=None, *, parent=0, trace=1, name="span", start=START, end=None, status=0):
    """One span; ids are given as numbers, 0 is no parent, and it lasts a second unless `end` says otherwise."""
    made = Span(
        trace_id=trace.to_bytes(16, "big"),
        span_id=number.to_bytes(8, "big"),
        parent_span_id=parent.to_bytes(8, "big") if parent else b"",
        name=name,
        start_time_unix_nano=start,
        end_time_unix_nano=start + SECOND if end is None else end,
        status=Status(code=status),
    )
    made.attributes.extend(key_values(attributes or {}))
    return made


def key_values(attributes):
    """A dictionary as protobuf attributes."""
    return [KeyValue(key=key, value=any_value(value)) for key, value in attributes.items()]


def any_value(value):
    """A Python value as an AnyValue."""
    made = AnyValue()
    if isinstance(value, bool):
        made.bool_value = value
    elif isinstance(value, int):
        made.int_value = value
    elif isinstance(value, float):
        made.double_value = value
    elif isinstance(value, str):
        made.string_value = value
    elif isinstance(value, bytes):
        made.bytes_value = value
    elif isinstance(value, list):
        made.array_value.values.extend(any_value(item) for item in value)
        made.array_value.SetInParent()
    elif isinstance(value, dict):
        made.kvlist_value.values.extend(key_values(value))
        made.kvlist_value.SetInParent()
    return made


def group(*spans, resource=None, scope="by-hand"):
    """Spans under one resource and one scope."""
    return ResourceSpans(
        resource=Resource(attributes=key_values(resource or {})),
        scope_spans=[ScopeSpans(scope=InstrumentationScope(name=scope), spans=spans)],
    )


def request(*spans, resource=None, scope="by-hand"):
    """Spans as the bytes of one export request."""
    return request_of(group(*spans, resource=resource, scope=scope))


def request_of(*groups):
    """Groups as the bytes of one export request."""
    return ExportTraceServiceRequest(resource_spans=groups).SerializeToString()


def field(number, payload):
    """A length-delimited protobuf field by hand, for bytes that no library would write."""
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def varint(value):
    """A protobuf varint."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])
