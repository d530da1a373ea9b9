"""What the receivers tell about themselves, as a protocol, so that they know nothing of how it is measured."""

from __future__ import annotations

from typing import Literal, Protocol

Transport = Literal["grpc", "http"]
Signal = Literal["logs", "metrics"]

SIGNAL_NOT_SUPPORTED = "signal_not_supported"
"""Why records of a signal that is answered but not kept were dropped."""


class Observe(Protocol):
    """Told once for each request, by several threads at once; must return at once and not raise.

    Every request ends in exactly one of `accepted`, `refused(requests=1)` and `dropped`; an accepted one that held bad
    spans ends in `refused(spans=n)` too.
    """

    def accepted(self, transport: Transport, spans: int) -> None:
        """A trace request was acknowledged, `spans` of it taken (0 for an empty one)."""

    def refused(self, transport: Transport, reason: str, *, spans: int = 0, requests: int = 0) -> None:
        """Single spans of an acknowledged request, or a whole request, were refused for `reason`.

        Reasons are a small fixed set, fit for a label: `bad_id` for spans, and for requests the ones of
        `receive.status`: malformed, too_large, unsupported, unauthenticated, overloaded, internal.
        """

    def dropped(self, signal: Signal, records: int) -> None:
        """One logs or metrics request was acknowledged and its records dropped, reason `SIGNAL_NOT_SUPPORTED`."""


class Unobserved:
    """An `Observe` that forgets everything."""

    def accepted(self, transport: Transport, spans: int) -> None:
        """Forget it."""

    def refused(self, transport: Transport, reason: str, *, spans: int = 0, requests: int = 0) -> None:
        """Forget it."""

    def dropped(self, signal: Signal, records: int) -> None:
        """Forget it."""
