"""The spool: requests are appended durably by many threads, read in order by one, and deleted when stored."""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import xxhash

from spancost.errors import Overloaded, TooLarge
from spancost.spool.backlog import Backlog, Record, Taken
from spancost.spool.checkpoint import Checkpoint
from spancost.spool.commits import GroupCommit
from spancost.spool.log import Draft, Log, Written
from spancost.spool.record import HEADER_BYTES, crc32c
from spancost.spool.recovery import recover
from spancost.spool.segment import Segment

__all__ = ["Record", "Spool", "SpoolStatus"]

_RETRY_AFTER = 1.0


@dataclass(frozen=True, slots=True)
class SpoolStatus:
    """The spool at a moment; the counters count from its opening.

    `bytes` on disk of at most `quota_bytes`; `records` not yet committed, the oldest received `oldest_age` seconds ago
    (0.0: none). `appended` records, and `resent` ones that were known already; `refused` for want of room, and `failed`
    to be written; `damaged` places skipped while reading; `torn_bytes` cut off at opening.
    """

    bytes: int
    quota_bytes: int
    records: int
    oldest_age: float
    appended: int
    resent: int
    refused: int
    failed: int
    damaged: int
    torn_bytes: int


@dataclass(slots=True)
class _Counters:
    appended: int = 0
    resent: int = 0
    refused: int = 0
    failed: int = 0
    damaged: int = 0
    torn_bytes: int = 0


class Spool:
    """A segmented append-only log in a directory of mode 0700, owned by one process at a time.

    `append` may be called by many threads, `read` by one, `commit` and `status` by any. `clock_ns` gives Unix time.
    """

    def __init__(
        self,
        directory: Path,
        *,
        quota_bytes: int,
        segment_bytes: int = 32 << 20,
        tail_bytes: int = 32 << 20,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        """Open the spool, made if need be. Raises OSError (BlockingIOError when another process has it open)."""
        self._directory = directory
        self._quota = quota_bytes
        self._clock_ns = clock_ns
        self._lock = threading.Condition()
        self._reading = threading.Lock()
        self._owner = _own(directory)
        self._checkpoint = Checkpoint(directory)
        self._committed = self._checkpoint.load()
        found = recover(directory, self._committed)
        self._counters = _Counters(torn_bytes=found.torn_bytes)
        self._digests = found.digests
        self._segments = found.segments
        self._stored: deque[Segment] = deque()
        self._backlog = Backlog(self._segments, tail_bytes)
        if found.resume is not None:
            self._backlog.move_to(*found.resume, found.oldest_ns)
        self._handed: deque[tuple[int, int]] = deque()
        self._unread = found.uncommitted
        self._bytes = sum(segment.size for segment in self._segments)
        self._waiting_bytes = 0
        self._closed = False
        last = max([self._committed, *(segment.last for segment in self._segments)])
        self._log = Log(directory, last + 1, segment_bytes)
        self._commits = GroupCommit(self._lock, self._admit, self._write)
        self._set_stored_aside()
        self._delete_stored()

    def append(self, body: bytes) -> None:
        """Make a request durable. Blocks for one fdatasync, shared with all who wait.

        A request that is byte for byte one of the last 65,536 is durable already and is not appended again.
        Raises Overloaded at the quota and when the disk fails, TooLarge for what no empty spool could hold.
        """
        draft = Draft(body, xxhash.xxh3_128_digest(body), crc32c(body), self._clock_ns())
        try:
            self._commits.submit(draft)
        except OSError as error:
            raise Overloaded(f"the spool cannot be written: {error.strerror}", _RETRY_AFTER) from error

    def read(self, max_bytes: int, timeout: float) -> list[Record]:
        """The next records in order, until they hold `max_bytes` or there are no more; waits `timeout` seconds for one.

        Empty when nothing came, or the spool was closed. Damaged records are skipped and counted. Raises OSError.
        """
        with self._lock:
            self._lock.wait_for(lambda: self._backlog.unread or self._closed, timeout)
        records: list[Record] = []
        size = 0
        with self._reading:
            while size < max_bytes and not self._closed and (taken := self._take()) is not None:
                if taken.header is not None and taken.body is not None:
                    records.append(Record(taken.header.position, taken.body))
                    size += len(taken.body)
        return records

    def commit(self, position: int) -> None:
        """All that was read, up to and including this position, is stored: remember it and delete whole segments.

        Raises OSError; what could not be deleted is tried again with the next commit.
        """
        with self._lock:
            while self._handed and self._handed[0][0] <= position:
                self._committed = self._handed.popleft()[0]
            self._checkpoint.save(self._committed)
            self._set_stored_aside()
        self._delete_stored()

    def status(self, now: float) -> SpoolStatus:
        """How the spool stands at `now`, Unix time in seconds."""
        with self._lock:
            oldest_ns = self._handed[0][1] if self._handed else self._backlog.oldest_ns
            age = 0.0 if oldest_ns is None else max(0.0, now - oldest_ns / 1e9)
            c = self._counters
            records = self._unread + len(self._handed)
            return SpoolStatus(
                self._bytes, self._quota, records, age,
                c.appended, c.resent, c.refused, c.failed, c.damaged, c.torn_bytes,
            )

    def close(self) -> None:
        """Finish the batch being written, refuse what comes after, wake the reader, and let the directory go."""
        with self._lock:
            self._closed = True
            self._lock.notify_all()
            self._lock.wait_for(lambda: not self._commits.busy)
        self._log.retire()
        with self._reading:
            self._backlog.close()
        self._checkpoint.close()
        os.close(self._owner)

    def _admit(self, draft: Draft) -> bool:
        """Whether the draft must be written; called under the lock. Raises Overloaded, TooLarge."""
        size = HEADER_BYTES + len(draft.body)
        if size > self._quota:
            raise TooLarge("the request is larger than the whole spool")
        if self._digests.seen(draft.digest):
            self._counters.resent += 1
            return False
        if self._closed or self._bytes + self._waiting_bytes + size > self._quota:
            self._counters.refused += 1
            raise Overloaded("the spool is closed" if self._closed else "the spool is full", _RETRY_AFTER)
        self._waiting_bytes += size
        return True

    def _write(self, drafts: Sequence[Draft]) -> None:
        """Write a batch and make it readable; called by one thread at a time, without the lock. Raises OSError."""
        written = None
        try:
            written = self._log.write(drafts)
        finally:
            with self._lock:
                self._waiting_bytes -= sum(HEADER_BYTES + len(draft.body) for draft in drafts)
                if written is None:
                    self._counters.failed += len(drafts)
                else:
                    self._publish(written, drafts)

    def _publish(self, written: Written, drafts: Sequence[Draft]) -> None:
        segment = written.segment
        if not self._segments or self._segments[-1] is not segment:
            self._segments.append(segment)
        self._bytes += written.end - segment.size
        segment.size, segment.last = written.end, written.records[-1][0].position
        for (header, offset), draft in zip(written.records, drafts, strict=True):
            self._digests.add(header.digest)
            self._backlog.add(header, draft.body, segment, offset)
        self._counters.appended += len(drafts)
        self._unread += len(drafts)

    def _take(self) -> Taken | None:
        """Take the next record from memory, else from the files; only the reading thread moves on in either."""
        with self._lock:
            taken = self._backlog.take_kept()
            place = self._backlog.stored() if taken is None else None
        if taken is not None:
            return self._hand_out(taken)
        if place is None:
            return None
        taken, offset = self._backlog.take_stored(place)
        with self._lock:
            self._backlog.move_to(place[0], offset, taken.header.received_ns if taken.header else 0)
        return self._hand_out(taken)

    def _hand_out(self, taken: Taken) -> Taken:
        with self._lock:
            if taken.header is not None and taken.body is not None:
                self._handed.append((taken.header.position, taken.header.received_ns))
                self._unread -= 1
            else:
                self._skip(taken)
            if not self._backlog.unread:
                self._unread = 0
        return taken

    def _skip(self, taken: Taken) -> None:
        """A damaged record is lost: count it, and take it in again should its sender repeat it."""
        self._counters.damaged += 1
        if taken.header is not None:
            self._unread -= 1
            self._digests.forget(taken.header.digest)

    def _set_stored_aside(self) -> None:
        """Take out the segments of which everything is committed; called under the lock."""
        while self._segments and self._segments[0].last <= self._committed:
            segment = self._segments[0]
            if self._backlog.needs(segment) or (self._log.is_active(segment) and self._commits.busy):
                break
            if self._log.is_active(segment):
                self._log.retire()
            self._segments.pop(0)
            self._bytes -= segment.size
            self._stored.append(segment)

    def _delete_stored(self) -> None:
        while self._stored:
            segment = self._stored.popleft()
            try:
                segment.path.unlink(missing_ok=True)
            except OSError:
                self._stored.appendleft(segment)
                raise


def _own(directory: Path) -> int:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory.chmod(0o700)
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(fd)
        raise
    return fd
