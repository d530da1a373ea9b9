"""OTLP over gRPC: raw bytes in, an answer by the rules out. No handler error ever reaches a client as UNKNOWN."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NoReturn

import grpc
import structlog
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)

from spancost.receive.auth import authenticate
from spancost.receive.observe import Signal
from spancost.receive.scan import count_data_points, count_log_records
from spancost.receive.service import Service
from spancost.receive.status import refusal, retry_info, rpc_status

_PACKAGE = "opentelemetry.proto.collector"
_TRACES = f"{_PACKAGE}.trace.v1.TraceService"
_LOGS = f"{_PACKAGE}.logs.v1.LogsService"
_METRICS = f"{_PACKAGE}.metrics.v1.MetricsService"
_CODES = {code.value[0]: code for code in grpc.StatusCode}
_SUCCESS = b""

_log = structlog.get_logger(__name__)


class GrpcServer:
    """A bound gRPC server. `port` is the one taken; nothing is answered before `start`."""

    def __init__(self, endpoint: str, service: Service) -> None:
        """Bind `host:port`; port 0 takes a free one. Raises OSError when it cannot be had."""
        self._workers = ThreadPoolExecutor(service.workers, thread_name_prefix="otlp-grpc")
        self._server = grpc.server(
            self._workers,
            options=[
                ("grpc.so_reuseport", 0),
                ("grpc.max_receive_message_length", service.max_request_bytes),
            ],
        )
        self._health = health.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        self._server.add_generic_rpc_handlers(_handlers(_Export(service)))
        self.set_serving(False)
        self.port = _bind(self._server, endpoint)

    def start(self) -> None:
        """Answer requests, and say SERVING to who asks after the health."""
        self.set_serving(True)
        self._server.start()

    def set_serving(self, serving: bool) -> None:
        """What the health service says of the collector and of its trace service."""
        states = health_pb2.HealthCheckResponse
        for service in ("", _TRACES):
            self._health.set(service, states.SERVING if serving else states.NOT_SERVING)

    def stop(self, grace: float) -> None:
        """Take no more requests and give those that run `grace` seconds to end; returns when they have, or are cut."""
        self._health.enter_graceful_shutdown()
        self._server.stop(grace).wait()
        self._workers.shutdown(wait=False)


def serve_grpc(endpoint: str, service: Service) -> GrpcServer:
    """Bind and start a server. Raises OSError when the endpoint cannot be had."""
    server = GrpcServer(endpoint, service)
    server.start()
    return server


class _Export:
    """The three Export methods."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def traces(self, body: bytes) -> bytes:
        receipt = self._service.accept(body)
        self._service.observe.accepted("grpc", receipt.taken)
        if not receipt.rejected:
            return _SUCCESS
        self._service.observe.refused("grpc", "bad_id", spans=receipt.rejected)
        partial = ExportTracePartialSuccess(rejected_spans=receipt.rejected, error_message=receipt.message)
        return ExportTraceServiceResponse(partial_success=partial).SerializeToString()

    def dropping(self, signal: Signal, count: Callable[[bytes], int]) -> Callable[[bytes], bytes]:
        def drop(body: bytes) -> bytes:
            self._service.observe.dropped(signal, count(body))
            return _SUCCESS

        return drop

    def guarded(self, handle: Callable[[bytes], bytes]) -> Callable[[bytes, grpc.ServicerContext], bytes]:
        """The handler for gRPC: who may not send, and whatever goes wrong, gets its answer by the rules."""

        def handler(body: bytes, context: grpc.ServicerContext) -> bytes:
            try:
                self._authenticate(context)
                return handle(body)
            except Exception as error:
                self._refuse(error, context)

        return handler

    def _authenticate(self, context: grpc.ServicerContext) -> None:
        if self._service.credentials is not None:
            given = dict(context.invocation_metadata()).get("authorization")
            authenticate(self._service.credentials, given if isinstance(given, str) else None)

    def _refuse(self, error: Exception, context: grpc.ServicerContext) -> NoReturn:
        """End the call. RetryInfo goes out twice: clients differ in which of the two trailers they read."""
        refused = refusal(error)
        self._service.observe.refused("grpc", refused.reason, requests=1)
        if refused.reason == "internal":
            _log.error("request_failed", transport="grpc", exc_info=error)
        trailers = [("grpc-status-details-bin", rpc_status(refused).SerializeToString())]
        if refused.retry_after is not None:
            trailers.append(("google.rpc.retryinfo-bin", retry_info(refused.retry_after).SerializeToString()))
        context.set_trailing_metadata(tuple(trailers))
        context.abort(_CODES[refused.code], refused.message)


def _handlers(export: _Export) -> tuple[grpc.GenericRpcHandler, ...]:
    handles = {
        _TRACES: export.traces,
        _LOGS: export.dropping("logs", count_log_records),
        _METRICS: export.dropping("metrics", count_data_points),
    }
    return tuple(
        grpc.method_handlers_generic_handler(
            service, {"Export": grpc.unary_unary_rpc_method_handler(export.guarded(handle))}
        )
        for service, handle in handles.items()
    )


def _bind(server: grpc.Server, endpoint: str) -> int:
    try:
        return server.add_insecure_port(endpoint)
    except RuntimeError:
        _raise_why(endpoint)
        raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE), endpoint) from None


def _raise_why(endpoint: str) -> None:
    """gRPC does not say why it could not bind, so try it the plain way for the error. Raises OSError."""
    host, _, port = endpoint.rpartition(":")
    for family, kind, protocol, _, address in socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM):
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
