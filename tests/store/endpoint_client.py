"""Asking the endpoint over real HTTP, byte by byte."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from urllib.parse import urlencode

import uvicorn
from starlette.types import ASGIApp


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer, as it came."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def code(self) -> int:
        """ClickHouse's error code, 0 when there was no error."""
        return int(self.headers.get("x-clickhouse-exception-code", "0"))

    @property
    def text(self) -> str:
        """The body without its last newline."""
        return self.body.decode().removesuffix("\n")


@dataclass(frozen=True, slots=True)
class Asker:
    """A client of the endpoint on a port of this machine."""

    port: int

    def ask(
        self,
        sql: str = "",
        *,
        url: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        path: str = "/",
    ) -> Answer:
        """POST the statement as a body, with the given parameters in the URL."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(
                "POST", f"{path}?{urlencode(url or {})}", sql.encode() if body is None else body, dict(headers or {})
            )
            return _answer(connection)
        finally:
            connection.close()

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        """GET a path with its query string."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", path, headers=dict(headers or {}))
            return _answer(connection)
        finally:
            connection.close()


@contextmanager
def served(app: ASGIApp) -> Iterator[Asker]:
    """The app on a free port of this machine, in a thread."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None))
    started = threading.Event()
    startup = server.startup

    async def startup_and_tell(sockets: list[object] | None = None) -> None:
        await startup(sockets)  # type: ignore[arg-type] # uvicorn's own argument, handed through
        started.set()

    server.startup = startup_and_tell  # type: ignore[method-assign, assignment] # the only hook that says "listening"
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert started.wait(30)
        yield Asker(server.servers[0].sockets[0].getsockname()[1])
    finally:
        server.should_exit = True
        thread.join()


def _answer(connection: HTTPConnection) -> Answer:
    response = connection.getresponse()
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, headers, response.read())
