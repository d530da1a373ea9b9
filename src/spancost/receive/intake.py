"""From the bytes of a trace request to a receipt: check, make durable, answer. The same for every transport."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from spancost.receive.scan import count_spans


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a request: `spans` it held, of which `rejected` were refused, and why in `message`."""

    spans: int
    rejected: int
    message: str

    @property
    def taken(self) -> int:
        """How many spans were taken."""
        return self.spans - self.rejected


class Intake:
    """Accepts trace requests into an append function that returns when they are durable (`Spool.append`)."""

    def __init__(self, append: Callable[[bytes], None]) -> None:
        self._append = append

    def accept(self, body: bytes) -> Receipt:
        """Accept the bytes of an ExportTraceServiceRequest; when this returns, they are durable.

        Spans with bad ids are counted as rejected and left in the bytes: the decoder knows them by the same rule.
        A request without one good span is not kept. Raises Malformed, TooLarge, Overloaded.
        """
        count = count_spans(body)
        if count.spans > count.bad:
            self._append(body)
        return Receipt(count.spans, count.bad, _message(count.bad, count.spans))


def _message(bad: int, spans: int) -> str:
    if not bad:
        return ""
    return f"{bad} of {spans} spans refused: a trace id must be 16 bytes and a span id 8 bytes, neither all zero"
