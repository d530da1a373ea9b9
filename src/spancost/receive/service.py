"""What both transports serve with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from spancost.receive.auth import Credentials
from spancost.receive.intake import Receipt
from spancost.receive.observe import Observe

MAX_REQUEST_BYTES = 64 << 20
"""After decompression, as OTLP recommends: https://opentelemetry.io/docs/specs/otlp/#protocol-details"""


@dataclass(frozen=True, slots=True)
class Service:
    """`accept` takes the bytes of a trace request and returns when they are durable; it may block and raise anything.

    Everyone may send when there are no `credentials`. At most `workers` requests of a transport are in `accept` at
    once: that bounds how many share one sync, and how much memory they take.
    """

    accept: Callable[[bytes], Receipt]
    observe: Observe
    credentials: Credentials | None = None
    max_request_bytes: int = MAX_REQUEST_BYTES
    workers: int = 16
