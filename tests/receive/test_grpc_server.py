"""OTLP over gRPC, through real channels."""

from __future__ import annotations

import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from google.rpc.error_details_pb2 import BadRequest, RetryInfo
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from receivers import LIMIT, Rig, make_rig, request_of

from spancost.errors import Overloaded, TooLarge
from spancost.receive.grpc_server import serve_grpc
from spancost.receive.intake import Receipt
from spancost.receive.observe import Unobserved
from spancost.receive.service import Service

LOGS = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
METRICS = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"


def refused(rig: Rig, body: bytes, **options: Any) -> Any:
    with pytest.raises(grpc.RpcError) as error:
        rig.call(body, **options)
    return error.value


def test_success_is_an_empty_message(rig: Rig, good: bytes) -> None:
    """A taken request is answered with partial_success unset: no bytes at all."""
    assert rig.call(good) == b""
    assert rig.kept == [good]
    assert rig.counts.counts[("accepted", "grpc", "spans")] == 2


def test_an_empty_request_is_a_success(rig: Rig) -> None:
    """OTLP: the server should answer an empty request with success."""
    assert rig.call(b"") == b""
    assert rig.kept == []
    assert rig.counts.counts[("accepted", "grpc", "requests")] == 1


def test_bad_spans_are_told_as_partial_success(rig: Rig) -> None:
    """One good span is taken; the sender hears how many were not, and why."""
    body = request_of((b"t" * 16, b"s" * 8), (b"t", b"s"))
    answer = ExportTraceServiceResponse.FromString(rig.call(body))
    assert answer.partial_success.rejected_spans == 1
    assert "trace id" in answer.partial_success.error_message
    assert rig.kept == [body]
    assert rig.counts.counts[("refused", "grpc", "bad_id", "spans")] == 1


@pytest.mark.parametrize("body", [b"\xff\xff", request_of((b"t" * 16, b"s" * 8))[:-2]])
def test_garbage_is_an_invalid_argument(rig: Rig, body: bytes) -> None:
    """Not retryable, with the details that clients look for, and counted."""
    error = refused(rig, body)
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    detail = BadRequest()
    assert rpc_status.from_call(error).details[0].Unpack(detail)
    assert detail.field_violations[0].description == error.details()
    assert "google.rpc.retryinfo-bin" not in dict(error.trailing_metadata())
    assert rig.counts.counts[("refused", "grpc", "malformed", "requests")] == 1


@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
def test_a_message_over_the_limit_is_not_to_be_sent_again(rig: Rig, compression: grpc.Compression) -> None:
    """The limit holds after decompression; RESOURCE_EXHAUSTED without RetryInfo means permanent."""
    error = refused(rig, bytes(LIMIT + 1), compression=compression)
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "google.rpc.retryinfo-bin" not in dict(error.trailing_metadata() or ())
    assert rig.call(b"") == b""


def test_gzip_is_taken(rig: Rig, good: bytes) -> None:
    """Compressed requests arrive uncompressed."""
    assert rig.call(good, compression=grpc.Compression.Gzip) == b""
    assert rig.kept == [good]


@pytest.mark.parametrize(
    ("error", "words", "delay"),
    [(Overloaded("the spool is full", 2.5), "the spool is full", 2.5), (RuntimeError("secret"), "inside", 1.0),
     (MemoryError(), "inside", 1.0), (OSError(5, "secret"), "inside", 1.0)],
)  # fmt: skip
def test_what_may_pass_is_unavailable_with_a_delay_in_both_trailers(
    rig: Rig, good: bytes, error: Exception, words: str, delay: float
) -> None:
    """Overload and anything unexpected may be sent again; the words of an unexpected error stay inside."""

    def fail(_: bytes) -> Receipt:
        raise error

    rig.accept = fail
    answer = refused(rig, good)
    assert answer.code() is grpc.StatusCode.UNAVAILABLE
    assert words in answer.details()
    assert "secret" not in answer.details()
    bare = RetryInfo.FromString(dict(answer.trailing_metadata())["google.rpc.retryinfo-bin"])
    packed = RetryInfo()
    assert rpc_status.from_call(answer).details[0].Unpack(packed)
    assert packed == bare
    assert bare.retry_delay.ToTimedelta().total_seconds() == delay


def test_what_never_fits_has_no_retry_info(rig: Rig, good: bytes) -> None:
    """A permanent error of the spool is permanent for the sender."""

    def fail(_: bytes) -> Receipt:
        raise TooLarge("larger than the spool")

    rig.accept = fail
    answer = refused(rig, good)
    assert answer.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "google.rpc.retryinfo-bin" not in dict(answer.trailing_metadata())


def test_logs_and_metrics_are_answered_and_counted(rig: Rig) -> None:
    """A sender of all three signals sees success; what was dropped is known."""
    logs = ExportLogsServiceRequest()
    records = logs.resource_logs.add().scope_logs.add().log_records
    records.add()
    records.add()
    metrics = ExportMetricsServiceRequest()
    metrics.resource_metrics.add().scope_metrics.add().metrics.add().sum.data_points.add()
    assert rig.call(logs.SerializeToString(), LOGS) == b""
    assert rig.call(metrics.SerializeToString(), METRICS) == b""
    assert rig.counts.counts[("dropped", "logs", "records")] == 2
    assert rig.counts.counts[("dropped", "metrics", "records")] == 1
    assert rig.kept == []


def test_garbage_is_no_log_request(rig: Rig) -> None:
    """Signals that are dropped are still checked."""
    assert refused(rig, b"\xff\xff", method=LOGS).code() is grpc.StatusCode.INVALID_ARGUMENT


def test_an_unknown_method_is_unimplemented(rig: Rig) -> None:
    """As any gRPC server answers."""
    assert refused(rig, b"", method="/no.Service/Export").code() is grpc.StatusCode.UNIMPLEMENTED


def test_health_follows_the_switch(rig: Rig) -> None:
    """SERVING from the start; NOT_SERVING when told, for the whole server and for the trace service."""
    states = health_pb2.HealthCheckResponse
    with grpc.insecure_channel(f"127.0.0.1:{rig.grpc.port}") as channel:
        health = health_pb2_grpc.HealthStub(channel)
        for serving, state in ((True, states.SERVING), (False, states.NOT_SERVING), (True, states.SERVING)):
            rig.grpc.set_serving(serving)
            for service in ("", "opentelemetry.proto.collector.trace.v1.TraceService"):
                assert health.Check(health_pb2.HealthCheckRequest(service=service)).status == state


def test_a_port_in_use_is_an_error(rig: Rig) -> None:
    """A second server on the same port would silently get half of the requests."""
    with pytest.raises(OSError, match="Address already in use"):
        serve_grpc(f"127.0.0.1:{rig.grpc.port}", Service(rig.accept, Unobserved()))


def test_a_host_that_is_not_ours_is_an_error(rig: Rig) -> None:
    """The reason is the kernel's own."""
    with pytest.raises(OSError, match="Cannot assign requested address"):
        serve_grpc("192.0.2.1:0", Service(rig.accept, Unobserved()))


@pytest.mark.parametrize(
    "authorization", [None, "Bearer wrong", "Bearer", "t0ken", "Basic t0ken", "Basic YW5uOndyb25n", "Bearer t0ken2"]
)
def test_without_credentials_nothing_is_taken(guarded: Rig, good: bytes, authorization: str | None) -> None:
    """Missing, wrong and malformed credentials are UNAUTHENTICATED on every method."""
    metadata = [("authorization", authorization)] if authorization else []
    for method in ("/opentelemetry.proto.collector.trace.v1.TraceService/Export", LOGS, METRICS):
        error = refused(guarded, good, method=method, metadata=metadata)
        assert error.code() is grpc.StatusCode.UNAUTHENTICATED
    assert guarded.kept == []


@pytest.mark.parametrize("authorization", ["Bearer t0ken", "bearer other", "Basic YW5uOnDDpHNzd29yZA=="])
def test_with_credentials_it_is_taken(guarded: Rig, good: bytes, authorization: str) -> None:
    """Any of the tokens or users will do."""
    assert guarded.call(good, metadata=[("authorization", authorization)]) == b""


def test_the_sdk_exporter_gets_through(rig: Rig) -> None:
    """OpenTelemetry's own exporter, with its own batching and headers."""
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(f"127.0.0.1:{rig.grpc.port}", insecure=True)))
    with provider.get_tracer("test").start_as_current_span("outer"):
        provider.get_tracer("test").start_span("inner").end()
    provider.shutdown()
    assert rig.counts.counts[("accepted", "grpc", "spans")] == 2


def test_a_half_open_connection_holds_up_no_one(rig: Rig, good: bytes) -> None:
    """Clients that connect and say nothing, or half of the preface, cost no worker."""
    quiet = [socket.create_connection(("127.0.0.1", rig.grpc.port)) for _ in range(20)]
    for connection in quiet[::2]:
        connection.sendall(b"PRI * HTTP/2.0\r\n")
    assert rig.call(good) == b""
    for connection in quiet:
        connection.close()


def test_stop_lets_a_running_request_end(good: bytes) -> None:
    """A request in hand is answered after stop was called; a new one is not taken."""
    rig = make_rig()
    inside, leave = threading.Event(), threading.Event()

    def slow(_: bytes) -> Receipt:
        inside.set()
        assert leave.wait(20)
        return Receipt(1, 0, "")

    rig.accept = slow
    with ThreadPoolExecutor(2) as pool:
        answer = pool.submit(rig.call, good)
        assert inside.wait(20)
        stopping = pool.submit(rig.grpc.stop, 20)
        leave.set()
        assert answer.result(20) == b""
        stopping.result(20)
    with pytest.raises(grpc.RpcError):
        rig.call(good)
    rig.http.stop(1)
