"""Group commit: many threads submit, one of them writes for all that wait."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from spancost.spool.log import Draft


class _Ticket:
    """One submitted draft. The gate opens when it is done, or when it is its turn to write for all that wait."""

    __slots__ = ("done", "draft", "failure", "gate")

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.gate = threading.Lock()
        self.gate.acquire()
        self.done = False
        self.failure: Exception | None = None


class GroupCommit:
    """Hands batches of drafts to `write`, one batch at a time, in the order in which they were submitted.

    No thread of its own: the first to come writes its own draft at once; those who come meanwhile wait, and one of them
    writes for all when it is done. `lock` guards the queue; `admit` is called under it and may raise to refuse a draft.
    """

    def __init__(
        self, lock: threading.Condition, admit: Callable[[Draft], bool], write: Callable[[Sequence[Draft]], None]
    ) -> None:
        self._lock = lock
        self._admit = admit
        self._write = write
        self._queue: list[_Ticket] = []
        self._busy = False

    @property
    def busy(self) -> bool:
        """Whether a batch is being written. Read under the lock."""
        return self._busy

    def submit(self, draft: Draft) -> None:
        """Return when the draft is written, or at once when `admit` says that it need not be.

        Raises what `admit` raised, or what `write` raised for the batch that the draft was in.
        """
        ticket = _Ticket(draft)
        with self._lock:
            if not self._admit(draft):
                return
            self._queue.append(ticket)
            leads, self._busy = not self._busy, True
        if not leads:
            ticket.gate.acquire()
        if not ticket.done:
            self._lead()
        if ticket.failure is not None:
            raise ticket.failure

    def _lead(self) -> None:
        """Write for everyone who waits, then wake them and the one who leads next."""
        with self._lock:
            batch, self._queue = self._queue, []
        failure = self._attempt(batch)
        with self._lock:
            following = self._queue[:1]
            self._busy = bool(following)
            self._lock.notify_all()
        for ticket in batch:
            ticket.done, ticket.failure = True, failure
            ticket.gate.release()
        for ticket in following:
            ticket.gate.release()

    def _attempt(self, batch: Sequence[_Ticket]) -> Exception | None:
        try:
            self._write([ticket.draft for ticket in batch])
        except Exception as failure:
            return failure
        return None
