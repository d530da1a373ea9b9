"""The log: one line an event, the same form for everybody, no content."""

from __future__ import annotations

import importlib
import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from clickhouse_connect.driver import httputil

from spancost.logs import configure_logs


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    logging.captureWarnings(False)
    structlog.reset_defaults()


def _lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_is_one_json_line() -> None:
    """Away from a terminal an event with its values is one JSON object."""
    stream = io.StringIO()
    configure_logs(stream)
    structlog.get_logger("spancost.pipeline").info("stored", rows=3)

    (line,) = _lines(stream)
    assert {"event": "stored", "rows": 3, "level": "info", "logger": "spancost.pipeline"}.items() <= line.items()


def test_libraries_log_in_the_same_form() -> None:
    """A line of a library that knows only the standard logging is JSON too; uvicorn speaks from WARNING on."""
    stream = io.StringIO()
    configure_logs(stream)
    logging.getLogger("somebody").info("hello %s", "there")
    logging.getLogger("uvicorn.access").info("GET /")
    logging.getLogger("uvicorn.error").warning("slow")

    assert [line["event"] for line in _lines(stream)] == ["hello there", "slow"]


def test_the_client_of_the_store_is_silent() -> None:
    """What it warns of it also raises, so that one line says it; its import does not undo this."""
    stream = io.StringIO()
    configure_logs(stream)
    importlib.reload(httputil)
    for name in ("urllib3.connectionpool", "clickhouse_connect.driver.httpclient"):
        logging.getLogger(name).warning("Retrying")

    assert stream.getvalue() == ""


def test_a_terminal_gets_keys_and_values() -> None:
    """To a terminal an event is key=value on one line."""
    stream = _Terminal()
    configure_logs(stream)
    structlog.get_logger("spancost").info("stored", rows=3)

    assert "stored" in stream.getvalue()
    assert stream.getvalue().count("\n") == 1


@pytest.mark.parametrize("kind", [io.StringIO, _Terminal])
def test_a_traceback_shows_no_variables(kind: type[io.StringIO]) -> None:
    """A logged exception has its frames, without the local variables, where prompts may be."""
    stream = kind()
    configure_logs(stream)
    _fail_with("once upon a time")

    assert "ZeroDivisionError" in stream.getvalue()
    assert "once upon" not in stream.getvalue()


def _fail_with(prompt: str) -> None:
    try:
        _ = len(prompt) // 0
    except ZeroDivisionError:
        structlog.get_logger("spancost").exception("failed")
