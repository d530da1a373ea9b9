"""The ledgers of a store, as the pipeline reads and writes them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from spancost.store.client import Store

_SQL = Path(__file__).parent / "sql" / "ledger.sql"
_LATEST_NS = 5_662_310_399_999_999_999


class StoreLedger:
    """`ledger.protocol.Ledger` over a `Store`. The queries stand in `sql/ledger.sql`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        parts = _SQL.read_text(encoding="utf-8").split("-- name: ")[1:]
        self._queries = {name: sql for name, sql in (part.split("\n", 1) for part in parts)}

    def write_spans(self, rows: pa.Table) -> None:
        """Insert rows of `spans_ledger`; returns when they are stored."""
        self._store.insert("spans_ledger", rows)

    def write_tasks(self, rows: pa.Table) -> None:
        """Insert rows of `tasks_ledger`; returns when they are stored."""
        self._store.insert("tasks_ledger", rows)

    def stored(self, trace_ids: Sequence[str], first_ns: int, last_ns: int, columns: Sequence[str] = ()) -> pa.Table:
        """The latest version of every row of these traces that starts in the range; all columns unless named."""
        sql = self._queries["stored"].replace("{columns}", _names(columns))
        return self._store.query(sql, {**_range(first_ns, last_ns), "traces": list(trace_ids)})

    def recent(self, since_ns: int, limit: int, columns: Sequence[str]) -> pa.Table:
        """The latest version of the rows ingested since a time, at most the newest `limit`, with `ingested_at`."""
        sql = self._queries["recent"].replace("{columns}", _names(columns))
        return self._store.query(sql, {"since": since_ns, "limit": limit})

    def hours(self) -> frozenset[int]:
        """The hours since the epoch in which rows start."""
        return frozenset(self._store.query(self._queries["hours"])["hour"].to_pylist())

    def recent_tasks(self, since_ns: int, limit: int) -> pa.Table:
        """`task_id` of the tasks written since a time, at most the newest `limit`; one may come more than once."""
        return self._store.query(self._queries["recent_tasks"], {"since": since_ns, "limit": limit})

    def task_traces(self, task_ids: Sequence[str]) -> pa.Table:
        """`task_id`, `trace_id`, `first`, `last` (times) for each trace that has rows of these tasks."""
        return self._store.query(self._queries["task_traces"], {"tasks": list(task_ids)})

    def billed_twice(self, first_ns: int, last_ns: int) -> list[str]:
        """Traces with calls that share provider and response id with another call that is billed, within an hour."""
        found = self._store.query(self._queries["billed_twice"], _range(first_ns, last_ns))
        return sorted(set(found["trace_id"].to_pylist()))


def _names(columns: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in columns) if columns else "*"


def _range(first_ns: int, last_ns: int) -> dict[str, int]:
    return {"first": max(first_ns, 0), "last": min(max(last_ns, 0), _LATEST_NS)}
