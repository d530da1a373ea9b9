"""Undoes HTTP content encodings without ever holding more than the limit."""

from __future__ import annotations

import zlib

from spancost.errors import Malformed, TooLarge, Unsupported

_STEP_BYTES = 1 << 20
_GZIP, _ZLIB, _RAW = zlib.MAX_WBITS | 16, zlib.MAX_WBITS, -zlib.MAX_WBITS
_DEFLATE_METHOD = 8


def decompress(data: bytes, encoding: str, limit: int) -> bytes:
    """The data without its content encoding (gzip, deflate; empty or identity for none).

    Raises Unsupported for another encoding, Malformed for data that is not in it or ends early, and TooLarge as soon as
    the result grows over `limit` bytes.
    """
    match encoding.strip().lower():
        case "" | "identity":
            return data
        case "gzip" | "x-gzip":
            return _inflate(data, _GZIP, limit)
        case "deflate":
            return _inflate(data, _ZLIB if _is_zlib(data) else _RAW, limit)
        case _:
            raise Unsupported("the content encoding is not one of gzip, deflate, identity")


def too_large(limit: int) -> TooLarge:
    """What to tell a sender whose request is over the limit."""
    return TooLarge(f"the request is larger than {limit} bytes after decompression")


def _inflate(data: bytes, window: int, limit: int) -> bytes:
    """All members of the data: gzip allows several, one after the other."""
    parts: list[bytes] = []
    size = 0
    while data:
        member = zlib.decompressobj(window)
        while not member.eof:
            part = _step(member, data)
            if not part and not member.eof and not member.unconsumed_tail:
                raise Malformed("the compressed body ends early")
            parts.append(part)
            size += len(part)
            if size > limit:
                raise too_large(limit)
            data = member.unconsumed_tail
        data = member.unused_data
    return b"".join(parts)


def _step(member: zlib._Decompress, data: bytes) -> bytes:
    try:
        return member.decompress(data, _STEP_BYTES)
    except zlib.error:
        raise Malformed("the body is not in its content encoding") from None


def _is_zlib(data: bytes) -> bool:
    """Whether deflate data has the zlib header that RFC 9110 asks for; some senders leave it out."""
    return len(data) > 1 and data[0] & 15 == _DEFLATE_METHOD and (data[0] << 8 | data[1]) % 31 == 0
