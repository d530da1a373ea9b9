"""A ledger in memory, for tests of the pipeline that need no engine."""

from collections import Counter

import pyarrow as pa
import pyarrow.compute as pc

HOUR_NS = 3_600_000_000_000
TIME = pa.timestamp("ns", "UTC")


class MemoryLedger:
    """What the pipeline writes: of every span and task the row with the highest version, as the views show it."""

    def __init__(self):
        self._spans = {}
        self._tasks = {}
        self._schema = pa.schema([])

    def write_spans(self, rows):
        self._schema = pa.unify_schemas([self._schema, rows.schema], promote_options="permissive")
        for row in rows.to_pylist():
            _replace(self._spans, (row["trace_id"], row["span_id"]), row)

    def write_tasks(self, rows):
        for row in rows.to_pylist():
            _replace(self._tasks, row["task_id"], row)

    def stored(self, trace_ids, first_ns, last_ns, columns=()):
        rows = [row for row in self._spans.values() if row["trace_id"] in set(trace_ids)]
        table = _between(self._table(rows), "start_time", first_ns, last_ns)
        return table.select([name for name in columns or table.column_names if name in table.column_names])

    def recent(self, since_ns, limit, columns):
        table = _between(self._table(self.spans()), "ingested_at", since_ns, 2**63 - 1)
        return table.slice(0, limit).select([*columns, "ingested_at"])

    def hours(self):
        start = _nanoseconds(self._table(self.spans())["start_time"])
        return frozenset(at // HOUR_NS for at in start.to_pylist())

    def recent_tasks(self, since_ns, limit):
        return pa.table({"task_id": pa.array(list(self._tasks)[:limit], pa.string())})

    def task_traces(self, task_ids):
        rows = self._table([row for row in self._spans.values() if row["task_id"] in set(task_ids)])
        found = rows.select(["task_id", "trace_id", "start_time"]).group_by(["task_id", "trace_id"])
        times = found.aggregate([("start_time", "min"), ("start_time", "max")])
        return times.rename_columns({"start_time_min": "first", "start_time_max": "last"})

    def billed_twice(self, first_ns, last_ns):
        calls = [row for row in self._spans.values() if row["billing_role"] == "call" and row["response_id"]]
        seen = Counter((row["provider"], row["response_id"]) for row in calls)
        return sorted({row["trace_id"] for row in calls if seen[row["provider"], row["response_id"]] > 1})

    def spans(self):
        """The latest row of every span, as dicts; a column that an insert left out is None."""
        return [dict.fromkeys(self._schema.names) | row for row in self._spans.values()]

    def tasks(self):
        """The latest row of every task that is one, as dicts."""
        return [row for row in self._tasks.values() if not row.get("is_deleted")]

    def _table(self, rows):
        return pa.Table.from_pylist(rows, self._schema)


def _replace(rows, key, row):
    if key not in rows or row["version"] > rows[key]["version"]:
        rows[key] = row


def _between(table, column, first_ns, last_ns):
    at = _nanoseconds(table[column])
    return table.filter(pc.and_(pc.greater_equal(at, first_ns), pc.less_equal(at, last_ns)))


def _nanoseconds(column):
    return column.cast(TIME).cast(pa.int64())
