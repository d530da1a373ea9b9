"""Attributes of many spans -> sparse columns, one for each key."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from xxhash import xxh3_64_intdigest

from spancost.decode.attributes import Parsed, parse_distinct
from spancost.decode.scan import Fields
from spancost.decode.slices import coded
from spancost.model import FLAG, Column, ContentRules, Int32, UInt8, UInt32, UInt64, Value


def columns_of(
    raw: UInt8, attributes: Fields, n: int, rules: ContentRules, secret: bytes
) -> tuple[dict[str, Column], UInt32, UInt64]:
    """Columns by key from the attributes of `n` spans in order; flags and a hash of its attributes for each span.

    `attributes` says where in `raw` the KeyValue messages lie, by span. An attribute that cannot be read is left out
    and flagged; it never costs the span.
    """
    attributes, cut = _at_most(attributes, n)
    codes, distinct = coded(raw, attributes.start, attributes.length)
    parsed = parse_distinct(distinct, rules, secret)
    hashes = np.fromiter(map(xxh3_64_intdigest, distinct.to_pylist()), np.uint64, len(distinct))
    flags, digest = np.zeros(n, np.uint32), np.zeros(n, np.uint64)
    np.add.at(digest, attributes.row, hashes[codes])
    key = parsed.key[codes]
    flags[attributes.row[key < 0]] |= FLAG["bad_attribute"]
    flags[cut] |= FLAG["attributes_cut"]
    return _columns(attributes.row, key, parsed.code[codes], parsed), flags, digest


def _at_most(attributes: Fields, n: int) -> tuple[Fields, Int32]:
    """The first `_MOST_ATTRIBUTES` attributes of every span, and the spans that had more: one of them must not take the
    keys of its neighbours, or their time."""
    count = np.bincount(attributes.row, minlength=n)
    if not len(count) or count.max() <= _MOST_ATTRIBUTES:
        return attributes, np.zeros(0, np.int32)
    nth = np.arange(len(attributes.row)) - (np.cumsum(count) - count)[attributes.row]
    keep = nth < _MOST_ATTRIBUTES
    kept = attributes._replace(
        row=attributes.row[keep],
        tag=attributes.tag[keep],
        start=attributes.start[keep],
        length=attributes.length[keep],
    )
    return kept, np.flatnonzero(count > _MOST_ATTRIBUTES).astype(np.int32)


_MOST_ATTRIBUTES = 1_024
"""Eight times what an SDK lets through unless it is told otherwise
(https://opentelemetry.io/docs/specs/otel/common/#attribute-limits)."""


def _columns(rows: Int32, key: Int32, codes: Int32, parsed: Parsed) -> dict[str, Column]:
    order = np.argsort(key, kind="stable")
    ends = np.searchsorted(key[order], np.arange(-1, len(parsed.names)), side="right").tolist()
    parts = [order[first:end] for first, end in pairwise(ends)]
    return {
        name: _column(rows[part], codes[part], values)
        for name, part, values in zip(parsed.names, parts, parsed.values, strict=True)
    }


def _column(rows: Int32, codes: Int32, values: list[Value]) -> Column:
    repeated = rows[1:] == rows[:-1]
    if repeated.any():
        last = np.append(~repeated, True)
        rows, codes = rows[last], codes[last]
    return Column(rows, codes, values)
