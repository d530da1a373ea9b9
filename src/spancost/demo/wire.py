"""OTLP trace requests as bytes, a column at a time.

The encoding is protobuf's own (https://protobuf.dev/programming-guides/encoding/); field numbers are those of
opentelemetry/proto/trace/v1/trace.proto and common/v1/common.proto. A span is the pieces of its columns joined: what is
the same for many spans is encoded once and looked up.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from spancost.demo.dice import Bool, Int64, UInt8

INTERNAL, SERVER, CLIENT = 1, 2, 3
"""Span kinds."""

SPAN_ATTRIBUTE, RESOURCE_ATTRIBUTE = 9, 1

Pieces = list[bytes]
"""One piece of encoded message for each row; b"" leaves the field out."""

Value = str | bool | int | tuple[str, ...]


def varint(value: int) -> bytes:
    """`value`, not negative, in as few bytes as it takes."""
    out = bytearray()
    while value > _SEVEN:
        out.append(value & _SEVEN | _MORE)
        value >>= 7
    out.append(value)
    return bytes(out)


_SEVEN, _MORE = 0x7F, 0x80


def varints(values: Int64) -> Pieces:
    """`varint` of every value; they must be below 2**35."""
    groups = (values[:, None] >> _SHIFTS) & _SEVEN
    lengths = 1 + (values[:, None] >= _LIMITS).sum(axis=1)
    groups[np.arange(5) < lengths[:, None] - 1] |= _MORE
    raw = groups.astype(np.uint8).tobytes()
    return [raw[at : at + length] for at, length in zip(range(0, len(raw), 5), lengths.tolist(), strict=True)]


_SHIFTS = np.arange(0, 35, 7)
_LIMITS = np.int64(1) << _SHIFTS[1:]


def field(number: int, payload: bytes) -> bytes:
    """A length-delimited field: string, bytes or message."""
    return varint(number << 3 | _LENGTH) + varint(len(payload)) + payload


_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5


def attribute(key: str, value: Value, number: int = SPAN_ATTRIBUTE) -> bytes:
    """One attribute of a span or a resource."""
    return field(number, field(1, key.encode()) + field(2, _any_value(value)))


def _any_value(value: Value) -> bytes:
    match value:
        case str():
            return field(1, value.encode())
        case bool():
            return b"\x10" + varint(value)
        case int():
            return b"\x18" + varint(value)
        case _:
            return field(5, b"".join(field(1, _any_value(item)) for item in value))


def attributes(values: dict[str, Value], number: int = SPAN_ATTRIBUTE) -> bytes:
    """Several attributes, one after the other."""
    return b"".join(attribute(key, value, number) for key, value in values.items())


def int_attributes(key: str, values: Int64) -> Pieces:
    """The attribute with every value; none where it is negative."""
    heads = [b"", *(_head(key, length, b"\x18") for length in range(1, 6))]
    known = np.flatnonzero(values >= 0)
    pieces = [b""] * len(values)
    for row, value in zip(known.tolist(), varints(values[known]), strict=True):
        pieces[row] = heads[len(value)] + value
    return pieces


def text_attributes(key: str, texts: Sequence[bytes]) -> Pieces:
    """The attribute with every text, in UTF-8 and all of the same length."""
    width = len(texts[0]) if texts else 0
    head = _head(key, width, b"\x0a" + varint(width))
    return [head + text for text in texts]


def text_head(key: str, start: str, width: int) -> bytes:
    """The attribute up to the last `width` bytes of its text, which begins with `start`."""
    text = start.encode()
    return _head(key, width, b"\x0a" + varint(len(text) + width) + text)


def double_attributes(key: str, values: npt.NDArray[np.float64]) -> Pieces:
    """The attribute with every value."""
    head = _head(key, 8, b"\x21")
    raw = values.astype("<f8").tobytes()
    return [head + raw[at : at + 8] for at in range(0, len(raw), 8)]


def _head(key: str, width: int, tag: bytes) -> bytes:
    """What comes before the last `width` bytes of an attribute whose value begins with `tag`."""
    value = varint(2 << 3 | _LENGTH) + varint(len(tag) + width) + tag
    inside = field(1, key.encode()) + value
    return varint(SPAN_ATTRIBUTE << 3 | _LENGTH) + varint(len(inside) + width) + inside


def looked_up(table: Sequence[bytes], positions: Int64) -> Pieces:
    """Pieces made once and used by position; -1 takes the last."""
    return [table[position] for position in positions.tolist()]


def kept(pieces: Pieces, keep: Bool) -> Pieces:
    """The pieces of the rows to keep, nothing for the others."""
    return [piece if wanted else b"" for piece, wanted in zip(pieces, keep.tolist(), strict=True)]


def hexadecimal(octets: UInt8) -> Pieces:
    """Rows of bytes as lower-case hex."""
    text, width = octets.tobytes().hex().encode(), 2 * octets.shape[1]
    return [text[at : at + width] for at in range(0, len(text), width)]


def span_ids(traces: UInt8, spans: UInt8, parents: UInt8 | None = None) -> Pieces:
    """trace_id, span_id and, where there is one, parent_span_id."""
    parts = [_constant(len(spans), b"\x0a\x10"), traces, _constant(len(spans), b"\x12\x08"), spans]
    if parents is not None:
        parts += [_constant(len(spans), b"\x22\x08"), parents]
    return _rows(np.concatenate(parts, axis=1))


def span_name(name: str, kind: int) -> bytes:
    """name and kind, which come before the times."""
    return field(5, name.encode()) + varint(6 << 3 | _VARINT) + varint(kind)


def span_times(starts: Int64, ends: Int64) -> Pieces:
    """start_time_unix_nano and end_time_unix_nano."""
    number = len(starts)
    return _rows(
        np.concatenate(
            [_constant(number, b"\x39"), _fixed64(starts), _constant(number, b"\x41"), _fixed64(ends)], axis=1
        )
    )


def span_end(code: int = 0, message: str = "") -> bytes:
    """status and flags (sampled; the parent is known to be in this process)."""
    status = (field(2, message.encode()) if message else b"") + (b"\x18" + varint(code) if code else b"")
    return (field(15, status) if status else b"") + varint(16 << 3 | _FIXED32) + struct.pack("<I", 0x101)


def spans(columns: Iterable[Pieces]) -> Pieces:
    """Spans as `ScopeSpans` holds them: the columns' pieces of each row joined, with tag and length before them."""
    bodies = [b"".join(pieces) for pieces in zip(*columns, strict=True)]
    lengths = varints(np.fromiter(map(len, bodies), np.int64, len(bodies)))
    return [b"\x12" + length + body for length, body in zip(lengths, bodies, strict=True)]


def scope_spans(name: str, version: str, encoded: Iterable[bytes]) -> bytes:
    """A `ScopeSpans` as `ResourceSpans` holds it."""
    scope = field(1, name.encode()) + (field(2, version.encode()) if version else b"")
    return field(2, field(1, scope) + b"".join(encoded))


def resource_spans(resource: bytes, scopes: Iterable[bytes]) -> bytes:
    """A `ResourceSpans` as a request holds it; `resource` is the encoded attributes of the resource."""
    return field(1, field(1, resource) + b"".join(scopes))


def _constant(number: int, value: bytes) -> UInt8:
    return np.broadcast_to(np.frombuffer(value, np.uint8), (number, len(value)))


def _fixed64(values: Int64) -> UInt8:
    return np.ascontiguousarray(values.astype("<u8")).view(np.uint8).reshape(len(values), 8)


def _rows(matrix: UInt8) -> Pieces:
    raw, width = matrix.tobytes(), matrix.shape[1]
    return [raw[at : at + width] for at in range(0, len(raw), width)]
