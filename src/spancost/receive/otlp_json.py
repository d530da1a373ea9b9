"""OTLP/JSON to OTLP/protobuf, so that one format goes into the spool.

Rules: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding. Protobuf's own JSON parser takes several times
as long, reads ids as base64, and refuses a whole request for one odd value.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from spancost.errors import Malformed
from spancost.receive import wire

MAX_DEPTH = 32
"""How deep arrays and lists may nest in an attribute; what lies deeper becomes an empty value."""


def traces_to_protobuf(text: bytes) -> bytes:
    """The ExportTraceServiceRequest in the JSON, as protobuf bytes. Raises Malformed.

    Unknown fields are ignored; an attribute value that makes no sense becomes an empty one; a span that does not even
    have the shape of one, or whose ids are no hex digits, loses its ids, so that the intake rejects that span alone.
    """
    return _REQUEST(_parse(text))


def count_log_records(text: bytes) -> int:
    """How many records an ExportLogsServiceRequest in JSON holds. Raises Malformed."""
    return len(_descend([_parse(text)], "resourceLogs", "scopeLogs", "logRecords"))


def count_data_points(text: bytes) -> int:
    """How many data points an ExportMetricsServiceRequest in JSON holds. Raises Malformed."""
    metrics = _descend([_parse(text)], "resourceMetrics", "scopeMetrics", "metrics")
    kinds = ("gauge", "sum", "histogram", "exponentialHistogram", "summary")
    data = [metric[kind] for metric in metrics if isinstance(metric, dict) for kind in kinds if kind in metric]
    return len(_descend(data, "dataPoints"))


def _parse(text: bytes) -> Any:
    try:
        return json.loads(text)
    except RecursionError:
        raise Malformed("the JSON nests too deep") from None
    except ValueError:
        raise Malformed("the body is not JSON") from None


def _descend(objects: list[Any], *names: str) -> list[Any]:
    for name in names:
        lists = [_member(item, name) for item in objects]
        objects = [item for items in lists for item in items]
    return objects


def _member(item: Any, name: str) -> list[Any]:
    found = item.get(name) if isinstance(item, dict) else item
    if found is not None and not isinstance(found, list):
        raise Malformed(f"{name} must be a list")
    return found or []


def _attribute(item: Any, depth: int = MAX_DEPTH) -> bytes:
    """The content of a KeyValue. Most of the time goes here, so it is not put together from the writers below."""
    if not isinstance(item, dict):
        raise Malformed("an attribute must be a JSON object")
    key, value = item.get("key"), item.get("value")
    content = wire.delimited(_KEY, key.encode(errors="replace")) if isinstance(key, str) else b""
    return content if value is None else content + wire.delimited(_VALUE, _value(value, depth))


def _value(value: Any, depth: int = MAX_DEPTH) -> bytes:
    """The content of an AnyValue; empty for one that makes no sense or lies too deep."""
    if not isinstance(value, dict):
        return b""
    parts = []
    for name, inner in value.items():
        if name in _SCALARS:
            parts.append(_SCALARS[name](inner))
        elif name in _NESTED and depth:
            parts.append(_nested(name, inner, depth - 1))
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _nested(name: str, inner: Any, depth: int) -> bytes:
    """An array or a list of pairs; an element that has no shape is an empty one."""
    tag, write = _NESTED[name]
    values = inner.get("values") if isinstance(inner, dict) else None
    items = values if isinstance(values, list) else []
    return wire.delimited(tag, b"".join([wire.delimited(_ITEM, write(item, depth)) for item in items]))


def _pair(item: Any, depth: int) -> bytes:
    return _attribute(item, depth) if isinstance(item, dict) else b""


def _span(value: Any) -> bytes:
    try:
        return _SPAN_FIELDS(value)
    except Malformed:
        return b""


_KEY = _ITEM = wire.bytes_tag(1)
_VALUE = wire.bytes_tag(2)
_SCALARS = {
    "stringValue": wire.string(1),
    "boolValue": wire.boolean(2),
    "intValue": wire.int64(3),
    "doubleValue": wire.double(4),
    "bytesValue": wire.base64_bytes(7),
}
_NESTED: dict[str, tuple[bytes, Callable[[Any, int], bytes]]] = {
    "arrayValue": (wire.bytes_tag(5), _value),
    "kvlistValue": (wire.bytes_tag(6), _pair),
}
_EVENT = wire.message({
    "timeUnixNano": wire.fixed64(1),
    "name": wire.string(2),
    "attributes": wire.many(3, _attribute),
    "droppedAttributesCount": wire.uint32(4),
})
_LINK = wire.message({
    "traceId": wire.hex_bytes(1),
    "spanId": wire.hex_bytes(2),
    "traceState": wire.string(3),
    "attributes": wire.many(4, _attribute),
    "droppedAttributesCount": wire.uint32(5),
    "flags": wire.fixed32(6),
})
_SPAN_FIELDS = wire.message({
    "traceId": wire.hex_bytes(1),
    "spanId": wire.hex_bytes(2),
    "traceState": wire.string(3),
    "parentSpanId": wire.hex_bytes(4),
    "name": wire.string(5),
    "kind": wire.enum(6),
    "startTimeUnixNano": wire.fixed64(7),
    "endTimeUnixNano": wire.fixed64(8),
    "attributes": wire.many(9, _attribute),
    "droppedAttributesCount": wire.uint32(10),
    "events": wire.many(11, _EVENT),
    "droppedEventsCount": wire.uint32(12),
    "links": wire.many(13, _LINK),
    "droppedLinksCount": wire.uint32(14),
    "status": wire.one(15, wire.message({"message": wire.string(2), "code": wire.enum(3)})),
    "flags": wire.fixed32(16),
})
_SCOPE = wire.message({
    "name": wire.string(1),
    "version": wire.string(2),
    "attributes": wire.many(3, _attribute),
    "droppedAttributesCount": wire.uint32(4),
})
_RESOURCE = wire.message({"attributes": wire.many(1, _attribute), "droppedAttributesCount": wire.uint32(2)})
_SCOPE_SPANS = wire.message({
    "scope": wire.one(1, _SCOPE),
    "spans": wire.many(2, _span),
    "schemaUrl": wire.string(3),
})
_RESOURCE_SPANS = wire.message({
    "resource": wire.one(1, _RESOURCE),
    "scopeSpans": wire.many(2, _SCOPE_SPANS),
    "schemaUrl": wire.string(3),
})
_REQUEST = wire.message({"resourceSpans": wire.many(1, _RESOURCE_SPANS)})
