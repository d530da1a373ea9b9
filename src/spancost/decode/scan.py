"""Where the fields of many spans lie, found for all spans at once.

One position a span moves from field to field; a round of a few NumPy operations reads the next field of every span that
is not at its end, so that no object is made for a span or an attribute. A field is a tag (`number << 3 | wire type`)
and a payload, both led by varints (https://protobuf.dev/programming-guides/encoding/#structure).
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from spancost.model import Bool, Int32, Int64, UInt8

PADDING = 16
"""Bytes that must follow the last span, so that a header cut short can be read without a check."""

UInt16: TypeAlias = npt.NDArray[np.uint16]
_Round: TypeAlias = tuple[Int64, UInt16, Int64, Int64]
"""One field of each of some spans: which span, tag, start and length."""


class Fields(NamedTuple):
    """Fields of many spans, by span, and within a span in the order of the wire."""

    row: Int32
    """Which span."""
    tag: UInt16
    start: Int32
    """Where the payload lies, without its length."""
    length: Int32

    def take(self, at: Int64 | Bool) -> Fields:
        return Fields(self.row[at], self.tag[at], self.start[at], self.length[at])

    def of(self, tag: int) -> Fields:
        """The fields with this tag."""
        return self.take(np.flatnonzero(self.tag == tag))


def scan(raw: UInt8, start: Int64, end: Int64) -> tuple[Fields, Int64]:
    """The fields of the spans that lie from `start` to `end` in `raw`, and which spans must be read by protobuf.

    Those are the damaged ones, and sound ones with what tracers do not send: groups, a tag above two bytes, a varint
    above four, more than `_MOST_FIELDS` fields. None of their fields is listed. `raw` holds less than 2**30 bytes.
    """
    rows = np.flatnonzero(start < end)
    at, end = start[rows], end[rows]
    rounds: list[_Round] = []
    sizes, good = np.zeros(len(start), np.int64), np.ones(len(start), bool)
    while len(rows) and len(rounds) < _MOST_FIELDS:
        tag, payload, length, sound = next_fields(raw, at)
        rounds.append((rows, tag, payload, length))
        at = payload + length
        sound &= at <= end
        going_on = sound & (at < end)
        if not going_on.all():
            good[rows[~sound]] = False
            sizes[rows[~going_on]] = len(rounds)
            rows, at, end = rows[going_on], at[going_on], end[going_on]
    good[rows] = False
    sizes[rows] = len(rounds)
    fields = _by_span(rounds, sizes)
    return (fields if good.all() else fields.take(good[fields.row])), np.flatnonzero(~good)


def _by_span(rounds: list[_Round], sizes: Int64) -> Fields:
    """The fields that were found round by round, `sizes` of them for each span."""
    n, first = int(sizes.sum()), np.cumsum(sizes) - sizes
    tag, start, length = np.empty(n, np.uint16), np.empty(n, np.int32), np.empty(n, np.int32)
    for number, (row, tags, starts, lengths) in enumerate(rounds):
        at = first[row] + number
        tag[at], start[at], length[at] = tags, starts, lengths
    return Fields(np.repeat(np.arange(len(sizes), dtype=np.int32), sizes), tag, start, length)


def next_fields(raw: UInt8, at: Int64) -> tuple[UInt16, Int64, Int64, Bool]:
    """Of the field at each position: tag, start and length of its payload, and whether this is all well.

    Nearly all tags and lengths take one byte and nearly all payloads are length-delimited; the rest is put right after.
    """
    first = raw[at]
    tag, good = first.astype(np.uint16), first >= _LEAST_TAG
    at = at + 1
    wide = first >= _MORE
    if wide.any():
        second = raw[at[wide]]
        tag[wide] = (first[wide] & 0x7F) | second.astype(np.uint16) << 7
        good[wide] = (second < _MORE) & (tag[wide] >= _LEAST_TAG)
        at[wide] += 1
    size = raw[at]
    length, payload = size.astype(np.int64), at + 1
    kind = first & 7
    wide = size >= _MORE
    if wide.any():
        wide &= _HAS_VARINT[kind]
        length[wide], payload[wide], good[wide] = _wide_varints(raw, at[wide], good[wide])
    other = kind != _LEN
    if other.any():
        length[other] = _SIZE[kind[other]]
        payload[other] -= ~_HAS_VARINT[kind[other]]
        good[other] &= _KNOWN[kind[other]]
    return tag, payload, length, good


def _wide_varints(raw: UInt8, at: Int64, good: Bool) -> tuple[Int64, Int64, Bool]:
    """The varints of two to four bytes at these positions, what follows them, and which are no longer than that."""
    value, end, more = np.zeros(len(at), np.int64), at, np.ones(len(at), bool)
    for byte in range(_MOST_VARINT_BYTES):
        next_byte = raw[at + byte]
        value |= np.where(more, next_byte & 0x7F, 0).astype(np.int64) << 7 * byte
        end = end + more
        more = more & (next_byte >= _MORE)
    return value, end, good & ~more


_LEN, _MORE, _LEAST_TAG = 2, 0x80, 8
# By wire type: varint, 64 bits, length-delimited, two for groups, 32 bits, two that do not exist
_HAS_VARINT = np.array([True, False, True, False, False, False, False, False])
_KNOWN = np.array([True, True, True, False, False, True, False, False])
_SIZE = np.array([0, 8, 0, 0, 0, 4, 0, 0], np.int64)
_MOST_FIELDS, _MOST_VARINT_BYTES = 128, 4
