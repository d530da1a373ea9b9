"""What the window has let go, brought back from the store when it matters again."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spancost.attribute.index import SortedRuns, is_in, mix
from spancost.attribute.restore import COLUMNS, nanoseconds, other_traces, texts, words_of
from spancost.attribute.window import Window
from spancost.ledger.protocol import Ledger
from spancost.model import HOUR_NS, Bool, Int32, Int64, Spans, UInt64, hex_ids

_DAY_NS = 24 * HOUR_NS
_UNSETTLED_NS = 60_000_000_000
_AT_ONCE = 1_000
_MOST_IDLE_NS = 7 * _DAY_NS
_MOST_TASKS = 500_000
"""Tasks of a week may go on after a restart: an agent that waits for a person, a job that runs at night."""


class Recall:
    """Knows which traces have rows in the store that the window does not hold."""

    def __init__(self, window: Window, ledger: Ledger, memory: int = 3_000_000) -> None:
        self._window, self._ledger, self._memory = window, ledger, memory
        self._gone = SortedRuns()
        self._back: set[int] = set()
        self._before_ns = 0
        self._hours: frozenset[int] = frozenset()
        self._looked_up: set[int] = set()
        self._written: set[int] = set()
        self._tasks: set[str] = set()

    def reload(self, now_ns: int, max_age_ns: int, limit: int) -> pa.Table:
        """Fill the window after a start with what was stored in the last minute before the stop, whose traces and tasks
        may not have been settled; returns those rows. Older traces come back when a span of theirs does."""
        self._before_ns = now_ns
        self._hours = self._ledger.hours()
        self._gone.add(*_trace_keys(self._ledger.recent_tasks(now_ns - _MOST_IDLE_NS, _MOST_TASKS)))
        last = self._ledger.recent(now_ns - max_age_ns, 1, ("trace_id",))
        if not len(last):
            return last
        newest = int(nanoseconds(last["ingested_at"]).max())
        rows = self._ledger.recent(newest - _UNSETTLED_NS, limit, COLUMNS)
        self._restore(rows, now_ns, recheck=True)
        return rows

    def before(self, spans: Spans, now_ns: int) -> None:
        """Bring back the traces of these spans that have rows in the store and none in the window."""
        keys, first = np.unique(mix(spans.trace_hi, spans.trace_lo), return_index=True)
        wanted = self._left(keys) | self._from_before(spans, keys, first.astype(np.int64))
        if not wanted.any():
            return
        rows = first[wanted]
        traces = [text.decode() for text in hex_ids((spans.trace_hi[rows], spans.trace_lo[rows])).tolist()]
        start = spans.start[is_in(mix(spans.trace_hi, spans.trace_lo), keys[wanted])]
        first_ns, last_ns = self._extent(traces, int(start.min()), int(start.max()))
        self._load(traces, first_ns - _DAY_NS, last_ns + _DAY_NS, now_ns)
        self._back.update(keys[wanted].tolist())
        self._looked_up.update(keys[wanted].tolist())

    def evicted(self, keys: UInt64) -> None:
        """Note traces that left the window. At the end of the memory all are forgotten: the sweep still finds twins."""
        self._back.difference_update(keys.tolist())
        if len(self._gone) > self._memory:
            self._gone.clear()
        self._gone.add(keys, np.zeros(len(keys), np.int32))

    def wrote(self, start_hours: Iterable[int]) -> None:
        """Note hours (since the epoch) that rows were written to."""
        self._written.update(start_hours)

    def sweep(self, now_ns: int) -> int:
        """Resolve again the traces of calls that are billed twice under one response id, in the hours written to since
        the last sweep; returns how many traces that were."""
        found = 0
        for first, last in _ranges(self._written):
            begin, end = (first - 1) * HOUR_NS, (last + 2) * HOUR_NS
            traces = self._ledger.billed_twice(begin, end)
            self._load(traces, begin - _DAY_NS, end + _DAY_NS, now_ns)
            found += len(traces)
        self._written.clear()
        return found

    def _extent(self, traces: list[str], first_ns: int, last_ns: int) -> tuple[int, int]:
        """A range of time widened to that of the tasks which these traces are, as the store has them."""
        found = self._ledger.task_traces(traces)
        if not len(found):
            return first_ns, last_ns
        return (
            min(first_ns, int(nanoseconds(found["first"]).min())),
            max(last_ns, int(nanoseconds(found["last"]).max())),
        )

    def _left(self, keys: UInt64) -> Bool:
        """Which traces have left the window and not come back."""
        left = self._gone.find(keys) >= 0
        left[left] = [key not in self._back for key in keys[left].tolist()]
        return left

    def _from_before(self, spans: Spans, keys: UInt64, first: Int64) -> Bool:
        """Traces that may have rows from before the start: they begin before it, in an hour that had rows then."""
        if not self._hours:
            return np.zeros(len(keys), np.bool_)
        hours = np.array(sorted(self._hours), np.int64)
        start = spans.start[first]
        near = np.isin(start // HOUR_NS, np.concatenate((hours - 1, hours, hours + 1)))
        old = (start < self._before_ns) & near
        old[old] = [key not in self._looked_up for key in keys[old].tolist()]
        return old

    def _load(self, traces: list[str], first_ns: int, last_ns: int, now_ns: int) -> None:
        for at in range(0, len(traces), _AT_ONCE):
            rows = self._ledger.stored(traces[at : at + _AT_ONCE], first_ns, last_ns, COLUMNS)
            self._restore(rows, now_ns, recheck=True)

    def take_tasks(self) -> set[str]:
        """Tasks of the rows that were brought back since the last time: they have rows in the store."""
        tasks, self._tasks = self._tasks, set()
        return tasks

    def _restore(self, rows: pa.Table, now_ns: int, recheck: bool) -> None:
        others = other_traces(rows)
        if others:
            start = nanoseconds(rows["start_time"])
            more = self._ledger.stored(others, int(start.min()) - _DAY_NS, int(start.max()) + _DAY_NS, COLUMNS)
            rows = pa.concat_tables([rows, more.select(rows.column_names)], promote_options="permissive")
        self._tasks.update(texts(rows, "task_id"))
        self._window.restore(rows, now_ns, recheck)


def _ranges(hours: set[int]) -> list[tuple[int, int]]:
    """Runs of hours that follow each other."""
    runs: list[tuple[int, int]] = []
    for hour in sorted(hours):
        if runs and hour == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], hour)
        else:
            runs.append((hour, hour))
    return runs


def _trace_keys(tasks: pa.Table) -> tuple[UInt64, Int32]:
    """Keys of the tasks that are traces, sorted out by their form, with a slot that stands for none."""
    is_trace = pc.match_substring_regex(tasks["task_id"].cast(pa.string()), "^[0-9a-f]{32}$")
    keys = np.unique(mix(*words_of(tasks["task_id"].filter(is_trace), 2)))
    return keys, np.zeros(len(keys), np.int32)
