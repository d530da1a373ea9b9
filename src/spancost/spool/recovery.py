"""What a spool's directory holds when it is opened."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from spancost.spool.digests import RecentDigests
from spancost.spool.segment import Segment, cut_torn_tail, list_segments, sync_directory, walk_headers


@dataclass(frozen=True, slots=True)
class Recovered:
    """The segments that hold something, how many of their records are not committed, and where to read on.

    `resume` is behind the last committed record (the start where none is found); `oldest_ns` is when the first
    uncommitted record was received (0: there is none). Every record's digest is in `digests`.
    """

    segments: list[Segment]
    uncommitted: int
    resume: tuple[Segment, int] | None
    oldest_ns: int
    torn_bytes: int
    digests: RecentDigests


def recover(directory: Path, committed: int) -> Recovered:
    """Look through the segments, cut a torn tail, remove empty files. Raises OSError."""
    digests = RecentDigests()
    uncommitted = oldest_ns = torn_bytes = 0
    kept: list[Segment] = []
    resume: tuple[Segment, int] | None = None
    found = list_segments(directory)
    for segment in found:
        fd = os.open(segment.path, os.O_RDWR | os.O_CLOEXEC)
        try:
            if segment is found[-1]:
                torn_bytes = cut_torn_tail(segment, fd)
            for record in walk_headers(segment, fd):
                segment.last = record.header.position
                digests.add(record.header.digest)
                if segment.last <= committed:
                    resume = segment, record.end
                else:
                    uncommitted += 1
                    oldest_ns = oldest_ns or record.header.received_ns
        finally:
            os.close(fd)
        if segment.size:
            kept.append(segment)
        else:
            segment.path.unlink()
    sync_directory(directory)
    resume = resume or ((kept[0], 0) if kept else None)
    return Recovered(kept, uncommitted, resume, oldest_ns, torn_bytes, digests)
