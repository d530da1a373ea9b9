"""What the pipeline needs of a store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import pyarrow as pa


class Ledger(Protocol):
    """The ledgers of a store. Times are nanoseconds since the epoch, ids lower-case hex; errors are `errors.*`."""

    def write_spans(self, rows: pa.Table) -> None:
        """Insert rows of `spans_ledger`; returns when they are stored."""

    def write_tasks(self, rows: pa.Table) -> None:
        """Insert rows of `tasks_ledger`; returns when they are stored."""

    def stored(self, trace_ids: Sequence[str], first_ns: int, last_ns: int, columns: Sequence[str] = ()) -> pa.Table:
        """The latest version of every row of these traces that starts in the range; all columns unless some are
        named."""

    def recent(self, since_ns: int, limit: int, columns: Sequence[str]) -> pa.Table:
        """The latest version of the rows ingested since a time, at most the newest `limit`, with `ingested_at`."""

    def hours(self) -> frozenset[int]:
        """The hours since the epoch in which rows start."""

    def recent_tasks(self, since_ns: int, limit: int) -> pa.Table:
        """`task_id` of the tasks written since a time, at most the newest `limit`; one may come more than once."""

    def task_traces(self, task_ids: Sequence[str]) -> pa.Table:
        """`task_id`, `trace_id`, `first`, `last` (times) for each trace that has rows of these tasks."""

    def billed_twice(self, first_ns: int, last_ns: int) -> list[str]:
        """Traces with calls that share provider and response id with another call that is billed, within an hour."""
