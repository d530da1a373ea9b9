"""Values read out of a buffer by position, without a Python object for each."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from spancost.model import Int32, Int64, UInt8, UInt64


def words(raw: UInt8, start: Int32 | Int64, order: str) -> UInt64:
    """The eight bytes at each position as an integer; `order` is `>` for big-endian, `<` for little-endian."""
    everywhere: UInt64 = np.ndarray((len(raw) - 7,), f"{order}u8", raw, strides=(1,))
    return everywhere[start].astype(np.uint64)


def slices(raw: UInt8, start: Int32 | Int64, length: Int32 | Int64) -> pa.BinaryArray:
    """Slices of `raw`, which must not overlap and must be in order, as an array that shares its memory.

    The array holds a null after every slice: what lies between it and the next one
    (https://arrow.apache.org/docs/format/Columnar.html#variable-size-binary-layout: a null may have bytes).
    """
    offsets = np.empty(2 * len(start) + 1, np.int32)
    offsets[:-1:2] = start
    offsets[1::2] = start + length
    offsets[-1] = offsets[-2] if len(start) else 0
    every_other = np.full(len(start) // 4 + 1, 0b01010101, np.uint8)
    buffers = [pa.py_buffer(every_other), pa.py_buffer(offsets), pa.py_buffer(raw)]
    return pa.BinaryArray.from_buffers(pa.binary(), 2 * len(start), buffers)


def coded(raw: UInt8, start: Int32 | Int64, length: Int32 | Int64) -> tuple[Int32, pa.BinaryArray]:
    """For each slice of `raw` its position among the distinct ones, and those. Slices must not overlap."""
    if (start[1:] < start[:-1]).any():
        order = np.argsort(start, kind="stable")
        found, distinct = coded(raw, start[order], length[order])
        codes = np.empty_like(found)
        codes[order] = found
        return codes, distinct
    array = slices(raw, start, length).dictionary_encode()
    return np.frombuffer(array.indices.buffers()[1], np.int32)[: 2 * len(start) : 2].copy(), array.dictionary
