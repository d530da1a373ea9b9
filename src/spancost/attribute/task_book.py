"""Which tasks are open, and which of them are due to be rolled up again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

RUNNING_NS = 5_000_000_000
"""A running task's row is written at most this often (design D2)."""
_COST_FACTOR = 50
"""A roll-up that takes long is repeated less often: it may take one part in so many of the time."""


@dataclass(slots=True)
class OpenTask:
    """A task with rows in the store."""

    first_ns: int
    """Earliest start among its rows."""
    last_ns: int
    """Latest start among its rows."""
    traces: tuple[str, ...]
    """Nearly always one."""
    touched_ns: int = 0
    rolled_ns: int = 0
    pause_ns: int = RUNNING_NS


class TaskBook:
    """The tasks of the window. A task that is new is rolled up from the rows that are just being written; one that has
    rows in the store already is rolled up from the store, when it is due."""

    def __init__(self) -> None:
        self._open: dict[str, OpenTask] = {}
        self._dirty: set[str] = set()

    def __len__(self) -> int:
        return len(self._open)

    def known(self, task_id: str) -> bool:
        return task_id in self._open

    def touch(self, task_id: str, trace_id: str, first_ns: int, last_ns: int, now_ns: int) -> bool:
        """Note rows of a task that are being written; returns whether the task was new."""
        task = self._open.get(task_id)
        new = task is None
        if task is None:
            task = self._open[task_id] = OpenTask(first_ns, last_ns, (trace_id,), rolled_ns=now_ns)
        task.first_ns, task.last_ns = min(task.first_ns, first_ns), max(task.last_ns, last_ns)
        if trace_id not in task.traces:
            task.traces += (trace_id,)
        task.touched_ns = now_ns
        return new

    def mark(self, task_ids: Iterable[str]) -> None:
        """Note that tasks need another roll-up."""
        self._dirty.update(task_id for task_id in task_ids if task_id in self._open)

    def due(self, now_ns: int) -> dict[str, OpenTask]:
        """Tasks to be rolled up now."""
        waiting = ((task_id, self._open[task_id]) for task_id in self._dirty)
        return {task_id: task for task_id, task in waiting if now_ns - task.rolled_ns >= task.pause_ns}

    def rolled(self, tasks: dict[str, OpenTask], now_ns: int, took_ns: int) -> None:
        """Note that tasks were rolled up at `now_ns`, all of them in `took_ns`."""
        pause = max(RUNNING_NS, took_ns * _COST_FACTOR // max(len(tasks), 1))
        self._dirty.difference_update(tasks)
        for task in tasks.values():
            task.rolled_ns, task.pause_ns = now_ns, pause

    def forget(self, older_than_ns: int) -> None:
        """Let go of tasks that were last touched before a time and wait for nothing."""
        old = [t for t, task in self._open.items() if task.touched_ns < older_than_ns and t not in self._dirty]
        for task_id in old:
            del self._open[task_id]
