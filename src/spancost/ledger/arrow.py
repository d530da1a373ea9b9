"""NumPy columns of a batch -> the Arrow arrays that ClickHouse takes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from spancost.model import Bool, Coded, Int32, Int64, UInt64, hex_ids

MONEY = pa.decimal128(18, 12)
"""`Decimal64(12)`: USD, twelve decimals."""


def ids(*words: UInt64) -> pa.Array:
    """Ids given as big-endian words, as lower-case hex strings."""
    n, width = len(words[0]), 16 * len(words)
    offsets = np.arange(0, (n + 1) * width, width, dtype=np.int32)
    data = np.ascontiguousarray(hex_ids(words))
    return pa.StringArray.from_buffers(n, pa.py_buffer(offsets), pa.py_buffer(data))


def span_ids_or_blank(words: UInt64) -> pa.Array:
    """Span ids as hex, '' for 0."""
    known = ids(words)
    return pa.compute.if_else(pa.array(words != 0), known, "")


def labels(column: Coded) -> pa.DictionaryArray:
    """A string column with few values, '' where there is none."""
    used = np.flatnonzero(np.bincount(column.codes + 1, minlength=1)) - 1
    table: dict[str, int] = {}
    lut = np.zeros(len(column.values) + 1, np.int32)
    for code in used.tolist():
        text = column.values[code] if code >= 0 else ""
        lut[code] = table.setdefault(text, len(table))
    return pa.DictionaryArray.from_arrays(pa.array(lut[column.codes]), pa.array(list(table), pa.string()))


def strings(column: Coded) -> pa.Array:
    """A string column with many values, '' where there is none."""
    table = pa.array([*column.values, ""], pa.string())
    return table.take(pa.array(np.where(column.codes < 0, len(column.values), column.codes)))


def counts(column: Int64, kind: pa.DataType | None = None) -> pa.Array:
    """Counts, NULL where unknown (-1)."""
    return pa.array(column, kind or pa.int64(), mask=column < 0)


def money(amounts: Int64, known: Bool) -> pa.Array:
    """Amounts in 1e-12 USD as decimals, NULL where unknown. Exact: the integers become the decimals' own bytes."""
    words = np.empty((len(amounts), 2), np.int64)
    words[:, 0] = amounts
    words[:, 1] = amounts >> 63
    valid = pa.py_buffer(np.packbits(known, bitorder="little"))
    return pa.Array.from_buffers(MONEY, len(amounts), [valid, pa.py_buffer(words)])


def hashes(column: UInt64) -> pa.Array:
    """64-bit hashes, NULL where there is none (0)."""
    return pa.array(column, pa.uint64(), mask=column == 0)


def times(column: Int64) -> pa.Array:
    """Nanoseconds since the epoch as timestamps."""
    return pa.array(column, pa.timestamp("ns", "UTC"))


def maps(rows: Int64, keys: Int32, key_names: Sequence[str], items: pa.Array, n: int) -> pa.MapArray:
    """A map for each of `n` rows out of flat entries: `rows` says whose they are, `keys` codes their names.

    Entries of a row stand in the order of their names, so that a map does not tell in which order its parts came.
    """
    rank = np.argsort(np.argsort(np.array(key_names, dtype=object), kind="stable")) if len(key_names) else keys
    order = np.lexsort((rank[keys], rows))
    offsets = np.zeros(n + 1, np.int32)
    np.cumsum(np.bincount(rows, minlength=n), out=offsets[1:])
    names = pa.array(list(key_names), pa.string()).take(pa.array(keys[order]))
    return pa.MapArray.from_arrays(pa.array(offsets), names, items.take(pa.array(order)))
