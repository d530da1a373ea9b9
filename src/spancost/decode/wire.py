"""Private protobuf descriptors that parse an OTLP trace request without an object for every span and attribute.

`Span`, `KeyValue`, `Resource` and `InstrumentationScope` have the wire form of bytes, so a descriptor that declares
them as `bytes` reads the same payload (https://protobuf.dev/programming-guides/encoding/#structure); spans are then
read all at once (`decode.scan`), and attribute values once per distinct value (`decode.attributes`). Strings are
declared as bytes too, so that invalid UTF-8 in one span does not fail the request.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_TYPE = descriptor_pb2.FieldDescriptorProto
_FIELDS: dict[str, list[tuple[str, int, int, bool, str]]] = {
    "Span": [
        ("trace_id", 1, _TYPE.TYPE_BYTES, False, ""),
        ("span_id", 2, _TYPE.TYPE_BYTES, False, ""),
        ("parent_span_id", 4, _TYPE.TYPE_BYTES, False, ""),
        ("name", 5, _TYPE.TYPE_BYTES, False, ""),
        ("start_time_unix_nano", 7, _TYPE.TYPE_FIXED64, False, ""),
        ("end_time_unix_nano", 8, _TYPE.TYPE_FIXED64, False, ""),
        ("attributes", 9, _TYPE.TYPE_BYTES, True, ""),
        ("events", 11, _TYPE.TYPE_BYTES, True, ""),
        ("status", 15, _TYPE.TYPE_BYTES, False, ""),
    ],
    "Status": [("code", 3, _TYPE.TYPE_INT32, False, "")],
    "ScopeSpans": [("scope", 1, _TYPE.TYPE_BYTES, False, ""), ("spans", 2, _TYPE.TYPE_BYTES, True, "")],
    "ResourceSpans": [
        ("resource", 1, _TYPE.TYPE_BYTES, False, ""),
        ("scope_spans", 2, _TYPE.TYPE_MESSAGE, True, "ScopeSpans"),
    ],
    "Request": [("resource_spans", 1, _TYPE.TYPE_MESSAGE, True, "ResourceSpans")],
    "Resource": [("attributes", 1, _TYPE.TYPE_BYTES, True, "")],
    "Scope": [
        ("name", 1, _TYPE.TYPE_BYTES, False, ""),
        ("version", 2, _TYPE.TYPE_BYTES, False, ""),
    ],
    "LooseAnyValue": [("string_value", 1, _TYPE.TYPE_BYTES, False, "")],
    "LooseKeyValue": [
        ("key", 1, _TYPE.TYPE_BYTES, False, ""),
        ("value", 2, _TYPE.TYPE_MESSAGE, False, "LooseAnyValue"),
    ],
    "Event": [("time_unix_nano", 1, _TYPE.TYPE_FIXED64, False, "")],
}
_PACKAGE = "spancost.decode"


def _message_classes() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(name="spancost_decode.proto", package=_PACKAGE, syntax="proto3")
    for message, fields in _FIELDS.items():
        described = file.message_type.add(name=message)
        for name, number, kind, repeated, of in fields:
            described.field.add(
                name=name,
                number=number,
                type=kind,
                label=_TYPE.LABEL_REPEATED if repeated else _TYPE.LABEL_OPTIONAL,
                type_name=f".{_PACKAGE}.{of}" if of else None,
            )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}")) for name in _FIELDS}


_CLASSES = _message_classes()

Request: Any = _CLASSES["Request"]
"""ExportTraceServiceRequest: `resource_spans`, each with `resource` (bytes) and `scope_spans` (`scope` bytes, `spans`
as bytes: a damaged span does not fail it)."""
Span: Any = _CLASSES["Span"]
"""One span: ids, name, times, attributes and events as bytes, status."""
Status: Any = _CLASSES["Status"]
"""A span's status: its code."""
Resource: Any = _CLASSES["Resource"]
"""A resource: `attributes` as a list of KeyValue bytes."""
Scope: Any = _CLASSES["Scope"]
"""An instrumentation scope: `name` and `version` as bytes."""
Event: Any = _CLASSES["Event"]
"""A span event: only its time."""
LooseKeyValue: Any = _CLASSES["LooseKeyValue"]
"""A KeyValue whose strings need not be UTF-8; `value` holds a `string_value` only."""
