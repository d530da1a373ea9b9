"""Keeping `tasks_ledger` true to `spans_ledger`."""

from __future__ import annotations

from collections import defaultdict
from time import perf_counter_ns

import pyarrow as pa
import pyarrow.compute as pc

from spancost.attribute.restore import nanoseconds, texts
from spancost.attribute.task_book import RUNNING_NS, OpenTask, TaskBook
from spancost.attribute.tasks import NEEDED, roll_up
from spancost.ledger.protocol import Ledger
from spancost.ledger.rows import stamp

_AT_ONCE = 2_000


class TaskRows:
    """Rolls tasks up as their spans are written."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._book = TaskBook()
        self._in_store: set[str] = set()

    def __len__(self) -> int:
        return len(self._book)

    def after(self, rows: pa.Table, version: int, now_ns: int) -> int:
        """Roll up the tasks of rows that were written for the first time. A task that has no other rows is rolled up
        from these at once; the others are when they are due."""
        new = self._touch(rows, now_ns)
        if not new:
            return 0
        mine = rows.select([name for name in NEEDED if name in rows.column_names])
        if len(new) < len(pc.unique(rows["task_id"])):
            mine = mine.filter(pc.is_in(rows["task_id"], pa.array(sorted(new))))
        return self._write(roll_up(mine), version, now_ns)

    def touched(self, rows: pa.Table, left: list[str], now_ns: int) -> None:
        """Note rows that were written again, and the tasks that some of them left."""
        self._book.mark(self._touch(rows, now_ns))
        self._book.mark([*left, *texts(rows, "task_id")])

    def roll_up_due(self, version: int, now_ns: int, everything: bool) -> int:
        """Roll up from the store the tasks that are due."""
        due = self._book.due(now_ns + RUNNING_NS * 1000 if everything else now_ns)
        written = 0
        names = sorted(due)
        for at in range(0, len(names), _AT_ONCE):
            some = {name: due[name] for name in names[at : at + _AT_ONCE]}
            began = perf_counter_ns()
            written += self._roll_up_stored(some, version, now_ns)
            self._book.rolled(some, now_ns, perf_counter_ns() - began)
        return written

    def expect(self, tasks: set[str]) -> None:
        """Note tasks that have rows in the store, though none of them was written since the start, or lately."""
        self._in_store |= tasks

    def forget(self, older_than_ns: int) -> None:
        """Let go of tasks whose traces have left the window; should one come back, its traces come back with it."""
        self._book.forget(older_than_ns)

    def _touch(self, rows: pa.Table, now_ns: int) -> set[str]:
        """Note the tasks of some rows; returns those that have no other rows in the store."""
        spans = _extents(rows)
        unknown = {(task, trace) for task, trace in spans if not self._book.known(task)}
        self._recall({task for task, trace in unknown if task != trace or task in self._in_store}, now_ns)
        new: set[str] = set()
        for (task, trace), (first, last) in spans.items():
            if self._book.touch(task, trace, first, last, now_ns):
                new.add(task)
            elif task not in new:
                self._book.mark([task])
        return new

    def _recall(self, tasks: set[str], now_ns: int) -> None:
        """Tasks that may have rows in the store: their traces and times come from there."""
        if tasks:
            found = self._ledger.task_traces(sorted(tasks))
            self._in_store -= tasks
            first, last = nanoseconds(found["first"]).tolist(), nanoseconds(found["last"]).tolist()
            for task, trace, begin, end in zip(
                texts(found, "task_id"), texts(found, "trace_id"), first, last, strict=True
            ):
                self._book.touch(task, trace, begin, end, now_ns)

    def _roll_up_stored(self, tasks: dict[str, OpenTask], version: int, now_ns: int) -> int:
        traces: dict[str, set[str]] = defaultdict(set)
        for name, task in tasks.items():
            for trace in task.traces:
                traces[trace].add(name)
        first, last = min(t.first_ns for t in tasks.values()), max(t.last_ns for t in tasks.values())
        rows = self._ledger.stored(sorted(traces), first, last, NEEDED)
        mine = pa.array([task in tasks for task in texts(rows, "task_id")], pa.bool_())
        rolled = roll_up(rows.filter(mine))
        return self._write(rolled, version, now_ns) + self._bury(
            set(tasks) - set(texts(rolled, "task_id")), version, now_ns
        )

    def _bury(self, empty: set[str], version: int, now_ns: int) -> int:
        """A task that lost all its spans to another one is no task."""
        names = pa.table({"task_id": pa.array(sorted(empty), pa.string())})
        deleted = names.append_column("is_deleted", pa.array([1] * len(names), pa.uint8()))
        return self._write(deleted, version, now_ns)

    def _write(self, tasks: pa.Table, version: int, now_ns: int) -> int:
        for name, column in stamp(len(tasks), version, now_ns).items():
            tasks = tasks.append_column(name, column)
        if len(tasks):
            self._ledger.write_tasks(tasks)
        return len(tasks)


def _extents(rows: pa.Table) -> dict[tuple[str, str], tuple[int, int]]:
    """(task, trace) -> earliest and latest start, of some rows."""
    times = rows.select(["task_id", "trace_id"]).append_column("start", rows["start_time"].cast(pa.int64()))
    found = times.group_by(["task_id", "trace_id"], use_threads=False).aggregate([("start", "min"), ("start", "max")])
    columns = (found[name].to_pylist() for name in ("task_id", "trace_id", "start_min", "start_max"))
    return {(task, trace): (first, last) for task, trace, first, last in zip(*columns, strict=True)}
