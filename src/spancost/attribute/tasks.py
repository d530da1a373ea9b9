"""Rolling spans up to tasks: one row a task, from the rows of all its spans."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spancost.attribute.restore import words_of
from spancost.model import Bool, Int32, Int64

DIMENSION_COLUMNS = (
    "service", "environment", "team", "agent", "feature", "customer", "user", "project", "task_type", "experiment",
    "conversation_id",
)  # fmt: skip
_TOKENS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")
NEEDED = (
    "task_id", "trace_id", "span_id", "parent_span_id", "name", "start_time", "end_time", "kind", "billing_role",
    "model", "tool", "args_hash", "error", "attempts", "cost_status", "unpriced_reason", "list_cost", "cost",
    "agent_path", *_TOKENS, *DIMENSION_COLUMNS,
)  # fmt: skip
"""Columns of `spans_ledger` that a roll-up reads; one that is missing counts as unset."""


def roll_up(rows: pa.Table) -> pa.Table:
    """One row of `tasks_ledger` (without `version`) for each task id among `rows`.

    `rows` holds every span of those tasks, each once. Duplicates and aggregates cost nothing and count as nothing.
    Sums of
    tokens and money are NULL when no span has any; money is summed in 1e-12 USD integers.
    """
    spans = _Spans(rows)
    call, step = spans.role("call"), spans.role("step")
    failed = spans.filled("error") & (call | step)
    priced = spans.is_in("cost_status", ("priced", "partial", "free"))
    columns: dict[str, pa.Array] = {
        "task_id": spans.tasks,
        "name": spans.of_root("name"),
        **{name: spans.first_filled(name) for name in DIMENSION_COLUMNS},
        "start_time": spans.time("start_time", np.minimum),
        "end_time": spans.time("end_time", np.maximum),
        "traces": spans.distinct_count("trace_id"),
        "calls": spans.count(call),
        "steps": spans.count(step),
        "tool_calls": spans.count(step & spans.is_in("kind", ("tool",))),
        "agents": spans.distinct("agent", call | step),
        "models": spans.distinct("model", call),
        "tools": spans.distinct("tool", step),
        "depth": spans.depth(),
        "errors": spans.count(failed),
        "failed_calls": spans.count(failed & call),
        "loops": spans.repeats(step & spans.is_in("kind", ("tool",))),
        "retries": spans.retries(call),
        **{name: spans.total(name, call) for name in _TOKENS},
        "list_cost": spans.money("list_cost", call),
        "cost": spans.money("cost", call),
        "unpriced_calls": spans.count(call & ~priced & ~spans.is_in("unpriced_reason", ("failed_no_usage",))),
        "status": spans.status(),
    }
    return pa.table(columns)


class _Spans:
    """The spans of some tasks as NumPy columns, grouped by task."""

    def __init__(self, rows: pa.Table) -> None:
        self._rows = rows
        self._texts: dict[str, tuple[Int32, list[str]]] = {}
        self._task, self._names = self._text("task_id")
        self._n = len(self._names)
        start = self._times("start_time")
        self._inner = self._not_empty("parent_span_id")
        (span,) = words_of(rows["span_id"], 1)
        self._order: Int64 = np.lexsort((span, start, self._inner, self._task))
        self._root = self._order[np.diff(self._task[self._order], prepend=-1) != 0]

    @property
    def tasks(self) -> pa.Array:
        return pa.array(self._names, pa.string())

    def role(self, name: str) -> Bool:
        return self.is_in("billing_role", (name,))

    def is_in(self, column: str, values: tuple[str, ...]) -> Bool:
        codes, names = self._text(column)
        return np.array([name in values for name in names], np.bool_)[codes]

    def filled(self, column: str) -> Bool:
        codes, names = self._text(column)
        return np.array([bool(name) for name in names], np.bool_)[codes]

    def count(self, which: Bool) -> pa.Array:
        return pa.array(self._per_task(which), pa.uint32())

    def of_root(self, column: str) -> pa.Array:
        return self._rows[column].take(pa.array(self._root)).combine_chunks().cast(pa.string())

    def first_filled(self, column: str) -> pa.Array:
        """What the root says, else the earliest span that says anything."""
        codes, names = self._text(column)
        ordered = self._order[self.filled(column)[self._order]]
        first = np.full(self._n, len(names), np.int64)
        first[self._task[ordered[::-1]]] = codes[ordered[::-1]]
        return pa.array([*names, ""], pa.string()).take(pa.array(first))

    def time(self, column: str, better: np.ufunc) -> pa.Array:
        values = self._times(column)
        out = values[self._root].copy()
        better.at(out, self._task, values)
        return pa.array(out, pa.timestamp("ns", "UTC"))

    def total(self, column: str, which: Bool) -> pa.Array:
        values, valid = self._numbers(column)
        return self._sum(values, which & valid)

    def money(self, column: str, which: Bool) -> pa.Array:
        values = self._rows[column].combine_chunks().cast(pa.decimal128(18, 12))
        known = which & _valid(values)
        amounts = _picodollars(values)
        summed = self._sum(amounts, known)
        about = np.bincount(self._task[known], amounts[known].astype(np.float64), minlength=self._n)
        # No sum rather than one that wrapped: what `Decimal64(12)` cannot hold is a mistake in the counts.
        return pc.if_else(pa.array(np.abs(about) < _MOST_PICODOLLARS), _decimals(summed), pa.scalar(None, _MONEY))

    def distinct(self, column: str, which: Bool) -> pa.Array:
        codes, names = self._text(column)
        rank = np.argsort(np.argsort(np.array(names, dtype=np.str_))) if names else np.zeros(0, np.int64)
        keep = which & self.filled(column)
        pairs = np.unique(self._task[keep].astype(np.int64) * (len(names) + 1) + rank[codes[keep]])
        offsets = np.searchsorted(pairs // (len(names) + 1), np.arange(self._n + 1))
        values = pa.array(sorted(names), pa.string()).take(pa.array(pairs % (len(names) + 1)))
        return pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32)), values)

    def distinct_count(self, column: str) -> pa.Array:
        codes, _ = self._text(column)
        pairs = np.unique(self._task.astype(np.int64) << 32 | codes)
        return pa.array(np.bincount(pairs >> 32, minlength=self._n), pa.uint32())

    def depth(self) -> pa.Array:
        lengths = pc.fill_null(pc.list_value_length(self._rows["agent_path"].combine_chunks()), 0).to_numpy()
        out = np.zeros(self._n, np.int64)
        np.maximum.at(out, self._task, lengths)
        return pa.array(out, pa.uint16())

    def repeats(self, which: Bool) -> pa.Array:
        """Tool calls that repeat an earlier one of the task with the same arguments; NULL when no arguments are
        known."""
        values, valid = self._numbers("args_hash", np.uint64)
        known = which & valid
        tools, _ = self._text("tool")
        triples = np.stack([self._task[known].astype(np.uint64), tools[known].astype(np.uint64), values[known]], axis=1)
        distinct = np.unique(triples, axis=0)
        calls = self._per_task(known)
        again = calls - np.bincount(distinct[:, 0].astype(np.int64), minlength=self._n)
        return pa.array(again, pa.uint32(), mask=calls == 0)

    def retries(self, which: Bool) -> pa.Array:
        """Attempts beyond the first inside the calls; NULL when no call tells its attempts."""
        values, valid = self._numbers("attempts")
        return self._sum(np.maximum(values - 1, 0), which & valid).cast(pa.uint32())

    def status(self) -> pa.Array:
        """`error` or `ok` by the root; `unset` while the root has not come."""
        failed = self.filled("error")[self._root]
        return pa.array(np.select([self._inner[self._root], failed], ["unset", "error"], "ok"), pa.string())

    def _not_empty(self, column: str) -> Bool:
        lengths = pc.binary_length(self._rows[column].cast(pa.string()))
        return np.asarray(lengths.to_numpy() > 0, np.bool_)

    def _text(self, column: str) -> tuple[Int32, list[str]]:
        """A string column as codes and distinct values."""
        if column not in self._texts:
            self._texts[column] = self._coded(column)
        return self._texts[column]

    def _coded(self, column: str) -> tuple[Int32, list[str]]:
        if column not in self._rows.column_names:
            return np.zeros(len(self._rows), np.int32), [""]
        values = self._rows[column].unify_dictionaries().combine_chunks()
        if not isinstance(values, pa.DictionaryArray):
            values = values.cast(pa.string()).dictionary_encode()
        return values.indices.to_numpy().astype(np.int32), values.dictionary.to_pylist()

    def _numbers(self, column: str, kind: type[np.generic] = np.int64) -> tuple[Any, Bool]:
        if column not in self._rows.column_names:
            return np.zeros(len(self._rows), kind), np.zeros(len(self._rows), np.bool_)
        values = self._rows[column].combine_chunks()
        return np.asarray(values.fill_null(0).to_numpy(zero_copy_only=False), kind), _valid(values)

    def _times(self, column: str) -> Int64:
        return np.asarray(self._rows[column].combine_chunks().cast(pa.int64()).to_numpy(), np.int64)

    def _per_task(self, which: Bool) -> Int64:
        return np.bincount(self._task[which], minlength=self._n)

    def _sum(self, values: Int64, known: Bool) -> pa.Array:
        out = np.zeros(self._n, np.int64)
        np.add.at(out, self._task[known], values[known])
        return pa.array(out, pa.int64(), mask=self._per_task(known) == 0)


_MOST_PICODOLLARS = 9e17
_MONEY = pa.decimal128(18, 12)


def _valid(values: pa.Array) -> Bool:
    return np.asarray(values.is_valid().to_numpy(zero_copy_only=False), np.bool_)


def _picodollars(values: pa.Array) -> Int64:
    words = np.frombuffer(values.buffers()[1], np.int64)[values.offset * 2 : (values.offset + len(values)) * 2]
    return words[::2].copy()


def _decimals(sums: pa.Array) -> pa.Array:
    whole = np.asarray(sums.fill_null(0).to_numpy(zero_copy_only=False), np.int64)
    words = np.stack([whole, whole >> 63], axis=1)
    data = pa.Array.from_buffers(pa.decimal128(18, 12), len(whole), [None, pa.py_buffer(np.ascontiguousarray(words))])
    return pc.if_else(sums.is_valid(), data, pa.scalar(None, pa.decimal128(18, 12)))
