"""Picking a canonical column out of attribute columns: the first source that has a usable value wins.

Values are looked at once per distinct value; the rest is NumPy over the spans that carry the attribute.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping

import numpy as np

from spancost.model import Bool, Coded, Column, Content, Int32, Int64, Value
from spancost.normalise.dialects import Source

MAX_TOKENS = 10**9
"""No provider takes a thousand million tokens in one call; a larger count is a mistake, not usage."""


def pick_text(n: int, columns: Mapping[str, Column], groups: Iterable[tuple[Bool, tuple[Source, ...]]]) -> Coded:
    """A string column of length `n`: for the spans of each mask the first of its sources with text in it.

    Lists give their first item; '' counts as absent.
    """
    codes = np.full(n, -1, np.int32)
    table: dict[str, int] = {}
    for mask, sources in groups:
        for source, column, reader in _present(columns, sources):
            lut = np.array([_intern(as_label(reader(value)), table) for value in column.values], np.int32)
            _fill(codes, lut[column.codes], column, mask, source, columns)
    return Coded(codes, list(table))


def pick_count(
    n: int, columns: Mapping[str, Column], groups: Iterable[tuple[Bool, tuple[Source, ...]]]
) -> tuple[Int64, Bool]:
    """An int64 column of token counts, -1 unknown, and which spans carried one that is no count.

    Integers, whole doubles and numeric strings are counts when they lie in 0..`MAX_TOKENS`.
    """
    out = np.full(n, -1, np.int64)
    bad = np.zeros(n, np.bool_)
    for mask, sources in groups:
        for source, column, reader in _present(columns, sources):
            plain = not (source.json or source.extracted)
            lut = np.array(
                [v if plain and type(v) is int and 0 <= v <= MAX_TOKENS else _count(reader(v)) for v in column.values],
                np.int64,
            )
            found = lut[column.codes]
            _fill(out, found, column, mask, source, columns)
            bad[column.rows[(found == _BAD) & mask[column.rows]]] = True
    return out, bad


def pick_number(
    n: int, columns: Mapping[str, Column], groups: Iterable[tuple[Bool, tuple[Source, ...]]]
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """A float column in the canonical unit, NaN where unknown. Not for counts and not for money."""
    out = np.full(n, np.nan)
    for mask, sources in groups:
        for source, column, reader in _present(columns, sources):
            lut = np.array([_number(reader(value)) * source.scale for value in column.values])
            found = lut[column.codes]
            ok = mask[column.rows] & np.isnan(out[column.rows]) & np.isfinite(found)
            out[column.rows[ok]] = found[ok]
    return out


def carriers(n: int, column: Column | None) -> Bool:
    """Which spans carry an attribute."""
    out = np.zeros(n, np.bool_)
    if column is not None:
        out[column.rows] = True
    return out


def _present(
    columns: Mapping[str, Column], sources: tuple[Source, ...]
) -> Iterable[tuple[Source, Column, Callable[[Value], object]]]:
    for source in sources:
        column = columns.get(source.key)
        if column is not None:
            yield source, column, _reader(source)


def _reader(source: Source) -> Callable[[Value], object]:
    if source.extracted:
        return lambda value: value.extracted.get(source.extracted) if isinstance(value, Content) else None
    if source.json:
        return lambda value: _inside(value, source.json)
    return lambda value: None if isinstance(value, Content) else value


def _inside(value: Value, path: tuple[str, ...]) -> object:
    if isinstance(value, str):
        try:
            found: object = json.loads(value)
        except (ValueError, RecursionError):
            return None
    else:
        found = value
    for part in path:
        if not isinstance(found, dict):
            return None
        found = found.get(part)
    return found


def _fill(
    out: Int32 | Int64,
    found: Int32 | Int64,
    column: Column,
    mask: Bool,
    source: Source,
    columns: Mapping[str, Column],
) -> None:
    ok = mask[column.rows] & (out[column.rows] < 0) & (found >= 0)
    if source.when is not None:
        ok &= _has_value(len(mask), columns.get(source.when[0]), source.when[1])[column.rows]
    out[column.rows[ok]] = found[ok]


def _has_value(n: int, column: Column | None, wanted: str) -> Bool:
    out = np.zeros(n, np.bool_)
    if column is not None:
        equal = np.array([value == wanted for value in column.values], np.bool_)
        out[column.rows[equal[column.codes]]] = True
    return out


def _intern(text: str, table: dict[str, int]) -> int:
    return table.setdefault(text, len(table)) if text else -1


def as_label(value: object) -> str:
    """A value as the text of a label: lists give their first item, JSON lists too, '' where there is nothing."""
    if isinstance(value, str):
        text = value.strip()
        if not text.isascii():
            # JSON text may escape half a surrogate pair, which no UTF-8 can hold.
            text = text.encode("utf-8", "replace").decode()
        if text[:1] == "[" and text[-1] == "]":
            try:
                return as_label(json.loads(text))
            except (ValueError, RecursionError):
                return text
        return text
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return as_label(value[0]) if value else ""
    return "" if value is None or isinstance(value, dict | bytes) else str(value)


_BAD = -2


def _count(value: object) -> int:
    number = _number(value)
    if math.isnan(number):
        return -1 if value is None or value == "" else _BAD
    if not 0 <= number <= MAX_TOKENS or number != int(number):
        return _BAD
    return int(number)


def _number(value: object) -> float:
    if isinstance(value, bool):
        return math.nan
    if isinstance(value, int | float):
        return float(value) if abs(value) <= MAX_TOKENS * 10 else math.inf
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return math.nan
    return math.nan
