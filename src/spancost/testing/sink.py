"""An OTLP receiver in this process that keeps what it is sent."""

import gzip
import threading
from collections.abc import Callable
from concurrent import futures
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

import grpc
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from spancost.testing.body import read_body

_ANY_SIZE = [("grpc.max_receive_message_length", -1)]


class OtlpSink:
    """Receives OTLP over gRPC and HTTP/protobuf (gzip or plain) on two free loopback ports and accepts everything.

    Use as a context manager. `grpc_endpoint` and `http_endpoint` are what OTEL_EXPORTER_OTLP_ENDPOINT takes.
    `traces`, `metrics` and `logs` hold the decoded requests in order of arrival; a request is there before its sender
    has the answer, so nothing need be waited for after the exporter has flushed.
    """

    def __init__(self) -> None:
        self.traces: list[ExportTraceServiceRequest] = []
        self.metrics: list[ExportMetricsServiceRequest] = []
        self.logs: list[ExportLogsServiceRequest] = []
        self._grpc = grpc.server(futures.ThreadPoolExecutor(4), options=_ANY_SIZE)
        self._grpc.add_generic_rpc_handlers(tuple(_grpc_service(*signal) for signal in self._signals()))
        self._grpc_port = self._grpc.add_insecure_port("127.0.0.1:0")
        self._http = _HttpServer({path: keep for path, _, _, keep in self._signals()})
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)

    @property
    def grpc_endpoint(self) -> str:
        return f"http://127.0.0.1:{self._grpc_port}"

    @property
    def http_endpoint(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    def spans(self) -> list[Span]:
        """Every span received so far, in order of arrival; resource and scope are in `traces`."""
        return [
            span
            for request in self.traces
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def __enter__(self) -> Self:
        self._grpc.start()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._grpc.stop(None).wait()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def _signals(self) -> "tuple[_Signal, ...]":
        return (
            ("/v1/traces", "trace.v1.TraceService", ExportTraceServiceResponse, self._keep_traces),
            ("/v1/metrics", "metrics.v1.MetricsService", ExportMetricsServiceResponse, self._keep_metrics),
            ("/v1/logs", "logs.v1.LogsService", ExportLogsServiceResponse, self._keep_logs),
        )

    def _keep_traces(self, body: bytes) -> None:
        self.traces.append(ExportTraceServiceRequest.FromString(body))

    def _keep_metrics(self, body: bytes) -> None:
        self.metrics.append(ExportMetricsServiceRequest.FromString(body))

    def _keep_logs(self, body: bytes) -> None:
        self.logs.append(ExportLogsServiceRequest.FromString(body))


_Keep = Callable[[bytes], None]
_Signal = tuple[str, str, type[Any], _Keep]


def _grpc_service(path: str, service: str, response: type[Any], keep: _Keep) -> grpc.GenericRpcHandler:
    def export(body: bytes, context: grpc.ServicerContext) -> bytes:
        keep(body)
        return bytes(response().SerializeToString())

    # Without (de)serialisers the handler sees the bytes, so gRPC and HTTP share `keep`.
    handlers: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {"Export": grpc.unary_unary_rpc_method_handler(export)}
    return grpc.method_handlers_generic_handler(f"opentelemetry.proto.collector.{service}", handlers)


class _HttpServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, keeps: dict[str, _Keep]) -> None:
        super().__init__(("127.0.0.1", 0), _HttpHandler)
        self.keeps = keeps


class _HttpHandler(BaseHTTPRequestHandler):
    server: _HttpServer

    def do_POST(self) -> None:
        body = read_body(self.headers, self.rfile)
        keep = self.server.keeps.get(self.path)
        if keep:
            keep(gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body)
        self.send_response(200 if keep else 404)
        self.send_header("content-type", "application/x-protobuf")
        # An empty protobuf message, which is full success, has no bytes.
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Silent: the sink keeps what it got."""
