"""A local HTTP server that answers like OpenAI and Anthropic."""

import json
import threading
from collections import Counter
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

from spancost.testing.answers import Answer, answer
from spancost.testing.body import read_body


@dataclass(frozen=True, slots=True)
class ProviderRequest:
    """One request the fake provider got, and the HTTP status it answered with."""

    path: str
    body: dict[str, Any]
    status: int


class FakeProvider:
    """An OpenAI and Anthropic API on a free loopback port; what it answers is in `spancost.testing.answers`.

    Serves `/v1/chat/completions`, `/v1/responses`, `/v1/embeddings` and `/v1/messages`, with streaming where the real
    API has it. A model whose name ends in `-429` is refused at every odd attempt, so a client that retries sees one
    429 and then the answer; a model that ends in `-500` always fails. Response ids are unique across providers.

    Use as a context manager. `url` has no path: give the OpenAI client `f"{provider.url}/v1"` and the Anthropic client
    `provider.url` as base URL. `requests` lists what came in, failed attempts included, in order of arrival.
    """

    def __init__(self) -> None:
        self.requests: list[ProviderRequest] = []
        self._attempts: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def respond(self, path: str, body: dict[str, Any]) -> tuple[int, Answer]:
        """Status and answer for one request, which is logged: what the server sends, without HTTP."""
        model = str(body.get("model", ""))
        with self._lock:
            self._attempts[model] += 1
            found = answer(path, body, uuid4().hex)
            status = 404 if found is None else _status(model, self._attempts[model])
            self.requests.append(ProviderRequest(path, body, status))
        return status, found if found and status == 200 else _refusal(status)  # noqa: PLR2004 (HTTP OK)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, provider: FakeProvider) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.provider = provider


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        body = json.loads(read_body(self.headers, self.rfile))
        status, said = self.server.provider.respond(self.path.partition("?")[0], body)
        if body.get("stream") and said.events:
            self._send(status, "text/event-stream", "".join(map(_event, said.events)))
        else:
            self._send(status, "application/json", json.dumps(said.body))

    def _send(self, status: int, content_type: str, text: str) -> None:
        payload = text.encode()
        self.send_response(status)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(payload)))
        self.send_header("request-id", "req_fake")
        if status != 200:  # noqa: PLR2004 (HTTP OK)
            # Both vendors' clients wait this long before they retry, instead of half a second.
            self.send_header("retry-after-ms", "1")
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, format: str, *args: object) -> None:
        """Silent: the provider keeps its own log of requests."""


def _status(model: str, attempt: int) -> int:
    if model.endswith("-500"):
        return 500
    return 429 if model.endswith("-429") and attempt % 2 else 200


def _refusal(status: int) -> Answer:
    error = {"type": "api_error", "message": f"fake provider: HTTP {status}"}
    return Answer({"type": "error", "error": error})


def _event(event: tuple[str, str]) -> str:
    name, data = event
    return (f"event: {name}\n" if name else "") + f"data: {data}\n\n"
