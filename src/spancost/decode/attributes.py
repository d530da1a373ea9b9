"""KeyValue messages -> keys and values, each distinct message parsed once."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from google.protobuf.message import DecodeError
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from spancost.decode import wire
from spancost.decode.content import reduce_content
from spancost.decode.layout import Layout, layout_of
from spancost.decode.slices import coded, slices
from spancost.model import Bool, ContentRules, Int32, Value

_MAX_DEPTH = 32
_BAD: Any = object()


@dataclass(frozen=True, slots=True)
class Parsed:
    """Distinct KeyValue messages, parsed."""

    key: Int32
    """For each message the position of its key in `names`; -1 for what cannot be read."""
    code: Int32
    """For each message the position of its value in the `values` of its key."""
    names: list[str]
    values: list[list[Value]]


def parse_distinct(messages: pa.BinaryArray, rules: ContentRules, secret: bytes) -> Parsed:
    """Parse these messages; the values of content attributes are reduced to hashes keyed with `secret`."""
    layout, keys = layout_of(messages), _Keys(rules)
    key = _read_keys(messages, layout, keys)
    values = _read_values(messages, layout, keys, key, secret)
    order = np.argsort(key, kind="stable")
    ends = np.searchsorted(key[order], np.arange(-1, len(keys.names)), side="right")
    code = np.empty(len(key), np.int32)
    code[order] = np.arange(len(key)) - np.append(0, ends)[key[order] + 1]
    by_key = values[order]
    return Parsed(key, code, keys.names, [by_key[first:end].tolist() for first, end in pairwise(ends.tolist())])


class _Keys:
    """The keys of a batch in the order they are met."""

    def __init__(self, rules: ContentRules) -> None:
        self.rules = rules
        self.names: list[str] = []
        self.roles: list[str] = []
        self._slots: dict[str, int] = {}

    def slot(self, name: str) -> int:
        """The position of this key; -1 where there is none."""
        if name and name not in self._slots:
            self._slots[name] = len(self.names)
            self.names.append(name)
            self.roles.append(self.rules.role(name))
        return self._slots.get(name, -1)


def _read_keys(messages: pa.BinaryArray, layout: Layout, keys: _Keys) -> Int32:
    """The position of each message's key."""
    key = np.empty(len(messages), np.int32)
    usual = layout.is_text | layout.is_number
    codes, names = coded(layout.raw, layout.key[usual], layout.key_size[usual])
    slots = [keys.slot(name.decode("utf-8", "replace")) for name in names.to_pylist()]
    key[usual] = np.array(slots, np.int32)[codes]
    others = np.flatnonzero(~usual)
    key[others] = [keys.slot(_slow_key(raw)) for raw in messages.take(pa.array(others)).to_pylist()]
    return key


def _read_values(
    messages: pa.BinaryArray, layout: Layout, keys: _Keys, key: Int32, secret: bytes
) -> npt.NDArray[np.object_]:
    """The value of each message: texts and numbers all at once, content and all other types one by one.

    Of what cannot be read the key is set to -1.
    """
    values = np.empty(len(messages), object)
    plain = ~np.array([*map(bool, keys.roles), False])[key]
    text, number = layout.is_text & plain, layout.is_number & plain
    values[text], values[number] = _texts(layout, text), layout.numbers(number)
    for i in np.flatnonzero((key >= 0) & ~text & ~number).tolist():
        value = _text(layout, i) if layout.is_text[i] else _slow_value(messages[i].as_py())
        if value is _BAD:
            key[i] = -1
        elif role := keys.roles[key[i]]:
            values[i] = reduce_content(keys.names[key[i]], as_text(value), role, keys.rules, secret)
        else:
            values[i] = value
    return values


def _texts(layout: Layout, which: Bool) -> list[str]:
    """The texts of these messages; what is not UTF-8 in them is replaced."""
    start = layout.value[which]
    raws = slices(layout.raw, start, layout.end[which] - start).drop_null()
    try:
        texts: list[str] = raws.cast(pa.string()).to_pylist()
    except pa.ArrowInvalid:
        texts = [raw.decode("utf-8", "replace") for raw in raws.to_pylist()]
    return texts


def _text(layout: Layout, at: int) -> str:
    return layout.raw[layout.value[at] : layout.end[at]].tobytes().decode("utf-8", "replace")


def _slow_key(raw: bytes) -> str:
    try:
        return str(wire.LooseKeyValue.FromString(raw).key.decode("utf-8", "replace"))
    except DecodeError:
        return ""


def _slow_value(raw: bytes) -> Any:
    try:
        return _plain(KeyValue.FromString(raw).value, 0)
    except DecodeError:
        return _repaired_text(raw)


def _repaired_text(raw: bytes) -> Any:
    """A string that is no UTF-8, with a replacement for what is not; protobuf refuses it."""
    try:
        text = wire.LooseKeyValue.FromString(raw).value.string_value
    except DecodeError:
        return _BAD
    return text.decode("utf-8", "replace") if text else _BAD


def _plain(value: AnyValue, depth: int) -> Any:
    which = value.WhichOneof("value")
    if which is None or depth >= _MAX_DEPTH:
        return None
    if which == "array_value":
        return [_plain(item, depth + 1) for item in value.array_value.values]
    if which == "kvlist_value":
        return {item.key: _plain(item.value, depth + 1) for item in value.kvlist_value.values}
    return getattr(value, which)


def as_text(value: object) -> str:
    """An attribute value as the text that the `attributes` column and hashes use."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return value.hex()
    return "" if value is None else str(value)


def attribute_dict(raws: list[bytes]) -> dict[str, Value]:
    """The attributes of a resource as a dictionary; what cannot be read is left out."""
    pairs = ((_slow_key(raw), _slow_value(raw)) for raw in raws)
    return {key: value for key, value in pairs if key and value is not _BAD}
