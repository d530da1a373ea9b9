"""The admin application, over real HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from http.client import HTTPConnection
from typing import Any

import pytest

from spancost.admin import admin_app
from spancost.client import CommandFailed, follow, is_ready, record, status
from spancost.errors import PermanentError, RetryableError
from spancost.receive.http_server import HttpServer
from spancost.tail import Tail


@contextmanager
def _served(tail: Tail, token: str | None = None, reasons: tuple[str, ...] = ()) -> Iterator[str]:
    """The application on a free port of this machine; its endpoint."""
    app = admin_app(
        not_ready=lambda: reasons,
        metrics=lambda: b"spancost_spool_bytes 1\n",
        status=lambda: {"version": "0", "spent": Decimal("0.005"), "at": datetime(2026, 1, 1, tzinfo=UTC)},
        tail=tail,
        record=_record,
        token=token,
        local_token="local",
    )
    server = HttpServer(app, "127.0.0.1", 0)
    server.start()
    try:
        yield f"127.0.0.1:{server.port}"
    finally:
        tail.close()
        server.stop(1)


def _record(table: str, rows: list[dict[str, Any]]) -> None:
    """Keeps rows of `outcomes` that are worth a Decimal, and has no room for other tables."""
    if table != "outcomes":
        raise RetryableError(f"no room for {table}")
    if not all(isinstance(row["value"], Decimal) for row in rows):
        raise PermanentError("value must be an amount")


@pytest.fixture(scope="module")
def unguarded() -> Iterator[str]:
    """A collector's endpoint without a token."""
    with _served(Tail()) as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def guarded() -> Iterator[str]:
    """A collector's endpoint with the token s3cret."""
    with _served(Tail(), token="s3cret") as endpoint:
        yield endpoint


def _get(
    endpoint: str, path: str, headers: Mapping[str, str] | None = None, method: str = "GET", body: str | None = None
) -> tuple[int, str]:
    connection = HTTPConnection(endpoint)
    try:
        connection.request(method, path, body, dict(headers or {}))
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def test_health_and_readiness() -> None:
    """A process that is not ready is healthy all the same, and says why it is not ready."""
    with _served(Tail(), reasons=("the store does not answer",)) as endpoint:
        health, (code, body) = _get(endpoint, "/healthz"), _get(endpoint, "/readyz")
        ready = is_ready(endpoint)

    assert health == (200, "ok\n")
    assert (code, json.loads(body)) == (503, {"ready": False, "reasons": ["the store does not answer"]})
    assert not ready


def test_ready_without_reasons(unguarded: str) -> None:
    """With nothing in the way /readyz is 200."""
    assert is_ready(unguarded)


def test_metrics_and_status_are_open_on_this_machine(unguarded: str) -> None:
    """Without a token this machine reads metrics and status; money in them is text."""
    metrics = _get(unguarded, "/metrics")
    told = status(unguarded, "anything")

    assert metrics == (200, "spancost_spool_bytes 1\n")
    assert told == {"version": "0", "spent": "0.005", "at": "2026-01-01 00:00:00+00:00", "watchers": 0}


@pytest.mark.parametrize("path", ["/metrics", "/api/v1/status", "/api/v1/tail"])
@pytest.mark.parametrize("presented", ["", "Bearer wrong", "Basic s3cret", "Bearer", "Bearer s3cre\u00e9"])
def test_a_token_is_asked_for(guarded: str, path: str, presented: str) -> None:
    """With a token set, nothing but the probes answers without it, or with a wrong one."""
    code, _ = _get(guarded, path, {"Authorization": presented} if presented else {})
    probe, _ = _get(guarded, "/healthz")

    assert (code, probe) == (401, 200)


@pytest.mark.parametrize("token", ["s3cret", "local"])
def test_the_token_opens(guarded: str, token: str) -> None:
    """The configured token and the data directory's are both taken."""
    assert _get(guarded, "/metrics", {"Authorization": f"bearer {token}"})[0] == 200


@pytest.mark.parametrize(
    ("host", "code"),
    [("evil.example", 421), ("127.0.0.1.evil.example:80", 421), ("localhost:8080", 200), ("[::1]:1", 200), ("[", 421)],
)
def test_a_web_page_cannot_read_through_its_own_name(unguarded: str, host: str, code: int) -> None:
    """Without a token a request must name this machine as its host."""
    assert _get(unguarded, "/metrics", {"Host": host})[0] == code


def test_what_changes_things_needs_a_token_always(unguarded: str) -> None:
    """Only reading is open without a token."""
    assert _get(unguarded, "/api/v1/rows/outcomes", method="POST", body="[]")[0] == 401


def test_the_tail_arrives_row_by_row() -> None:
    """A watcher sees calls, counts and what it lost, in the order of publishing, with exact money."""
    tail = Tail(capacity=1)
    row = {"billing_role": "call", "model": "gpt-4o", "cost": Decimal("0.005000000000")}
    with _served(tail) as endpoint:
        messages = _next_messages(follow(endpoint, "", every_role=False), tail, row)

    assert messages == [
        {"row": row | {"cost": "0.005000000000"}},
        {"others": [{"service": "shop", "scope": "http", "reason": "no_ai_attributes", "spans": 3}]},
        {"lost": 1},
    ]


@pytest.mark.parametrize(
    ("table", "body", "code"),
    [
        ("outcomes", '[{"value": 1.5}]', 200),
        ("outcomes", '[{"value": 1}]', 400),
        ("outcomes", '{"value": 1.5}', 400),
        ("outcomes", "[1]", 400),
        ("outcomes", "[", 400),
        ("outcomes", "[" * 100_000, 400),
        ("revenue", "[]", 503),
    ],
)
def test_facts_are_recorded_or_refused(unguarded: str, table: str, body: str, code: int) -> None:
    """What makes no sense is 400, what may work later is 503, and money is never a float."""
    headers = {"Authorization": "Bearer local"}

    assert _get(unguarded, f"/api/v1/rows/{table}", headers, "POST", body)[0] == code


def test_a_body_too_large_is_refused(unguarded: str) -> None:
    """No body is read past 16 MiB."""
    body = "[" + " " * (17 << 20) + "]"

    assert _get(unguarded, "/api/v1/rows/outcomes", {"Authorization": "Bearer local"}, "POST", body)[0] == 413


def test_recording_by_the_client(unguarded: str) -> None:
    """The client's record and the endpoint understand each other; a refusal is a failure with the reason."""
    record(unguarded, "local", "outcomes", [])
    with pytest.raises(CommandFailed, match="no room for revenue"):
        record(unguarded, "local", "revenue", [{"amount": Decimal("0.01"), "time": datetime(2026, 1, 1, tzinfo=UTC)}])


def _next_messages(stream: Iterator[dict[str, Any]], tail: Tail, row: dict[str, Any]) -> list[dict[str, Any]]:
    next(stream)
    assert tail.watched
    tail.publish([row, row], {("shop", "http", "no_ai_attributes"): 3})
    found: list[dict[str, Any]] = []
    for message in stream:
        found += [message] if message else []
        if "lost" in message:
            break
    return found


def test_the_tail_ends_when_the_collector_stops() -> None:
    """A watcher is let go, so that stopping does not wait for it."""
    tail = Tail()
    with _served(tail) as endpoint:
        stream = follow(endpoint, "", every_role=True)
        next(stream)
        tail.close()

        assert [message for message in stream if message] == []


def test_a_watcher_too_many_is_told() -> None:
    """The one who is turned away learns why."""
    with _served(Tail(watchers=0)) as endpoint:
        (message,) = follow(endpoint, "", every_role=False)

    assert "too many" in message["refused"]


def test_nobody_there_is_one_clear_failure() -> None:
    """A collector that does not answer is a failure that names where it was looked for."""
    with pytest.raises(CommandFailed, match=r"127\.0\.0\.1:1 does not answer"):
        status("127.0.0.1:1", "")
