"""The small columns of every span in the window, as growing arrays. One row is a slot."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from spancost.model import Bool, Int8, Int32, Int64, UInt8, UInt64

AnyColumn: TypeAlias = np.ndarray[tuple[int, ...], np.dtype[Any]]

_COLUMNS: dict[str, tuple[type[np.generic], int]] = {
    "trace_hi": (np.uint64, 0),
    "trace_lo": (np.uint64, 0),
    "span_id": (np.uint64, 0),
    "parent_id": (np.uint64, 0),
    "start": (np.int64, 0),
    "end": (np.int64, 0),
    "content_hash": (np.uint64, 0),
    "arrival": (np.int64, 0),
    "version": (np.int64, 0),
    "response": (np.uint64, 0),
    "up": (np.int32, -1),
    "first_child": (np.int32, -1),
    "next_sibling": (np.int32, -1),
    "call_above": (np.int32, -1),
    "calls_below": (np.int32, 0),
    "calls_below_sum": (np.int64, 0),
    "input_below": (np.int64, 0),
    "output_below": (np.int64, 0),
    "input_tokens": (np.int32, -1),
    "output_tokens": (np.int32, -1),
    "twin_of": (np.int32, -1),
    "duplicate_of": (np.int32, -1),
    "resource_own": (np.int32, -1),
    "resource_out": (np.int32, -1),
    "agent_span": (np.int32, -1),
    "agent_carried": (np.int32, -1),
    "path": (np.int32, -1),
    "path_seed": (np.int32, -1),
    "task_trace": (np.int32, -1),
    "task_seed": (np.int32, -1),
    "tags_own": (np.int32, -1),
    "tags": (np.int32, -1),
    "original_seed": (np.int32, -1),
    "reason_seed": (np.int8, 0),
    "cls": (np.int8, 0),
    "detail": (np.int8, 0),
    "role": (np.int8, 0),
    "reason": (np.int8, 0),
    "cut": (np.bool_, 0),
    "pending": (np.bool_, 0),
    "changed": (np.bool_, 0),
}


class Slots:
    """Arrays by column name, grown together. Read a column anew after `allocate`: growing moves it."""

    trace_hi: UInt64
    trace_lo: UInt64
    span_id: UInt64
    parent_id: UInt64
    start: Int64
    end: Int64
    content_hash: UInt64
    arrival: Int64
    version: Int64
    """Version of the row in the store; 0 when it has none."""
    response: UInt64
    """Hash of provider and response id; 0 without one."""
    up: Int32
    """Slot of the parent; -1 for a root and for a parent that is not in the window."""
    first_child: Int32
    next_sibling: Int32
    call_above: Int32
    """Slot of the nearest model call above; of spans that are no calls too."""
    calls_below: Int32
    """How many calls have this one as the nearest above, the sum of their slots, and of their known usage."""
    calls_below_sum: Int64
    input_below: Int64
    output_below: Int64
    input_tokens: Int32
    output_tokens: Int32
    twin_of: Int32
    """Slot of the better description of the same call, by response id."""
    duplicate_of: Int32
    resource_own: Int32
    resource_out: Int32
    agent_span: Int32
    agent_carried: Int32
    path: Int32
    path_seed: Int32
    """Path that a restored row had from spans that are not in the window."""
    task_trace: Int32
    """Code of the trace whose task the span serves; -1 for its own."""
    task_seed: Int32
    """The same, as a restored row had it from spans that are not in the window."""
    tags_own: Int32
    tags: Int32
    original_seed: Int32
    reason_seed: Int8
    """Why a restored row was no call, and which call it repeats: the spans that showed it may not be stored."""
    cls: Int8
    detail: Int8
    role: Int8
    reason: Int8
    cut: Bool
    """The parent link was cut: it closed a cycle."""
    pending: Bool
    """The row waits to be written for the first time, or again because the span came again with more in it."""
    changed: Bool
    """What the row says of role or attribution changed since it was written."""

    def __init__(self) -> None:
        self.count = 0
        self._capacity = 1 << 14
        for name, (kind, _) in _COLUMNS.items():
            setattr(self, name, np.zeros(self._capacity, kind))
        self.own: dict[str, Int32] = {}
        self.out: dict[str, Int32] = {}
        self.told_by: dict[str, UInt8] = {}
        self.told_seed: dict[str, UInt8] = {}
        """Who told a restored row what it had from spans that are not in the window; 0 for what it says itself."""

    def allocate(self, n: int) -> Int32:
        """Take `n` fresh slots."""
        first, self.count = self.count, self.count + n
        if self.count > self._capacity:
            self._grow()
        for name, (_, fill) in _COLUMNS.items():
            getattr(self, name)[first : self.count] = fill
        for table, fill in ((self.own, -1), (self.out, -1), (self.told_by, 0), (self.told_seed, 0)):
            for column in table.values():
                column[first : self.count] = fill
        return np.arange(first, self.count, dtype=np.int32)

    def open_dimension(self, name: str) -> None:
        """Make room for a dimension; one that no span ever names takes none."""
        if name not in self.own:
            self.own[name], self.out[name] = (np.zeros(self._capacity, np.int32) for _ in range(2))
            self.own[name][: self.count] = self.out[name][: self.count] = -1
            self.told_by[name], self.told_seed[name] = (np.zeros(self._capacity, np.uint8) for _ in range(2))

    def keep(self, slots: Int32) -> Int32:
        """Keep only these slots, packed to the front in this order; returns old slot -> new slot, -1 for the gone."""
        moved = np.full(self.count + 1, -1, np.int32)
        moved[slots] = np.arange(len(slots), dtype=np.int32)
        for name in _COLUMNS:
            column = getattr(self, name)
            column[: len(slots)] = moved[column[slots]] if name in _POINTERS else column[slots]
        for table in (self.own, self.out, self.told_by, self.told_seed):
            for column in table.values():
                column[: len(slots)] = column[slots]
        self.count = len(slots)
        return moved

    def _grow(self) -> None:
        while self._capacity < self.count:
            self._capacity += max(self._capacity // 2, 1 << 14)
        for name in _COLUMNS:
            setattr(self, name, _extended(getattr(self, name), self._capacity))
        for table in (self.own, self.out, self.told_by, self.told_seed):
            for name, column in table.items():
                table[name] = _extended(column, self._capacity)


_POINTERS = {"up", "first_child", "next_sibling", "call_above", "twin_of", "duplicate_of", "original_seed"}


def _extended(column: AnyColumn, capacity: int) -> AnyColumn:
    # `zeros` takes no memory for what is not written yet, so that growing ahead costs nothing.
    grown = np.zeros(capacity, column.dtype)
    grown[: len(column)] = column
    return grown
