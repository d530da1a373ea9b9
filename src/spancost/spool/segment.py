"""One file of the log. Its name holds the first position it may hold and the mark of its records: no header to lose."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from spancost.spool.record import MARK_BYTES, Damaged, Found, read_header, read_record

_NAME = re.compile(r"(\d{20})-([0-9a-f]{16})\.v1\.seg")


@dataclass(slots=True)
class Segment:
    """A file of records.

    `size` is the end of its durable records, `last` the position of the last one (`first - 1` when there is none).
    """

    path: Path
    first: int
    mark: bytes
    size: int
    last: int


def create_segment(directory: Path, first: int) -> tuple[Segment, int]:
    """Make an empty segment, its name durable. Returns it and a descriptor to write it with. Raises OSError."""
    mark = secrets.token_bytes(MARK_BYTES)
    path = directory / f"{first:020d}-{mark.hex()}.v1.seg"
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        sync_directory(directory)
    except OSError:
        os.close(fd)
        path.unlink(missing_ok=True)
        raise
    return Segment(path, first, mark, 0, first - 1), fd


def list_segments(directory: Path) -> list[Segment]:
    """The segments in a directory, oldest first, not yet looked into: `size` is the file's."""
    found = []
    for path in directory.iterdir():
        if name := _NAME.fullmatch(path.name):
            first = int(name[1])
            found.append(Segment(path, first, bytes.fromhex(name[2]), path.stat().st_size, first - 1))
    return sorted(found, key=lambda segment: segment.first)


def walk_headers(segment: Segment, fd: int) -> Iterator[Found]:
    """Every record whose header can be read; bodies are neither read nor checked."""
    offset = 0
    while offset < segment.size:
        found = read_header(fd, segment.mark, offset, segment.size)
        if isinstance(found, Found):
            yield found
        offset = found.end


def cut_torn_tail(segment: Segment, fd: int) -> int:
    """Cut what follows the last whole record of the newest segment and make the rest durable. Returns the bytes cut.

    A process that was killed may leave whole records that were never synced: from here on they count as acknowledged.
    """
    offset = good = 0
    while offset < segment.size:
        found = read_record(fd, segment.mark, offset, segment.size)
        good = good if isinstance(found, Damaged) else found.end
        offset = found.end
    torn = segment.size - good
    if torn:
        os.ftruncate(fd, good)
        segment.size = good
    os.fsync(fd)
    return torn


def sync_directory(directory: Path) -> None:
    """Make the names in a directory durable. Raises OSError."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
