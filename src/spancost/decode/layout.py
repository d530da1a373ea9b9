"""Where key and value lie in many KeyValue messages, found for all at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from spancost.decode.scan import PADDING, next_fields
from spancost.decode.slices import words
from spancost.model import Bool, Int64, UInt8, UInt64

_KEY, _VALUE, _STRING, _INT = 1 << 3 | 2, 2 << 3 | 2, 1 << 3 | 2, 3 << 3
"""Tags in KeyValue and AnyValue
(https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/common/v1/common.proto)."""


@dataclass(frozen=True, slots=True)
class Layout:
    """KeyValue messages and where their parts lie in `raw`."""

    raw: UInt8
    start: Int64
    end: Int64
    key: Int64
    key_size: Int64
    value: Int64
    """Where the text begins, which goes on to `end`, or the varint of the number."""
    is_text: Bool
    is_number: Bool
    """The value is an integer of no more than four bytes, and so not negative."""

    def numbers(self, which: Bool) -> Int64:
        """The values of these messages, which are numbers."""
        start = self.value[which]
        size, word = self.end[which] - start, words(self.raw, start, "<")
        number: UInt64 = np.zeros(len(start), np.uint64)
        for byte in range(int(size.max(initial=0))):
            bits = (word >> np.uint64(8 * byte)) & np.uint64(0x7F)
            number |= np.where(size > byte, bits, np.uint64(0)) << np.uint64(7 * byte)
        return number.astype(np.int64)


def layout_of(messages: pa.BinaryArray) -> Layout:
    """Find keys, texts and numbers, in messages of a key and a value and nothing else.

    All other messages, and all other types of value, are neither text nor number.
    """
    _, offsets, data = messages.buffers()
    ends = np.frombuffer(offsets, np.int32)[messages.offset : messages.offset + len(messages) + 1].astype(np.int64)
    start, end = ends[:-1], ends[1:]
    raw = np.concatenate((np.frombuffer(data, np.uint8), np.zeros(PADDING, np.uint8)))
    tag, key, key_size, usual = next_fields(raw, start)
    usual &= (tag == _KEY) & (key + key_size < end)
    tag, inner, size, sound = next_fields(raw, np.where(usual, key + key_size, start))
    usual &= sound & (tag == _VALUE) & (size > 0) & (inner + size == end)
    inner = np.where(usual, inner, start)
    tag, value, size, sound = next_fields(raw, inner)
    usual &= sound & (value + size == end)
    is_text, is_number = usual & (tag == _STRING), usual & (tag == _INT)
    return Layout(raw, start, end, key, key_size, np.where(is_number, inner + 1, value), is_text, is_number)
