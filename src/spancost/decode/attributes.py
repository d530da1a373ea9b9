"""KeyValue bytes -> sparse columns, each distinct KeyValue parsed once per batch."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from google.protobuf.message import DecodeError
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from xxhash import xxh3_64_intdigest

from spancost.decode import wire
from spancost.decode.content import reduce_content
from spancost.model import FLAG, Column, ContentRules, Int16, Int32, UInt32, UInt64, Value

_MAX_DEPTH = 32
_BAD: Any = object()


def columns_of(
    flat: list[bytes], counts: Int32, rules: ContentRules, secret: bytes
) -> tuple[dict[str, Column], UInt32, UInt64]:
    """Columns by key from the attributes of all spans in order; flags and a hash of its attributes for each span.

    `flat` holds the KeyValue messages, `counts` how many of them each span has. An attribute that cannot be read is
    left out and flagged; it never costs the span.
    """
    n = len(counts)
    flags, digest = np.zeros(n, np.uint32), np.zeros(n, np.uint64)
    if not flat:
        return {}, flags, digest
    coded = pa.array(flat, type=pa.binary()).dictionary_encode()
    codes = coded.indices.to_numpy()
    raws = coded.dictionary.to_pylist()
    keys, locals_, names, values = _parse_distinct(raws, _layout(coded.dictionary), rules, secret)
    rows = np.repeat(np.arange(n, dtype=np.int32), counts)
    np.add.at(digest, rows, np.array([xxh3_64_intdigest(raw) for raw in raws], np.uint64)[codes])
    key_of = keys[codes]
    flags[rows[key_of < 0]] |= FLAG["bad_attribute"]
    order = np.argsort(key_of, kind="stable")
    ends = np.searchsorted(key_of[order], np.arange(-1, len(names)), side="right")
    columns = {}
    for key, name in enumerate(names):
        part = order[ends[key] : ends[key + 1]]
        columns[name] = _column(rows[part], locals_[codes[part]], values[key])
    return columns, flags, digest


def _column(rows: Int32, codes: Int32, values: list[Value]) -> Column:
    repeated = rows[1:] == rows[:-1]
    if repeated.any():
        last = np.append(~repeated, True)
        rows, codes = rows[last], codes[last]
    return Column(rows, codes, values)


class _Layout(NamedTuple):
    """Where key and value lie in each of the distinct KeyValue messages, for those of the usual form."""

    head: list[int]
    """Bytes up to the end of the key; 0 where the message must be read by protobuf."""
    text: list[int]
    """Where a short string begins; 0 for every other value."""
    number: list[int]
    """A small integer; -1 for every other value."""


def _layout(raws: pa.BinaryArray) -> _Layout:
    """Find keys, short strings and small integers in all messages at once.

    KeyValue is `0a len key 12 len AnyValue`, AnyValue `0a len text` or `18 varint`
    (https://protobuf.dev/programming-guides/encoding/#structure); lengths below 128 take one byte.
    """
    _, offsets, data = raws.buffers()
    ends = np.frombuffer(offsets, np.int32)[raws.offset : raws.offset + len(raws) + 1].astype(np.int64)
    start, end = ends[:-1], ends[1:]
    raw = np.concatenate((np.frombuffer(data, np.uint8), np.zeros(16, np.uint8)))
    value = start + 2 + raw[start + 1]
    usual = (raw[start] == _KEY_TAG) & (raw[start + 1] < _ONE_BYTE) & (value + 4 <= end)
    value = np.where(usual, value, start)
    size = raw[value + 1].astype(np.int64)
    usual &= (raw[value] == _VALUE_TAG) & (size < _ONE_BYTE) & (value + 2 + size == end)
    is_text = usual & (raw[value + 2] == _STRING) & (raw[value + 3] == size - 2)
    is_number = usual & (raw[value + 2] == _INT) & (size <= _MOST_VARINT_BYTES) & (raw[end - 1] < _ONE_BYTE)
    number = np.zeros(len(start), np.int64)
    for byte in range(_MOST_VARINT_BYTES - 1):
        inside = value + 3 + byte < end
        is_number &= ~(value + 4 + byte < end) | (raw[np.minimum(value + 3 + byte, len(raw) - 1)] >= _ONE_BYTE)
        number |= np.where(inside, raw[np.minimum(value + 3 + byte, len(raw) - 1)] & 0x7F, 0).astype(np.int64) << (
            7 * byte
        )
    head = np.where(is_text | is_number, value - start, 0)
    return _Layout(
        head.tolist(),
        np.where(is_text, value + 4 - start, 0).tolist(),
        np.where(is_number, number, -1).tolist(),
    )


_MOST_VARINT_BYTES = 8


def _parse_distinct(
    raws: list[bytes], layout: _Layout, rules: ContentRules, secret: bytes
) -> tuple[Int16, Int32, list[str], list[list[Value]]]:
    """For each distinct KeyValue its key and its position among that key's values; -1 for what cannot be read."""
    table = _Keys(rules)
    keys, locals_ = [-1] * len(raws), [0] * len(raws)
    find = table.by_head.get
    for i, (raw, head, text, number) in enumerate(zip(raws, *layout, strict=True)):
        known = find(raw[:head]) or table.add(raw[:head], raw)
        if known is None:
            continue
        slot, role, column = known
        value: Value = raw[text:].decode("utf-8", "replace") if text else number if number >= 0 else _slow_value(raw)
        if value is _BAD:
            continue
        if role:
            value = reduce_content(table.names[slot], as_text(value), role, rules, secret)
        keys[i], locals_[i] = slot, len(column)
        column.append(value)
    return np.array(keys, np.int16), np.array(locals_, np.int32), table.names, table.values


_Known = tuple[int, str, list[Value]]


class _Keys:
    """The keys of a batch, found by the bytes in front of their values."""

    def __init__(self, rules: ContentRules) -> None:
        self._rules = rules
        self._by_name: dict[str, _Known] = {}
        self.by_head: dict[bytes, _Known] = {}
        self.names: list[str] = []
        self.values: list[list[Value]] = []

    def add(self, head: bytes, raw: bytes) -> _Known | None:
        """The key of a message that was not found by its head; None where it has none."""
        name = head[2:].decode("utf-8", "replace") if head else _slow_key(raw)
        if not name or (name not in self._by_name and len(self.names) >= _MAX_KEYS):
            return None
        if name not in self._by_name:
            self._by_name[name] = (len(self.names), self._rules.role(name), [])
            self.names.append(name)
            self.values.append(self._by_name[name][2])
        if head:
            self.by_head[head] = self._by_name[name]
        return self._by_name[name]


_KEY_TAG, _VALUE_TAG, _ONE_BYTE, _MAX_KEYS = 0x0A, 0x12, 0x80, 32_000
_STRING, _INT = 0x0A, 0x18


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
