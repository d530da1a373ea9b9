"""The read-only ClickHouse HTTP interface over the embedded engine, for Grafana, curl and every ClickHouse client."""

from __future__ import annotations

import asyncio
import gzip
import hmac
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive

from spancost.store.asking import Asked, Identity, decompressed, read_identity, read_request
from spancost.store.session import Engine, Result, Statement
from spancost.store.settings import IGNORED, Limits, session_settings
from spancost.store.wire import HELLO, Answered, content_type, hello_block

_MOST_AT_ONCE = 2
_LONGEST_STATEMENT = 1 << 20
_LONGEST_WRITE = 1 << 28
_GZIP_FROM = 1024
_CANCEL_EVERY = 0.1
_LOCAL_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})


def endpoint_app(
    directory: str, database: str, *, credentials: Identity | None, cores: int, allow_writes: bool = False
) -> Starlette:
    """An ASGI app that answers SQL about `database` in the embedded engine on `directory`.

    At most two queries run at once, together on half of `cores`; others wait. A query stops when its client leaves.
    Without `credentials` everybody may read who names a loopback host, which keeps out web pages that resolve their
    own name to this machine. `allow_writes` switches the fence off: it is there to test the client of a server, and
    no configuration sets it.
    """
    endpoint = _Endpoint(directory, database, credentials, cores, allow_writes)
    return Starlette(
        routes=[
            Route("/ping", endpoint.ping, methods=["GET"]),
            Route("/", endpoint.answer, methods=["GET", "POST"]),
        ],
        exception_handlers={Answered: endpoint.refuse},
        lifespan=endpoint.lifespan,
    )


class _Endpoint:
    def __init__(
        self, directory: str, database: str, credentials: Identity | None, cores: int, allow_writes: bool
    ) -> None:
        self._limits = Limits(max_threads=max(1, cores // 2 // _MOST_AT_ONCE))
        self._engine = Engine(directory, database, self._limits)
        self._database = database
        self._credentials = credentials
        self._allow_writes = allow_writes
        self._places = asyncio.Semaphore(_MOST_AT_ONCE)

    @asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:
        yield
        self._engine.close()

    async def ping(self, request: Request) -> Response:
        return Response("Ok.\n", media_type="text/html")

    async def answer(self, request: Request) -> Response:
        if request.method == "GET" and "query" not in request.query_params:
            return await self.ping(request)
        self._admit(request)
        longest = _LONGEST_WRITE if self._allow_writes else _LONGEST_STATEMENT
        body = decompressed(await _body(request, longest), request.headers.get("content-encoding", ""), longest)
        asked = read_request(request.query_params, request.headers, body)
        if asked.sql == HELLO and asked.format == "Native" and asked.revision:
            return Response(await asyncio.to_thread(self._hello, asked.revision))
        # Not the client's own id, by which it could cancel somebody else's query.
        query_id = str(uuid4())
        result = await self._unless_gone(request.receive, self._work(asked, query_id), query_id)
        zipped = "gzip" in request.headers.get("accept-encoding", "")
        return await asyncio.to_thread(_response, result, asked.id or query_id, zipped)

    async def refuse(self, request: Request, error: Exception) -> Response:
        if not isinstance(error, Answered):
            raise error
        body = error.body(await asyncio.to_thread(lambda: self._engine.version))
        headers = {"X-ClickHouse-Exception-Code": str(error.code)}
        return Response(body, error.status, headers, media_type="text/plain")

    def _admit(self, request: Request) -> None:
        if self._credentials is None:
            if request.url.hostname not in _LOCAL_HOSTS:
                raise Answered(516, "AUTHENTICATION_FAILED", "Without a password only this machine itself is answered")
            return
        given = read_identity(request.query_params, request.headers)
        user = hmac.compare_digest(given.user.encode(), self._credentials.user.encode())
        password = hmac.compare_digest(given.password.encode(), self._credentials.password.encode())
        if not (user and password):
            raise Answered(516, "AUTHENTICATION_FAILED", "Authentication failed: wrong user or password")

    def _work(self, asked: Asked, query_id: str) -> Callable[[], Result]:
        if self._allow_writes:
            settings = {name: value for name, value in asked.settings.items() if name not in IGNORED}
            statement = Statement(asked.sql, asked.database, asked.params, settings, asked.format, query_id)
            return lambda: self._engine.write(statement, asked.rows)
        if asked.database not in ("", "default", self._database):
            raise Answered(81, "UNKNOWN_DATABASE", f"Database {asked.database} does not exist")
        settings, refusal = session_settings(asked.settings, self._limits)
        if refusal:
            raise Answered(452, "SETTING_CONSTRAINT_VIOLATION", refusal)
        sql = asked.sql if not asked.rows else f"{asked.sql} FORMAT {asked.format}"
        statement = Statement(sql, self._database, asked.params, settings, asked.format, query_id)
        return lambda: self._engine.read(statement)

    def _hello(self, revision: int) -> bytes:
        return hello_block(revision, self._engine.version)

    async def _unless_gone(self, receive: Receive, work: Callable[[], Result], query_id: str) -> Result:
        """What `work` answers; when the client leaves first, the query is cancelled, waiting or running."""
        gone: asyncio.Future[None] = asyncio.ensure_future(_disconnected(receive))
        place: asyncio.Future[Any] = asyncio.ensure_future(self._places.acquire())
        try:
            await asyncio.wait((place, gone), return_when=asyncio.FIRST_COMPLETED)
            if not place.done():
                raise _left()
            return await self._run(work, query_id, gone)
        finally:
            gone.cancel()
            if not place.done() or place.cancelled():
                place.cancel()
            else:
                self._places.release()

    async def _run(self, work: Callable[[], Result], query_id: str, gone: asyncio.Future[None]) -> Result:
        running: asyncio.Future[Any] = asyncio.ensure_future(asyncio.to_thread(work))
        await asyncio.wait((running, gone), return_when=asyncio.FIRST_COMPLETED)
        while not running.done():
            # Again and again, for a query that has not begun yet cannot be found.
            await asyncio.to_thread(self._engine.cancel, query_id)
            await asyncio.wait((running,), timeout=_CANCEL_EVERY)
        result: Result = running.result()
        return result


def _response(result: Result, query_id: str, zipped: bool) -> Response:
    headers = {
        "X-ClickHouse-Query-Id": query_id,
        "X-ClickHouse-Format": result.format,
        "X-ClickHouse-Summary": json.dumps(
            {
                "read_rows": str(result.read_rows),
                "read_bytes": str(result.read_bytes),
                "elapsed_ns": str(int(result.seconds * 1e9)),
            }
        ),
    }
    kind = content_type(result.format)
    if zipped and len(result.body) >= _GZIP_FROM:
        headers["Content-Encoding"] = "gzip"
        return Response(gzip.compress(result.body, compresslevel=1), headers=headers, media_type=kind)
    return Response(result.body, headers=headers, media_type=kind)


async def _body(request: Request, longest: int) -> bytes:
    parts, size = [], 0
    async for part in request.stream():
        parts.append(part)
        size += len(part)
        if size > longest:
            raise Answered(62, "SYNTAX_ERROR", f"The statement is longer than {longest} bytes")
    return b"".join(parts)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _left() -> Answered:
    return Answered(394, "QUERY_WAS_CANCELLED", "The client left")
