"""Writes protobuf fields from JSON values: each writer takes a value and returns the field's bytes, tag included.

A scalar that does not fit its field is left out (b""), as if the sender had not set it; an object or a list where
another shape belongs raises Malformed.
"""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Callable, Mapping
from typing import Any

from spancost.errors import Malformed

Writer = Callable[[Any], bytes]
"""From a JSON value to a field's bytes."""

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_SHORT = [bytes([n]) for n in range(128)] + [bytes([n & 127 | 128, n >> 7]) for n in range(128, 1 << 14)]
_INT64, _UINT64 = range(-(1 << 63), 1 << 63), range(1 << 64)
_INT32, _UINT32 = range(-(1 << 31), 1 << 31), range(1 << 32)
_URL_SAFE = str.maketrans("-_", "+/")


def varint(number: int) -> bytes:
    """A number as a varint; a negative one in two's complement of 64 bits."""
    number &= (1 << 64) - 1
    groups = b""
    while number >= 1 << 14:
        groups += bytes([number & 127 | 128])
        number >>= 7
    return groups + _SHORT[number]


def delimited(tag: bytes, content: bytes) -> bytes:
    """A tag, the length, and the content."""
    size = len(content)
    return tag + (_SHORT[size] if size < 1 << 14 else varint(size)) + content


def bytes_tag(number: int) -> bytes:
    """The tag of a field that has a length."""
    return varint(number << 3 | _BYTES)


def string(number: int) -> Writer:
    """A string field. What UTF-8 cannot hold (half of a surrogate pair) becomes `?`."""
    tag = bytes_tag(number)
    return lambda value: delimited(tag, value.encode("utf-8", "replace")) if isinstance(value, str) else b""


def hex_bytes(number: int) -> Writer:
    """A bytes field that OTLP/JSON writes as hex digits (the ids)."""
    tag = bytes_tag(number)

    def write(value: Any) -> bytes:
        raw = _unhex(value)
        return b"" if raw is None else delimited(tag, raw)

    return write


def base64_bytes(number: int) -> Writer:
    """A bytes field in base64, standard or URL-safe, padded or not."""
    tag = bytes_tag(number)

    def write(value: Any) -> bytes:
        raw = _unbase64(value)
        return b"" if raw is None else delimited(tag, raw)

    return write


def boolean(number: int) -> Writer:
    """A bool field."""
    tag = varint(number << 3 | _VARINT)
    return lambda value: tag + _SHORT[value] if isinstance(value, bool) else b""


def int64(number: int) -> Writer:
    """An int64 field, from a number or a string of digits."""
    return _integer(number, _VARINT, _INT64, varint)


def uint32(number: int) -> Writer:
    """A uint32 field."""
    return _integer(number, _VARINT, _UINT32, varint)


def enum(number: int) -> Writer:
    """An enum field; OTLP/JSON allows numbers only."""
    return _integer(number, _VARINT, _INT32, varint)


def fixed64(number: int) -> Writer:
    """A fixed64 field, from a number or a string of digits."""
    return _integer(number, _FIXED64, _UINT64, struct.Struct("<Q").pack)


def fixed32(number: int) -> Writer:
    """A fixed32 field."""
    return _integer(number, _FIXED32, _UINT32, struct.Struct("<I").pack)


def double(number: int) -> Writer:
    """A double field, from a number or a string, also "NaN", "Infinity" and "-Infinity"."""
    tag = varint(number << 3 | _FIXED64)
    pack = struct.Struct("<d").pack

    def write(value: Any) -> bytes:
        if isinstance(value, bool) or not isinstance(value, (int, float, str)):
            return b""
        try:
            return tag + pack(float(value))
        except (ValueError, OverflowError):
            return b""

    return write


def message(fields: Mapping[str, Writer]) -> Writer:
    """The content of a message (no tag): known fields in the order of the JSON, unknown ones and nulls left out."""

    def write(value: Any) -> bytes:
        if not isinstance(value, dict):
            raise Malformed("a JSON object is expected where there is none")
        known = [(fields[name], inner) for name, inner in value.items() if inner is not None and name in fields]
        return b"".join([writer(inner) for writer, inner in known])

    return write


def one(number: int, content: Writer) -> Writer:
    """A field that holds one message."""
    tag = bytes_tag(number)
    return lambda value: delimited(tag, content(value))


def many(number: int, content: Writer) -> Writer:
    """A field that holds a list of messages."""
    tag = bytes_tag(number)

    def write(value: Any) -> bytes:
        if not isinstance(value, list):
            raise Malformed("a JSON list is expected where there is none")
        return b"".join([delimited(tag, content(item)) for item in value])

    return write


def _integer(number: int, wire_type: int, allowed: range, encode: Callable[[int], bytes]) -> Writer:
    tag = varint(number << 3 | wire_type)

    def write(value: Any) -> bytes:
        whole = _whole(value)
        return b"" if whole is None or whole not in allowed else tag + encode(whole)

    return write


def _whole(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    if not isinstance(value, (int, str)):
        return None
    try:
        return int(value)
    except ValueError:
        return None


def _unhex(value: Any) -> bytes | None:
    try:
        raw = bytes.fromhex(value)
    except (TypeError, ValueError):
        return None
    return raw if 2 * len(raw) == len(value) else None


def _unbase64(value: Any) -> bytes | None:
    try:
        text = value.translate(_URL_SAFE).rstrip("=")
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (AttributeError, ValueError, binascii.Error):
        return None
