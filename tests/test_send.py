"""Files of spans, sent to real receivers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from spancost.client import CommandFailed
from spancost.config_values import HostPort
from spancost.receive.auth import Credentials
from spancost.receive.grpc_server import GrpcServer
from spancost.receive.http_server import HttpServer
from spancost.receive.intake import Intake
from spancost.receive.observe import Unobserved
from spancost.receive.otlp_http import otlp_app
from spancost.receive.service import Service
from spancost.send import Protocol, Sent, read_requests, send

_SPAN = {"traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "b7ad6b7169203331", "name": "chat gpt-4o"}
_DOCUMENT = {"resourceSpans": [{"scopeSpans": [{"spans": [_SPAN, _SPAN | {"spanId": "b7ad6b7169203332"}]}]}]}
_BAD = {"resourceSpans": [{"scopeSpans": [{"spans": [_SPAN, _SPAN | {"spanId": "0000000000000000"}]}]}]}


def _file(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "spans"
    path.write_bytes(content)
    return path


@contextmanager
def _receiver(protocol: Protocol, bodies: list[bytes], token: str | None = None) -> Iterator[HostPort]:
    credentials = Credentials(tokens=[token]) if token else None
    service = Service(Intake(bodies.append).accept, Unobserved(), credentials)
    server = GrpcServer("127.0.0.1:0", service) if protocol == "grpc" else HttpServer(otlp_app(service), "127.0.0.1", 0)
    server.start()
    try:
        yield HostPort("127.0.0.1", server.port)
    finally:
        server.stop(1)


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(_DOCUMENT),
        json.dumps(_DOCUMENT, indent=2) + "\n",
        "\n" + json.dumps(_DOCUMENT) + "\n\n" + json.dumps(_DOCUMENT) + "\n",
    ],
)
def test_json_files_hold_one_request_or_many(tmp_path: Path, text: str) -> None:
    """A JSON file is read whether it is one document or one a line."""
    requests = read_requests(_file(tmp_path, text.encode()))

    names = [span.name for request in requests for span in request.resource_spans[0].scope_spans[0].spans]
    assert names == ["chat gpt-4o"] * 2 * text.count("resourceSpans")


def test_a_protobuf_file_is_one_request(tmp_path: Path) -> None:
    """Anything that does not begin as JSON is read as protobuf."""
    (request,) = read_requests(_file(tmp_path, json.dumps(_DOCUMENT).encode()))
    path = _file(tmp_path, request.SerializeToString())

    assert read_requests(path) == [request]


@pytest.mark.parametrize(
    "content", [b'{"resourceSpans": [', b"{} nonsense", b'{"resourceSpans": 5}', b"\x0a\xff", b"{\xff}"]
)
def test_a_file_that_is_neither(tmp_path: Path, content: bytes) -> None:
    """What is no OTLP is one failure that names the file."""
    path = _file(tmp_path, content)
    with pytest.raises(CommandFailed, match=str(path)):
        read_requests(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """A missing file is a failure that names it."""
    with pytest.raises(CommandFailed, match="none: cannot be read"):
        read_requests(tmp_path / "none")


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_sent_is_what_the_receiver_took(tmp_path: Path, protocol: Protocol) -> None:
    """The receiver gets the request of the file, and the result counts its spans."""
    bodies: list[bytes] = []
    requests = read_requests(_file(tmp_path, json.dumps(_DOCUMENT).encode()))
    with _receiver(protocol, bodies) as endpoint:
        sent = send(requests, endpoint, protocol, None)

    assert sent == Sent(spans=2, rejected=0, message="")
    assert [ExportTraceServiceRequest.FromString(body) for body in bodies] == requests


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_refused_spans_are_counted_with_the_reason(tmp_path: Path, protocol: Protocol) -> None:
    """A partial success says how many spans were refused and why."""
    requests = read_requests(_file(tmp_path, json.dumps(_BAD).encode()))
    with _receiver(protocol, []) as endpoint:
        sent = send([*requests, *requests], endpoint, protocol, None)

    assert (sent.spans, sent.rejected) == (4, 2)
    assert sent.message.startswith("1 of 2 spans refused")
    assert ";" not in sent.message


@pytest.mark.parametrize(("protocol", "words"), [("grpc", "UNAUTHENTICATED"), ("http", "401")])
def test_a_refused_request_is_a_failure(tmp_path: Path, protocol: Protocol, words: str) -> None:
    """Without the token the request is refused as a whole; with it, it is taken."""
    requests = read_requests(_file(tmp_path, json.dumps(_DOCUMENT).encode()))
    with _receiver(protocol, [], token="s3cret") as endpoint:
        with pytest.raises(CommandFailed, match=f"refused: {words}: credentials"):
            send(requests, endpoint, protocol, None)

        assert send(requests, endpoint, protocol, "s3cret").rejected == 0


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_nobody_there_is_a_failure(tmp_path: Path, protocol: Protocol) -> None:
    """Where nothing listens, the failure names the endpoint."""
    requests = read_requests(_file(tmp_path, json.dumps(_DOCUMENT).encode()))
    with pytest.raises(CommandFailed, match=r"127\.0\.0\.1:1 "):
        send(requests, HostPort("127.0.0.1", 1), protocol, None)
