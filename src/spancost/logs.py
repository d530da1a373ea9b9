"""The log: structured, one line an event, on standard error. Never one per span, never content, never a secret."""

from __future__ import annotations

import logging
import sys
from typing import TextIO

import structlog
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import Processor

_QUIET = ("uvicorn", "uvicorn.access", "uvicorn.error", "asyncio")
_SILENT = ("clickhouse_connect", "urllib3.connectionpool")
"""What these log they also raise, and whoever called them says it. Not `urllib3`: clickhouse_connect sets its level."""


def configure_logs(stream: TextIO = sys.stderr, level: str = "INFO") -> None:
    """Send every log line of the process to the stream: `key=value` to a terminal, else one JSON object a line.

    For the entry point of the process alone. Libraries' lines come in the same form, talkative ones from WARNING on.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    _configure_structlog(shared)
    _configure_stdlib(shared, stream, level)


def _configure_structlog(shared: list[Processor]) -> None:
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _configure_stdlib(shared: list[Processor], stream: TextIO, level: str) -> None:
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_renderers(stream)],
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in _SILENT:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    logging.captureWarnings(True)


def _renderers(stream: TextIO) -> list[Processor]:
    """Tracebacks come without the values of local variables, which may be content."""
    if stream.isatty():
        return [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
    traceback = ExceptionDictTransformer(show_locals=False)
    return [structlog.processors.ExceptionRenderer(traceback), structlog.processors.JSONRenderer(default=str)]
