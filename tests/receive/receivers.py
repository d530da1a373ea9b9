"""Real servers on free ports, with a plain count of what they say."""

from __future__ import annotations

import http.client
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from spancost.receive.auth import Credentials
from spancost.receive.grpc_server import GrpcServer, serve_grpc
from spancost.receive.http_server import HttpServer
from spancost.receive.intake import Intake
from spancost.receive.otlp_http import otlp_app
from spancost.receive.service import Service

TRACES = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
LIMIT = 100_000


@dataclass
class Counts:
    """An `Observe` that counts by everything it is told."""

    counts: Counter[tuple[str, ...]] = field(default_factory=Counter)

    def accepted(self, transport: str, spans: int) -> None:
        self.counts[("accepted", transport, "requests")] += 1
        self.counts[("accepted", transport, "spans")] += spans

    def refused(self, transport: str, reason: str, *, spans: int = 0, requests: int = 0) -> None:
        self.counts[("refused", transport, reason, "spans")] += spans
        self.counts[("refused", transport, reason, "requests")] += requests

    def dropped(self, signal: str, records: int) -> None:
        self.counts[("dropped", signal, "requests")] += 1
        self.counts[("dropped", signal, "records")] += records


@dataclass
class Rig:
    """Both servers over one intake into a list; `accept` may be replaced while they run."""

    counts: Counts
    kept: list[bytes]
    accept: Callable[[bytes], Any]
    grpc: GrpcServer
    http: HttpServer

    def call(self, body: bytes, method: str = TRACES, **options: Any) -> bytes:
        """Send over gRPC; raises grpc.RpcError."""
        with grpc.insecure_channel(f"127.0.0.1:{self.grpc.port}") as channel:
            result: bytes = channel.unary_unary(method)(body, timeout=20, **options)
            return result

    def post(
        self, body: bytes, content_type: str = "application/x-protobuf", *,
        path: str = "/v1/traces", method: str = "POST", headers: dict[str, str] | None = None,
    ) -> tuple[http.client.HTTPResponse, bytes]:
        """Send over HTTP."""
        connection = http.client.HTTPConnection("127.0.0.1", self.http.port, timeout=20)
        try:
            connection.request(method, path, body, {"Content-Type": content_type, **(headers or {})})
            response = connection.getresponse()
            return response, response.read()
        finally:
            connection.close()


def make_rig(credentials: Credentials | None = None) -> Rig:
    kept: list[bytes] = []
    rig = Rig(Counts(), kept, Intake(kept.append).accept, None, None)  # type: ignore[arg-type]  # set below

    def accept(body: bytes) -> Any:
        return rig.accept(body)

    service = Service(accept, rig.counts, credentials=credentials, max_request_bytes=LIMIT, workers=4)
    rig.grpc = serve_grpc("127.0.0.1:0", service)
    rig.http = HttpServer(otlp_app(service), "127.0.0.1", 0)
    rig.http.start()
    return rig


def request_of(*ids: tuple[bytes, bytes]) -> bytes:
    """A trace request with a span for each pair of ids."""
    request = ExportTraceServiceRequest()
    scope = request.resource_spans.add().scope_spans.add()
    for trace_id, span_id in ids:
        scope.spans.add(trace_id=trace_id, span_id=span_id, name="chat")
    return request.SerializeToString()
