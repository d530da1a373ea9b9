"""Reading a month back with protobuf."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from spancost.demo.plan import Plan

UNTIL = datetime(2026, 11, 23, 14, 0, 5, tzinfo=UTC)


@dataclass(frozen=True)
class Seen:
    """A span with what stands around it."""

    span: Span
    scope: str
    resource: Mapping[str, Any]
    attributes: Mapping[str, Any]
    request: int

    @property
    def id(self) -> tuple[bytes, bytes]:
        return self.span.trace_id, self.span.span_id

    @property
    def is_call(self) -> bool:
        operation = self.attributes.get("gen_ai.operation.name")
        kind = self.attributes.get("openinference.span.kind")
        vercel = self.attributes.get("ai.operationId") == "ai.generateText.doGenerate"
        return operation in ("chat", "generate_content") or kind in ("LLM", "EMBEDDING") or vercel


@dataclass(frozen=True)
class Month:
    """A month as bytes, as spans, and as its manifest."""

    plan: Plan
    bodies: list[bytes]
    spans: list[Seen]
    manifest: dict[str, Any]

    @property
    def calls(self) -> list[Seen]:
        return [seen for seen in self.spans if seen.is_call]


def read(number: int, body: bytes) -> Iterator[Seen]:
    """The spans of a request; `number` is its place in the month."""
    for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        around = _plain(resource.resource.attributes)
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield Seen(span, scope.scope.name, around, _plain(span.attributes), number)


def _plain(attributes: Iterable[KeyValue]) -> dict[str, Any]:
    found = {attribute.key: _value(attribute.value) for attribute in attributes}
    assert len(found) == len(list(attributes)), "an attribute is there twice"
    return found


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(item) for item in value.array_value.values]
    return getattr(value, str(kind))
