"""What a span and its resource say of whom the work is for, before anything is inherited."""

from __future__ import annotations

from fnmatch import fnmatchcase

import numpy as np

from spancost.model import Coded, Column, Int32, Spans
from spancost.normalise.dialects import Conventions
from spancost.normalise.pick import as_label, pick_text

_MAX_TAG_CHARS = 64
"""What is longer, or has several lines, is content more often than a name to group by."""


def own_dimensions(spans: Spans, conventions: Conventions) -> dict[str, Coded]:
    """Dimension -> what the span's own attributes say; dimensions that no span of the batch names are left out."""
    everyone = np.ones(len(spans), np.bool_)
    found = {
        name: pick_text(len(spans), spans.columns, [(everyone, sources)])
        for name, sources in conventions.dimensions.items()
    }
    return {name: column for name, column in found.items() if column.values}


def own_tags(spans: Spans, conventions: Conventions) -> tuple[Int32, list[frozenset[tuple[str, str]]]]:
    """The user's own dimensions: for each span the position of its set of (name, value) among the distinct sets, -1
    without any. What is a dimension or content already is no tag."""
    found = [(name, spans.columns[key]) for key in spans.columns if (name := _tag_name(key, conventions))]
    codes = np.full((len(spans), len(found)), -1, np.int32)
    for position, (_, column) in enumerate(found):
        codes[column.rows, position] = column.codes
    tagged = np.flatnonzero((codes >= 0).any(axis=1))
    distinct, inverse = np.unique(codes[tagged], axis=0, return_inverse=True)
    out = np.full(len(spans), -1, np.int32)
    out[tagged] = inverse.ravel()
    return out, [_tag_set(found, row) for row in distinct.tolist()]


def _tag_set(found: list[tuple[str, Column]], codes: list[int]) -> frozenset[tuple[str, str]]:
    told = ((name, column.values[code]) for (name, column), code in zip(found, codes, strict=True) if code >= 0)
    return frozenset((name, text) for name, value in told if _is_name(text := as_label(value)))


def _is_name(text: str) -> bool:
    return 0 < len(text) <= _MAX_TAG_CHARS and len(text.splitlines()) == 1


def is_tag(key: str, conventions: Conventions) -> bool:
    """Whether an attribute goes to `tags`."""
    return bool(_tag_name(key, conventions))


def _tag_name(key: str, conventions: Conventions) -> str:
    taken = key in conventions.not_tags or key in conventions.consumed or conventions.content.role(key)
    pattern = next((p for p in conventions.tags if fnmatchcase(key, p)), "")
    if taken or not pattern:
        return ""
    return key.removeprefix(pattern[:-1] if pattern.endswith("*") else "app.")


def resource_labels(spans: Spans, conventions: Conventions) -> dict[str, Coded]:
    """`service` and the like: the span's own attribute, else its resource's."""
    everyone = np.ones(len(spans), np.bool_)
    out = {}
    for name, sources in conventions.labels.items():
        own = pick_text(len(spans), spans.columns, [(everyone, sources)])
        values = [next((t for s in sources if (t := as_label(r.get(s.key)))), "") for r in spans.resources]
        lut = np.array([len(own.values) + i if text else -1 for i, text in enumerate(values)] or [-1], np.int32)
        codes = np.where(own.codes >= 0, own.codes, lut[spans.resource] if len(spans) else own.codes)
        out[name] = Coded(codes.astype(np.int32), [*own.values, *values])
    return out
