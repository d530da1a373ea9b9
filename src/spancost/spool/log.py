"""The writing end: batches of records into the newest segment, each batch synced as one."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from spancost.spool.record import HEADER_BYTES, Header, pack_header
from spancost.spool.segment import Segment, create_segment

_BUFFERS_A_CALL = 512
"""Well under the 1,024 that Linux takes in one writev."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A record that has no position yet."""

    body: bytes
    digest: bytes
    body_crc: int
    received_ns: int


@dataclass(frozen=True, slots=True)
class Written:
    """Durable records: where the batch went, and each record's header and offset."""

    segment: Segment
    records: tuple[tuple[Header, int], ...]
    end: int


class Log:
    """Writes one batch at a time; the caller sees to that.

    After a failed write the file is cut back to the end of the last good batch and used again; where even that fails it
    is left behind and the next batch begins another. Positions of a failed batch are never given out again: what a
    restart finds of it cannot be mistaken for later records.
    """

    def __init__(self, directory: Path, next_position: int, segment_bytes: int) -> None:
        self._directory = directory
        self._next = next_position
        self._segment_bytes = segment_bytes
        self._active: Segment | None = None
        self._fd = -1

    def write(self, drafts: Sequence[Draft]) -> Written:
        """Write and sync a batch. Raises OSError; then nothing of the batch counts as written.

        The segment's `size` and `last` stay as they were: the caller moves them when it makes the batch readable.
        """
        segment = self._room()
        headers = [self._header(draft) for draft in drafts]
        try:
            _write_all(self._fd, segment.size, list(_buffers(segment.mark, headers, drafts)))
            os.fdatasync(self._fd)
        except BaseException:
            self._cut_back(segment)
            raise
        records = tuple(_with_offsets(headers, segment.size))
        return Written(segment, records, segment.size + sum(HEADER_BYTES + len(draft.body) for draft in drafts))

    def is_active(self, segment: Segment) -> bool:
        """Whether the next batch may go into this segment."""
        return segment is self._active

    def retire(self) -> None:
        """Begin a new segment with the next batch."""
        if self._active is not None:
            self._active = None
            os.close(self._fd)

    def _room(self) -> Segment:
        if self._active is not None and self._active.size >= self._segment_bytes:
            self.retire()
        if self._active is None:
            self._active, self._fd = create_segment(self._directory, self._next)
        return self._active

    def _header(self, draft: Draft) -> Header:
        position = self._next
        self._next += 1
        return Header(position, draft.received_ns, len(draft.body), draft.digest, draft.body_crc)

    def _cut_back(self, segment: Segment) -> None:
        try:
            os.ftruncate(self._fd, segment.size)
        except OSError:
            self.retire()


def _buffers(mark: bytes, headers: Sequence[Header], drafts: Sequence[Draft]) -> Iterator[bytes]:
    for header, draft in zip(headers, drafts, strict=True):
        yield pack_header(mark, header)
        yield draft.body


def _write_all(fd: int, offset: int, buffers: list[bytes]) -> None:
    for start in range(0, len(buffers), _BUFFERS_A_CALL):
        part = buffers[start : start + _BUFFERS_A_CALL]
        wanted = sum(map(len, part))
        written = os.pwritev(fd, part, offset)
        if written < wanted:
            _write_rest(fd, offset + written, b"".join(part)[written:])
        offset += wanted


def _write_rest(fd: int, offset: int, data: bytes) -> None:
    """What a short write left over (a full disk takes a part, then fails; writev takes at most 2 GiB)."""
    while data:
        written = os.pwrite(fd, data, offset)
        offset, data = offset + written, data[written:]


def _with_offsets(headers: Sequence[Header], offset: int) -> Iterator[tuple[Header, int]]:
    for header in headers:
        yield header, offset
        offset += HEADER_BYTES + header.length
