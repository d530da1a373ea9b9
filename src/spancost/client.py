"""How commands talk to a collector that runs: SQL over the ClickHouse endpoint, the rest over the admin one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.parse import urlencode

from spancost.config_values import parse_host_port
from spancost.errors import SpancostError

_CHUNK = 65_536
_ROWS_AT_ONCE = 10_000
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - an address that is read here, not bound


class CommandFailed(SpancostError):
    """What the user asked for could not be done; the message says why."""


def ask(
    endpoint: str, sql: str, *, parameters: Mapping[str, str], user: str, password: str, tls: bool = False
) -> Iterator[bytes]:
    """The answer to a query, as it comes. `parameters` go into the URL: `default_format`, `database`, settings."""
    headers = {"X-ClickHouse-User": user, "X-ClickHouse-Key": password} if password else {}
    path = f"/?{urlencode(parameters)}"
    with _answer(endpoint, "POST", path, headers, sql.encode(), tls=tls) as response:
        while chunk := response.read(_CHUNK):
            yield chunk


def status(endpoint: str, token: str) -> dict[str, Any]:
    """What a collector says of itself."""
    with _answer(endpoint, "GET", "/api/v1/status", _bearer(token)) as response:
        found: dict[str, Any] = json.load(response)
        return found


def record(endpoint: str, token: str, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Tell a collector facts for a table; dates and decimals go as text."""
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        body = json.dumps(rows[start : start + _ROWS_AT_ONCE], default=str).encode()
        with _answer(endpoint, "POST", f"/api/v1/rows/{table}", _bearer(token), body):
            pass


def is_ready(endpoint: str) -> bool:
    """Whether a collector answers and says that it is ready."""
    try:
        with _answer(endpoint, "GET", "/readyz", {}):
            return True
    except CommandFailed:
        return False


def follow(endpoint: str, token: str, *, every_role: bool) -> Iterator[dict[str, Any]]:
    """What lands, message by message, until the collector stops; an empty one now and then when nothing does."""
    with _answer(endpoint, "GET", f"/api/v1/tail?all={int(every_role)}", _bearer(token)) as response:
        for line in response:
            yield json.loads(line) if line.strip() else {}


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@contextmanager
def _answer(
    endpoint: str, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None, *, tls: bool = False
) -> Iterator[HTTPResponse]:
    """The response, when it is a success; else CommandFailed with what it says."""
    where = parse_host_port(endpoint)
    connection = (HTTPSConnection if tls else HTTPConnection)(_ANYWHERE.get(where.host, where.host), where.port)
    try:
        connection.request(method, path, body, dict(headers))
        response = connection.getresponse()
        if response.status != HTTPStatus.OK:
            raise CommandFailed(response.read().decode("utf-8", "replace").strip() or f"HTTP {response.status}")
        yield response
    except (OSError, HTTPException) as error:
        raise CommandFailed(f"{endpoint} does not answer: {error}") from error
    finally:
        connection.close()
