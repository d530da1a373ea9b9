"""Captured telemetry as requests: whole, or cut span by span and put together again in any way."""

import base64
import json
from pathlib import Path

from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans

FOLDER = Path(__file__).parents[1] / "fixtures" / "telemetry"
TRACERS = sorted(file.parent.name for file in FOLDER.glob("*/truth.json"))

_IDS = ("traceId", "spanId", "parentSpanId")


def truth_of(tracer):
    return json.loads((FOLDER / tracer / "truth.json").read_text())


def request_of(tracer):
    """The capture as one export request, read by protobuf's own JSON parser."""
    capture = json.loads((FOLDER / tracer / "traces.json").read_text())
    return json_format.ParseDict(_with_base64_ids(capture), ExportTraceServiceRequest())


def single_spans(tracer):
    """Each span of the capture alone, under a copy of its resource and scope."""
    return [
        _alone(resource, scope, span)
        for resource in request_of(tracer).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def request_bytes(parts):
    return ExportTraceServiceRequest(resource_spans=parts).SerializeToString()


def _alone(resource, scope, span):
    alone = ResourceSpans(resource=resource.resource, schema_url=resource.schema_url)
    alone.scope_spans.add(scope=scope.scope, schema_url=scope.schema_url, spans=[span])
    return alone


def _with_base64_ids(node):
    """OTLP/JSON writes ids in hex where protobuf's JSON has base64 (https://opentelemetry.io/docs/specs/otlp/)."""
    if isinstance(node, list):
        return [_with_base64_ids(item) for item in node]
    if isinstance(node, dict):
        return {key: _base64(value) if key in _IDS else _with_base64_ids(value) for key, value in node.items()}
    return node


def _base64(hex_digits):
    return base64.b64encode(bytes.fromhex(hex_digits)).decode()
