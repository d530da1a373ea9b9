"""Rows of the ledgers for tests."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LABEL = pa.dictionary(pa.int32(), pa.string())
TIME = pa.timestamp("ns", "UTC")
COST = pa.decimal128(18, 12)
_TYPES: dict[str, pa.DataType] = {
    "trace_id": pa.string(),
    "span_id": pa.string(),
    "parent_span_id": pa.string(),
    "start_time": TIME,
    "end_time": TIME,
    "booked_at": TIME,
    "told_at": TIME,
    "cost": COST,
    "list_cost": COST,
    "value": pa.decimal128(38, 6),
    "input_tokens": pa.int64(),
    "version": pa.uint64(),
    "is_deleted": pa.uint8(),
    "calls": pa.uint32(),
    "cost_by_meter": pa.map_(pa.string(), COST),
    "tags": pa.map_(pa.string(), pa.string()),
    "agent_path": pa.list_(pa.string()),
    "reported_cost": pa.decimal128(38, 6),
}


def span(number: int, role: str = "call", version: int = 1, **columns: Any) -> dict[str, Any]:
    """A row of `spans_ledger`: span `number` of a trace of its own, costing 0.5 unless it is a step."""
    row = {
        "trace_id": f"{number:032x}",
        "span_id": f"{number:016x}",
        "start_time": NOON,
        "end_time": NOON,
        "billing_role": role,
        "version": version,
        "ingested_at": NOON,
        "cost_status": "" if role == "step" else "priced",
        "cost": None if role == "step" else Decimal("0.5"),
    }
    return row | columns


def task(task_id: str, version: int = 1, **columns: Any) -> dict[str, Any]:
    """A row of `tasks_ledger`."""
    row = {"task_id": task_id, "start_time": NOON, "end_time": NOON, "version": version, "ingested_at": NOON}
    return row | {"cost": Decimal("0.5"), "calls": 1, "status": "ok"} | columns


def outcome(task_id: str, word: str, told_at: datetime, **columns: Any) -> dict[str, Any]:
    """A row of `outcomes_ledger`."""
    return {"task_id": task_id, "outcome": word, "told_at": told_at, "source": "judge", "version": 1} | columns


def table(*rows: dict[str, Any]) -> pa.Table:
    """The rows as the pipeline hands them to the store: labels dictionary-coded, money as decimals."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    return pa.table({name: _column(name, [row.get(name) for row in rows]) for name in names})


def _column(name: str, values: list[Any]) -> pa.Array:
    if name in _TYPES:
        return pa.array(values, _TYPES[name])
    if name == "ingested_at":
        return pa.array(values, TIME)
    return pa.array([value or "" for value in values], pa.string()).dictionary_encode()
