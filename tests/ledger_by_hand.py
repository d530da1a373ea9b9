"""A ledger in memory with the columns and defaults of the real tables, and a pipeline over it."""

import re
from collections import Counter
from functools import cache
from importlib.resources import files

import pyarrow as pa

from spancost.attribute.window import Window
from spancost.normalise.dialects import load_conventions
from spancost.pipeline import Pipeline
from spancost.price.book import load_book
from spancost.price.pricer import make_pricer

SECOND = 1_000_000_000
HOUR = 3600 * SECOND
NOW = 1_795_400_000 * SECOND
DECIDED_WHEN = ("version", "ingested_at")
TIME = pa.timestamp("ns", "UTC")

_TYPES = {
    "String": (pa.string(), ""),
    "DateTime64(9, 'UTC')": (TIME, 0),
    "Int64": (pa.int64(), 0),
    "UInt8": (pa.uint8(), 0),
    "UInt16": (pa.uint16(), 0),
    "UInt32": (pa.uint32(), 0),
    "UInt64": (pa.uint64(), 0),
    "Float64": (pa.float64(), 0.0),
    "Bool": (pa.bool_(), False),
    "Decimal64(12)": (pa.decimal128(18, 12), None),
    "Decimal128(6)": (pa.decimal128(38, 6), None),
}


class RecordingLedger:
    """Keeps of every span and task the row with the highest version, and notes every write."""

    def __init__(self):
        self.rows = {}
        self.task_rows = {}
        self.span_writes = []
        self.task_writes = []

    def write_spans(self, rows):
        written = _filled(rows, spans_schema())
        self.span_writes.append(written)
        for row in written:
            _replace(self.rows, (row["trace_id"], row["span_id"]), row)

    def write_tasks(self, rows):
        written = _filled(rows, tasks_schema())
        self.task_writes.append(written)
        for row in written:
            _replace(self.task_rows, row["task_id"], row)

    def stored(self, trace_ids, first_ns, last_ns, columns=()):
        wanted = set(trace_ids)
        found = [r for r in self.rows.values() if r["trace_id"] in wanted and first_ns <= r["start_time"] <= last_ns]
        return _table(found, spans_schema(), columns)

    def recent(self, since_ns, limit, columns):
        newest = sorted(self.rows.values(), key=lambda row: -row["ingested_at"])
        found = [row for row in newest[:limit] if row["ingested_at"] >= since_ns]
        return _table(found, spans_schema(), [*columns, "ingested_at"])

    def hours(self):
        return frozenset(row["start_time"] // HOUR for row in self.rows.values())

    def recent_tasks(self, since_ns, limit):
        newest = sorted(self.task_rows.values(), key=lambda row: -row["ingested_at"])
        found = [row["task_id"] for row in newest[:limit] if row["ingested_at"] >= since_ns and not row["is_deleted"]]
        return pa.table({"task_id": pa.array(found, pa.string())})

    def task_traces(self, task_ids):
        wanted, found = set(task_ids), {}
        for row in self.rows.values():
            if row["task_id"] in wanted:
                found.setdefault((row["task_id"], row["trace_id"]), []).append(row["start_time"])
        columns = {
            "task_id": pa.array([task for task, _ in found], pa.string()),
            "trace_id": pa.array([trace for _, trace in found], pa.string()),
            "first": pa.array([min(starts) for starts in found.values()], TIME),
            "last": pa.array([max(starts) for starts in found.values()], TIME),
        }
        return pa.table(columns)

    def billed_twice(self, first_ns, last_ns):
        calls = [
            row
            for row in self.rows.values()
            if row["billing_role"] == "call" and row["response_id"] and first_ns <= row["start_time"] <= last_ns
        ]
        seen = Counter((row["provider"], row["response_id"]) for row in calls)
        return sorted({row["trace_id"] for row in calls if seen[row["provider"], row["response_id"]] > 1})

    def span(self, number, trace=1):
        """The row of a span by the numbers that `otlp_by_hand.span` takes."""
        return self.rows[f"{trace:032x}", f"{number:016x}"]

    def task(self, trace=1):
        """The row of the task that a trace is, by its number."""
        return self.task_rows[f"{trace:032x}"]

    def said(self):
        """Rows of spans and of tasks that are not deleted, without when they were decided."""
        spans = {key: _without(row, DECIDED_WHEN) for key, row in self.rows.items()}
        tasks = {key: _without(row, DECIDED_WHEN) for key, row in self.task_rows.items() if not row["is_deleted"]}
        return spans, tasks


def differences(one, other):
    """Where two answers of `RecordingLedger.said` differ, a line each."""
    lines = []
    for left, right in zip(one, other, strict=True):
        lines += [f"only in one: {key}" for key in left.keys() ^ right.keys()]
        lines += [
            f"{key} {name}: {left[key][name]!r}, {right[key][name]!r}"
            for key in left.keys() & right.keys()
            for name in left[key]
            if left[key][name] != right[key][name]
        ]
    return lines


def pipeline_over(ledger, *, max_spans=1_000_000, max_age=900, pricer=None, conventions=None, settle_ns=SECOND):
    """A pipeline with the shipped conventions and prices."""
    rules = conventions or shipped_conventions()
    window = Window(max_spans, max_age * SECOND, {dialect.name: dialect.detail for dialect in rules.dialects})
    return Pipeline(rules, pricer or shipped_pricer(), window, ledger, b"key" * 8, settle_ns)


def rows_of(*requests, **options):
    """The ledger after a pipeline took the requests in at once and wrote everything."""
    ledger = RecordingLedger()
    finish(_taken(pipeline_over(ledger, **options), requests), NOW)
    return ledger


def finish(pipeline, now):
    """Write everything, look for what the window could not see together, and write what that changed."""
    for round_ in range(2):
        pipeline.flush(now + round_ * SECOND, everything=True)
        pipeline.sweep(now + round_ * SECOND)
    pipeline.flush(now + 2 * SECOND, everything=True)


@cache
def shipped_conventions():
    return load_conventions()


@cache
def shipped_pricer():
    return make_pricer(load_book())


@cache
def spans_schema():
    return _schema("spans_ledger")


@cache
def tasks_schema():
    return _schema("tasks_ledger")


def _taken(pipeline, requests):
    pipeline.take(requests, 1, NOW)
    return pipeline


def _schema(table):
    """(arrow type, default) by column, read from the table's own definition."""
    sql = files("spancost.store").joinpath("sql/schema.sql").read_text()
    body = re.search(rf"CREATE TABLE {table}\n\((.*?)\n\)", sql, re.DOTALL)[1]
    columns = re.findall(r"^    `?(\w+)`? (.+?) (?:CODEC|DEFAULT|COMMENT)", body, re.MULTILINE)
    return {name: _column(kind) for name, kind in columns if name != "INDEX"}


def _column(kind):
    plain = kind.replace("LowCardinality(String)", "String")
    if inner := re.fullmatch(r"Nullable\((.*)\)", plain):
        return _TYPES[inner[1]][0], None
    if inner := re.fullmatch(r"Array\((.*)\)", plain):
        return pa.list_(_TYPES[inner[1]][0]), []
    if inner := re.fullmatch(r"Map\(String, (.*)\)", plain):
        return pa.map_(pa.string(), _TYPES[inner[1]][0]), []
    return _TYPES[plain]


def _filled(rows, schema):
    """The rows as dicts with every column of the table; one that the table does not have is an error."""
    assert set(rows.column_names) <= set(schema), set(rows.column_names) - set(schema)
    defaults = {name: default for name, (_, default) in schema.items()}
    columns = {name: _plain(rows[name]) for name in rows.column_names}
    columns = {name: [defaults[name] if v is None else v for v in values] for name, values in columns.items()}
    return [defaults | dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _plain(column):
    if pa.types.is_timestamp(column.type):
        return column.cast(TIME).cast(pa.int64()).to_pylist()
    return column.to_pylist()


def _table(rows, schema, columns):
    names = list(columns) or list(schema)
    return pa.table({name: pa.array([row[name] for row in rows], schema[name][0]) for name in names})


def _replace(rows, key, row):
    if key not in rows or row["version"] >= rows[key]["version"]:
        rows[key] = row


def _without(row, names):
    return {name: value for name, value in row.items() if name not in names}
