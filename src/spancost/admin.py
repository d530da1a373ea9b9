"""The admin HTTP application: health, readiness, metrics, status, and the tail of what lands.

GET /healthz         200 while the process runs
GET /readyz          200 when ready, else 503 with the reasons
GET /metrics         Prometheus text
GET /api/v1/status   what runs, where, and how far it is
GET /api/v1/tail     what lands, as one JSON object a line, until the client leaves; `?all=1`: spans of every role
POST /api/v1/rows/T  facts that no span tells, for the table T: a JSON list of objects
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from spancost.errors import PermanentError, RetryableError, Unauthenticated
from spancost.receive.auth import Credentials, authenticate
from spancost.tail import Group, Landed, Tail

_PROBES = frozenset({"/healthz", "/readyz"})
_MAX_BODY_BYTES = 16 << 20
_POLL_SECONDS = 0.1
_KEEP_ALIVE_POLLS = 50

Record = Callable[[str, list[dict[str, Any]]], None]
"""Keeps rows for a table; raises PermanentError for a table or rows that make no sense."""


def admin_app(
    *,
    not_ready: Callable[[], Sequence[str]],
    metrics: Callable[[], bytes],
    status: Callable[[], Mapping[str, Any]],
    tail: Tail,
    token: str | None,
    local_token: str,
    record: Record | None = None,
) -> Starlette:
    """The application. The callables may block; they run on threads of their own.

    `not_ready` gives the reasons why the collector is not ready, none when it is. Without `record`
    there is nothing to post to; numbers with a point reach it as Decimal.

    With a `token` everything but the probes asks for it, or for `local_token`, as a bearer token. Without one the
    endpoint listens on loopback only, and anything that is read is open to this machine, as long as the request names
    this machine as its host: so that no web page can read it through a name of its own.
    """

    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(_: Request) -> Response:
        reasons = list(await run_in_threadpool(not_ready))
        return JSONResponse({"ready": not reasons, "reasons": reasons}, 503 if reasons else 200)

    async def metrics_text(_: Request) -> Response:
        return Response(await run_in_threadpool(metrics), media_type="text/plain; version=0.0.4; charset=utf-8")

    async def status_json(_: Request) -> Response:
        return _json({**await run_in_threadpool(status), "watchers": tail.watchers})

    async def tail_lines(request: Request) -> Response:
        every_role = request.query_params.get("all", "") not in {"", "0"}
        return StreamingResponse(_lines(tail, every_role), media_type="application/x-ndjson")

    routes = [
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        Route("/metrics", metrics_text),
        Route("/api/v1/status", status_json),
        Route("/api/v1/tail", tail_lines),
    ]
    if record:
        routes.append(Route("/api/v1/rows/{table}", partial(_recorded, record), methods=["POST"]))
    return Starlette(routes=routes, middleware=[Middleware(_Guard, token=token, local_token=local_token)])


class _Guard:
    """Lets a request through when it may see what it asks for. Plain ASGI, so that streams pass untouched."""

    def __init__(self, app: ASGIApp, token: str | None, local_token: str) -> None:
        self._app = app
        self._guarded = token is not None
        self._credentials = Credentials(tokens=[each for each in (token, local_token) if each])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(Request(scope)) if scope["type"] == "http" else None
        await (refusal or self._app)(scope, receive, send)

    def _refusal(self, request: Request) -> Response | None:
        if request.url.path in _PROBES or self._presents_token(request):
            return None
        if self._guarded or request.method not in {"GET", "HEAD"}:
            return _error(401, "a bearer token is needed", {"WWW-Authenticate": "Bearer"})
        if not _names_this_machine(request.headers.get("host", "")):
            return _error(421, "without a token, ask for 127.0.0.1 or localhost by that name; or set admin.token")
        return None

    def _presents_token(self, request: Request) -> bool:
        try:
            authenticate(self._credentials, request.headers.get("authorization"))
        except Unauthenticated:
            return False
        return True


def _names_this_machine(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


async def _recorded(record: Record, request: Request) -> Response:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_BODY_BYTES:
            return _error(413, f"at most {_MAX_BODY_BYTES:,} bytes at once")
    try:
        rows = _parsed_rows(body)
        await run_in_threadpool(record, request.path_params["table"], rows)
    except (PermanentError, ValueError, RecursionError) as error:
        return _error(400, str(error))
    except RetryableError as error:
        return _error(503, str(error), {"Retry-After": "1"})
    return _json({"rows": len(rows)})


def _parsed_rows(body: bytearray) -> list[dict[str, Any]]:
    rows = json.loads(body, parse_float=Decimal)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError("write a list of objects")
    return rows


async def _lines(tail: Tail, every_role: bool) -> AsyncIterator[str]:
    """An empty line now and then keeps the connection alive and finds out when it is not."""
    with tail.subscribed(every_role=every_role) as subscription:
        if subscription is None:
            yield _line({"refused": "too many are watching, or the collector is stopping"})
            return
        yield "\n"
        quiet = 0
        while not tail.closed:
            await asyncio.sleep(_POLL_SECONDS)
            lines = [_line(each) for each in _messages(subscription.take())]
            quiet = 0 if lines else quiet + 1
            if lines or quiet % _KEEP_ALIVE_POLLS == 0:
                yield "".join(lines) or "\n"


def _messages(landed: Landed) -> list[Mapping[str, Any]]:
    messages: list[Mapping[str, Any]] = [{"row": row} for row in landed.rows]
    if landed.others:
        messages.append({"others": [_group(group, spans) for group, spans in landed.others.items()]})
    if landed.lost:
        messages.append({"lost": landed.lost})
    return messages


def _group(group: Group, spans: int) -> Mapping[str, Any]:
    service, scope, reason = group
    return {"service": service, "scope": scope, "reason": reason, "spans": spans}


def _line(message: Mapping[str, Any]) -> str:
    """Money stays exact: a Decimal is text."""
    return json.dumps(message, default=str, separators=(",", ":")) + "\n"


def _json(content: Mapping[str, Any]) -> Response:
    return Response(json.dumps(content, default=str, indent=2) + "\n", media_type="application/json")


def _error(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse({"error": message}, status, headers)
