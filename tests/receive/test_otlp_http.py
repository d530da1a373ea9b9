"""OTLP over HTTP, through real connections."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import threading
import tracemalloc
import zlib
from concurrent.futures import ThreadPoolExecutor

import pytest
from google.rpc.status_pb2 import Status
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from receivers import LIMIT, Rig, make_rig, request_of

from spancost.errors import Overloaded, TooLarge
from spancost.receive.compression import decompress
from spancost.receive.http_server import HttpServer
from spancost.receive.intake import Receipt

PROTOBUF, JSON = "application/x-protobuf", "application/json"
IN_JSON = b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"%s","spanId":"%s","name":"chat"}]}]}]}'
GOOD_JSON = IN_JSON % (b"t".hex().encode() * 16, b"s".hex().encode() * 8)


def test_protobuf_success(rig: Rig, good: bytes) -> None:
    """200, the request's content type, and a message with nothing set."""
    response, body = rig.post(good)
    assert (response.status, response.headers["Content-Type"], body) == (200, PROTOBUF, b"")
    assert rig.kept == [good]
    assert rig.counts.counts[("accepted", "http", "spans")] == 2


def test_json_success(rig: Rig) -> None:
    """The answer is JSON too, partialSuccess not there; what is kept is protobuf."""
    response, body = rig.post(GOOD_JSON, JSON + "; charset=utf-8")
    assert (response.status, response.headers["Content-Type"], body) == (200, JSON, b"{}")
    assert rig.kept == [request_of((b"t" * 16, b"s" * 8))]


@pytest.mark.parametrize(("body", "content_type", "answer"), [(b"", PROTOBUF, b""), (b"{}", JSON, b"{}")])
def test_an_empty_request_is_a_success(rig: Rig, body: bytes, content_type: str, answer: bytes) -> None:
    """OTLP: the server should answer an empty request with success."""
    response, got = rig.post(body, content_type)
    assert (response.status, got) == (200, answer)
    assert rig.kept == []


def test_bad_spans_are_told_as_partial_success(rig: Rig) -> None:
    """In the encoding of the request; in JSON the count is a string, as for every 64-bit number."""
    _, body = rig.post(request_of((b"t" * 16, b"s" * 8), (b"", b"")))
    assert ExportTraceServiceResponse.FromString(body).partial_success.rejected_spans == 1
    response, body = rig.post(IN_JSON % (b"nohex", b"00"), JSON)
    assert response.status == 200
    assert json.loads(body)["partialSuccess"]["rejectedSpans"] == "1"
    assert rig.counts.counts[("refused", "http", "bad_id", "spans")] == 2


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [("gzip", gzip.compress), ("GZIP", gzip.compress), ("deflate", zlib.compress), ("identity", bytes),
     ("deflate", lambda data: zlib.compress(data)[2:-4]),
     ("gzip", lambda data: gzip.compress(data[:7]) + gzip.compress(data[7:]))],
)  # fmt: skip
def test_content_encodings(rig: Rig, good: bytes, encoding: str, pack: object) -> None:
    """gzip (of several members too) and deflate (with and without header) are undone."""
    assert callable(pack)
    response, _ = rig.post(pack(good), headers={"Content-Encoding": encoding})
    assert response.status == 200
    assert rig.kept == [good]


@pytest.mark.parametrize(
    ("body", "content_type", "headers", "status", "code"),
    [
        (b"\xff\xff", PROTOBUF, {}, 400, 3),
        (request_of((b"t" * 16, b"s" * 8))[:-1], PROTOBUF, {}, 400, 3),
        (b"{", JSON, {}, 400, 3),
        (b"[]", JSON, {}, 400, 3),
        (b"\xff{}", JSON, {}, 400, 3),
        (b"[" * 50_000, JSON, {}, 400, 3),
        (b"no gzip", PROTOBUF, {"Content-Encoding": "gzip"}, 400, 3),
        (gzip.compress(b"cut")[:-9], PROTOBUF, {"Content-Encoding": "gzip"}, 400, 3),
        (b"", PROTOBUF, {"Content-Encoding": "zstd"}, 415, 12),
        (b"{}", "text/plain", {}, 415, 12),
        (b"{}", "", {}, 415, 12),
        (bytes(LIMIT + 1), PROTOBUF, {}, 413, 8),
        (gzip.compress(bytes(50 * LIMIT)), PROTOBUF, {"Content-Encoding": "gzip"}, 413, 8),
        (gzip.compress(bytes(50 * LIMIT)), JSON, {"Content-Encoding": "gzip"}, 413, 8),
        (bytes(300 * LIMIT), JSON, {}, 413, 8),
    ],
)
def test_what_is_refused_for_good(
    rig: Rig, body: bytes, content_type: str, headers: dict[str, str], status: int, code: int
) -> None:
    """Garbage, unknown encodings and oversize each get their status, with a Status body in the request's encoding."""
    response, answer = rig.post(body, content_type, headers=headers)
    assert response.status == status
    assert response.headers["Retry-After"] is None
    if content_type == PROTOBUF:
        assert Status.FromString(answer).code == code
        assert response.headers["Content-Type"] == PROTOBUF
    else:
        assert json.loads(answer)["code"] == code
        assert json.loads(answer)["message"]
        assert response.headers["Content-Type"] == JSON
    assert rig.kept == []
    assert sum(n for key, n in rig.counts.counts.items() if key[0] == "refused" and key[-1] == "requests") == 1


def test_a_chunked_body_is_limited_as_it_comes(rig: Rig) -> None:
    """Without a Content-Length the limit still holds."""
    connection = http.client.HTTPConnection("127.0.0.1", rig.http.port, timeout=20)
    connection.request(
        "POST", "/v1/traces", iter([bytes(LIMIT // 2)] * 3), {"Content-Type": PROTOBUF}, encode_chunked=True
    )
    assert connection.getresponse().status == 413
    connection.close()


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS"])
def test_another_method_is_not_allowed(rig: Rig, method: str) -> None:
    """405 with the method that is."""
    response, body = rig.post(b"", JSON, method=method)
    assert (response.status, response.headers["Allow"], json.loads(body)["code"]) == (405, "POST", 12)


def test_another_path_is_not_found(rig: Rig) -> None:
    """404 with a Status body."""
    response, body = rig.post(b"", JSON, path="/v1/nothing")
    assert (response.status, json.loads(body)["code"]) == (404, 5)


@pytest.mark.parametrize(
    ("error", "retry_after"),
    [(Overloaded("the spool is full"), "1"), (Overloaded("x", 2.4), "2"), (RuntimeError("secret"), "1")],
)
def test_what_may_pass_is_503_with_retry_after(rig: Rig, good: bytes, error: Exception, retry_after: str) -> None:
    """Overload and anything unexpected may be sent again; the words of an unexpected error stay inside."""

    def fail(_: bytes) -> Receipt:
        raise error

    rig.accept = fail
    response, body = rig.post(good)
    assert (response.status, response.headers["Retry-After"]) == (503, retry_after)
    assert Status.FromString(body).code == 14
    assert b"secret" not in body


def test_logs_and_metrics_are_answered_and_counted(rig: Rig) -> None:
    """In both encodings."""
    logs = ExportLogsServiceRequest()
    logs.resource_logs.add().scope_logs.add().log_records.add()
    metrics = ExportMetricsServiceRequest()
    metrics.resource_metrics.add().scope_metrics.add().metrics.add().gauge.data_points.add()
    logs_json = b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{},{}]},{}]},{}]}'
    metrics_json = b'{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"sum":{"dataPoints":[{},{}]}},{"name":"x"}]}]}]}'
    assert rig.post(logs.SerializeToString(), path="/v1/logs")[1] == b""
    assert rig.post(metrics.SerializeToString(), path="/v1/metrics")[1] == b""
    assert rig.post(logs_json, JSON, path="/v1/logs")[1] == b"{}"
    assert rig.post(metrics_json, JSON, path="/v1/metrics")[1] == b"{}"
    assert rig.counts.counts[("dropped", "logs", "records")] == 3
    assert rig.counts.counts[("dropped", "metrics", "records")] == 3


@pytest.mark.parametrize("body", [b'{"resourceLogs":{}}', b'{"resourceLogs":[1]}', b"1", b'"x"'])
def test_json_of_another_shape_is_no_log_request(rig: Rig, body: bytes) -> None:
    """Signals that are dropped are still checked."""
    assert rig.post(body, JSON, path="/v1/logs")[0].status == 400


def test_without_credentials_nothing_is_taken(guarded: Rig, good: bytes) -> None:
    """401 and the ways to do better; with a token or a password it passes."""
    response, body = guarded.post(good)
    assert (response.status, Status.FromString(body).code) == (401, 16)
    assert "Bearer" in response.headers["WWW-Authenticate"]
    assert guarded.post(good, headers={"Authorization": "Bearer wrong"})[0].status == 401
    assert guarded.kept == []
    assert guarded.post(good, headers={"Authorization": "Bearer t0ken"})[0].status == 200
    assert guarded.post(good, headers={"Authorization": "Basic YW5uOnDDpHNzd29yZA=="})[0].status == 200


@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip, Compression.Deflate])
def test_the_sdk_exporter_gets_through(rig: Rig, compression: Compression) -> None:
    """OpenTelemetry's own exporter, with each of its compressions."""
    exporter = OTLPSpanExporter(f"http://127.0.0.1:{rig.http.port}/v1/traces", compression=compression)
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    provider.get_tracer("test").start_span("only").end()
    provider.shutdown()
    assert rig.counts.counts[("accepted", "http", "spans")] == 1


def test_a_connection_is_kept_alive(rig: Rig, good: bytes) -> None:
    """Several requests, refused ones among them, go over one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", rig.http.port, timeout=20)
    connection.connect()
    before = connection.sock
    for body, status in ((good, 200), (b"\xff\xff", 400), (bytes(2 * LIMIT), 413), (good, 200)):
        connection.request("POST", "/v1/traces", body, {"Content-Type": PROTOBUF})
        response = connection.getresponse()
        response.read()
        assert response.status == status
    assert connection.sock is before
    connection.close()


def test_clients_that_hang_or_leave_hold_up_no_one(rig: Rig, good: bytes) -> None:
    """Half a header, half a body, or nothing at all: the next client is served."""
    head = b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\nContent-Length: 100\r\n"
    quiet = [socket.create_connection(("127.0.0.1", rig.http.port)) for _ in range(30)]
    for n, connection in enumerate(quiet):
        connection.sendall((b"", head, head + b"\r\nhalf")[n % 3])
    assert rig.post(good)[0].status == 200
    for connection in quiet:
        connection.close()


def test_a_slow_accept_does_not_stop_the_loop(rig: Rig, good: bytes) -> None:
    """While requests wait for the disk, other requests are read and answered."""
    inside, leave = threading.Event(), threading.Event()

    def slow(_: bytes) -> Receipt:
        inside.set()
        assert leave.wait(20)
        return Receipt(1, 0, "")

    rig.accept = slow
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(rig.post, good)
        assert inside.wait(20)
        assert rig.post(b"", method="GET")[0].status == 405
        assert rig.post(b"", path="/v1/logs")[0].status == 200
        leave.set()
        assert waiting.result(20)[0].status == 200


def test_a_port_in_use_is_an_error(rig: Rig) -> None:
    """Before anything runs."""
    with pytest.raises(OSError, match="Address already in use"):
        HttpServer(lambda *_: None, "127.0.0.1", rig.http.port)  # type: ignore[arg-type,return-value]  # never called


def test_a_server_that_never_started_can_be_stopped() -> None:
    """As when another port of the same start could not be had."""
    server = HttpServer(lambda *_: None, "127.0.0.1", 0)  # type: ignore[arg-type,return-value]  # never called
    server.stop(1)
    HttpServer(lambda *_: None, "127.0.0.1", server.port).stop(1)  # type: ignore[arg-type,return-value]  # never called


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
        answer = pool.submit(rig.post, good)
        assert inside.wait(20)
        stopping = pool.submit(rig.http.stop, 20)
        leave.set()
        assert answer.result(20)[0].status == 200
        stopping.result(20)
    with pytest.raises(ConnectionRefusedError):
        rig.post(good)
    rig.grpc.stop(1)


def test_a_bomb_is_never_held_in_memory() -> None:
    """Decompression stops soon after the limit, however much would follow."""
    bomb = gzip.compress(bytes(100 << 20))
    tracemalloc.start()
    with pytest.raises(TooLarge):
        decompress(bomb, "gzip", LIMIT)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20
