"""The bytes of one record, and how to find the next whole one in a damaged file.

    mark 8 | position 8 | received 8 | length 4 | xxh3-128 16 | body CRC32C 4 | header CRC32C 4 | body

Little-endian. The header has its own CRC, so that damage to a body loses that record only. After a damaged header the
next record is found by the mark: 8 random bytes of the segment, which no sender can know and so plant in a body.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass

import google_crc32c

_HEADER = struct.Struct("<8sQQI16sI")
_CRC = struct.Struct("<I")
HEADER_BYTES = _HEADER.size + _CRC.size
MARK_BYTES = 8

_SEARCH_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Header:
    """What a record says about its body. `received_ns` is Unix time."""

    position: int
    received_ns: int
    length: int
    digest: bytes
    body_crc: int


@dataclass(frozen=True, slots=True)
class Found:
    """A record that could be read; `end` is the offset behind it. `body` is empty where only the header was wanted."""

    header: Header
    body: bytes
    end: int


@dataclass(frozen=True, slots=True)
class Damaged:
    """No whole record here.

    `end` is the offset of the next readable header, or of the end of the data; `header` is the damaged record's own, if
    it could still be read.
    """

    end: int
    header: Header | None


def crc32c(data: bytes) -> int:
    """CRC32C of the data."""
    return int(google_crc32c.value(data))


def pack_header(mark: bytes, header: Header) -> bytes:
    """The `HEADER_BYTES` bytes that precede a body."""
    fields = (mark, header.position, header.received_ns, header.length, header.digest, header.body_crc)
    packed = _HEADER.pack(*fields)
    return packed + _CRC.pack(crc32c(packed))


def read_header(fd: int, mark: bytes, offset: int, end: int) -> Found | Damaged:
    """The record at `offset` without its body, which must end by `end` but is not checked. Raises OSError."""
    header = _header_at(fd, mark, offset, end)
    if header is None:
        return Damaged(_find_header(fd, mark, offset + 1, end), None)
    return Found(header, b"", offset + HEADER_BYTES + header.length)


def read_record(fd: int, mark: bytes, offset: int, end: int) -> Found | Damaged:
    """The record at `offset`, header and body checked. Raises OSError."""
    found = read_header(fd, mark, offset, end)
    if isinstance(found, Damaged):
        return found
    body = os.pread(fd, found.header.length, offset + HEADER_BYTES)
    if len(body) != found.header.length or crc32c(body) != found.header.body_crc:
        return Damaged(found.end, found.header)
    return Found(found.header, body, found.end)


def _header_at(fd: int, mark: bytes, offset: int, end: int) -> Header | None:
    data = os.pread(fd, HEADER_BYTES, offset)
    if len(data) < HEADER_BYTES or not data.startswith(mark):
        return None
    if _CRC.unpack_from(data, _HEADER.size)[0] != crc32c(data[: _HEADER.size]):
        return None
    header = Header(*_HEADER.unpack_from(data)[1:])
    return header if offset + HEADER_BYTES + header.length <= end else None


def _find_header(fd: int, mark: bytes, offset: int, end: int) -> int:
    """The offset of the first readable header from `offset` on, or `end`."""
    while offset < end:
        window = os.pread(fd, min(_SEARCH_BYTES, end - offset), offset)
        at = window.find(mark)
        if at >= 0:
            offset += at
            if _header_at(fd, mark, offset, end) is not None:
                return offset
            offset += 1
        else:
            offset += max(1, len(window) - MARK_BYTES + 1)
    return end
