"""The reading end: durable records in order, from memory while the reader keeps up, else from the files."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from spancost.spool.record import Damaged, Header, read_record
from spancost.spool.segment import Segment


@dataclass(frozen=True, slots=True)
class Record:
    """One request. Positions rise strictly over the spool's whole life, restarts included."""

    position: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Taken:
    """A record on its way to the reader, or (`body` None) a damaged one to skip, with what is known of its header."""

    header: Header | None
    body: bytes | None


class Backlog:
    """Records not yet read. Not thread-safe, except that `take_stored` may run while others call the rest.

    New records are kept in memory up to `tail_bytes`. One that does not fit, and all after it, are left to the files,
    until the reader has caught up.
    """

    def __init__(self, segments: Sequence[Segment], tail_bytes: int) -> None:
        self._segments = segments
        self._limit = tail_bytes
        self._tail: deque[tuple[Header, bytes]] = deque()
        self._tail_bytes = 0
        self._cursor: tuple[Segment, int] | None = None
        self._since_ns = 0
        self._open: Segment | None = None
        self._fd = -1

    @property
    def unread(self) -> bool:
        """Whether anything is left to read."""
        return bool(self._tail) or self._cursor is not None

    @property
    def oldest_ns(self) -> int | None:
        """When the next record was received; from the files, at the earliest."""
        if self._tail:
            return self._tail[0][0].received_ns
        return self._since_ns if self._cursor else None

    def add(self, header: Header, body: bytes, segment: Segment, offset: int) -> None:
        """Add a record that has become durable."""
        if self._cursor is not None:
            return
        if self._tail_bytes + len(body) <= self._limit:
            self._tail.append((header, body))
            self._tail_bytes += len(body)
        else:
            self._cursor, self._since_ns = (segment, offset), header.received_ns

    def take_kept(self) -> Taken | None:
        """The next record, if it is in memory."""
        if not self._tail:
            return None
        header, body = self._tail.popleft()
        self._tail_bytes -= len(body)
        return Taken(header, body)

    def stored(self) -> tuple[Segment, int, int] | None:
        """Where the next record lies in the files: segment, offset, end of the segment's data."""
        if self._cursor is None:
            return None
        segment, offset = self._cursor
        return segment, offset, segment.size

    def take_stored(self, place: tuple[Segment, int, int]) -> tuple[Taken, int]:
        """Read the record at the place; the offset behind it goes to `move_to`. Raises OSError."""
        segment, offset, end = place
        found = read_record(self._descriptor(segment), segment.mark, offset, end)
        if isinstance(found, Damaged):
            return Taken(found.header, None), found.end
        return Taken(found.header, found.body), found.end

    def move_to(self, segment: Segment, offset: int, received_ns: int) -> None:
        """Everything before `offset` was read: go on there, in the next segment, or in memory again."""
        self._since_ns = received_ns or self._since_ns
        if offset < segment.size:
            self._cursor = segment, offset
        else:
            self._cursor = next(((other, 0) for other in self._segments if other.first > segment.first), None)

    def needs(self, segment: Segment) -> bool:
        """Whether the next record is to be read from this segment's file."""
        return self._cursor is not None and self._cursor[0] is segment

    def close(self) -> None:
        """Let the files go."""
        if self._open is not None:
            self._open = None
            os.close(self._fd)

    def _descriptor(self, segment: Segment) -> int:
        if self._open is not segment:
            self.close()
            self._fd = os.open(segment.path, os.O_RDONLY | os.O_CLOEXEC)
            self._open = segment
        return self._fd
