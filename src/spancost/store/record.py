"""Rows that people and programs tell: outcomes of tasks, and revenue."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import pyarrow as pa

from spancost.errors import PermanentError
from spancost.store.client import Store

OUTCOMES = ("success", "failure", "unknown")
_MONEY = pa.decimal128(38, 6)
_TIME = pa.timestamp("ns", "UTC")


def record(store: Store, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep rows for the table `outcomes` or `revenue`; a row with the identity of an older one replaces it.

    - outcomes: `task_id` or `trace_id`, `outcome` (success, failure, unknown), `told_at`, optionally `value`, `source`;
    - revenue: `revenue_id`, `customer`, `earned_at`, `amount`, optionally `feature`, `project`, `task_id`, `source`.

    Times are ISO 8601 with a zone, money is a decimal string in USD. Raises PermanentError that names the field, before
    anything is written.
    """
    columns = _TABLES.get(table)
    if columns is None:
        raise PermanentError(f"no rows can be recorded for `{table}`; tables are {', '.join(_TABLES)}")
    values = {name: [_value(rows[i], i, name, column) for i in range(len(rows))] for name, column in columns.items()}
    for i, row in enumerate(rows):
        if unknown := sorted(set(row) - set(columns)):
            raise PermanentError(
                f"row {i + 1}: `{unknown[0]}` is no column of {table}; columns are {', '.join(columns)}"
            )
    if rows:
        kinds = {name: column[0] for name, column in columns.items()}
        store.insert(f"{table}_ledger", pa.table({n: pa.array(v, kinds[n]) for n, v in values.items()}))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("wants a text")
    return value


def _outcome(value: Any) -> str:
    if value not in OUTCOMES:
        raise ValueError(f"wants one of {', '.join(OUTCOMES)}")
    return str(value)


def _time(value: Any) -> datetime:
    at = value if isinstance(value, datetime) else datetime.fromisoformat(_text(value))
    if at.tzinfo is None:
        raise ValueError("wants a time zone, such as 2026-11-01T12:00:00Z")
    return at


def _money(value: Any) -> Decimal:
    if isinstance(value, float | bool):
        raise ValueError("wants a decimal in quotes, so that no digit is lost")
    try:
        amount = Decimal(value)
    except (InvalidOperation, TypeError) as error:
        raise ValueError("wants a decimal amount in USD") from error
    if not amount.is_finite():
        raise ValueError("wants a finite amount")
    return amount.quantize(Decimal("0.000001"))


_Column = tuple[pa.DataType, Callable[[Any], Any], object]
_REQUIRED = object()
_TABLES: Mapping[str, Mapping[str, _Column]] = {
    "outcomes": {
        "task_id": (pa.string(), _text, ""),
        "trace_id": (pa.string(), _text, ""),
        "outcome": (pa.string(), _outcome, _REQUIRED),
        "value": (_MONEY, _money, None),
        "source": (pa.string(), _text, "api"),
        "told_at": (_TIME, _time, _REQUIRED),
    },
    "revenue": {
        "revenue_id": (pa.string(), _text, _REQUIRED),
        "customer": (pa.string(), _text, _REQUIRED),
        "earned_at": (_TIME, _time, _REQUIRED),
        "amount": (_MONEY, _money, _REQUIRED),
        "feature": (pa.string(), _text, ""),
        "project": (pa.string(), _text, ""),
        "task_id": (pa.string(), _text, ""),
        "source": (pa.string(), _text, "api"),
    },
}


def _value(row: Mapping[str, Any], at: int, name: str, column: _Column) -> Any:
    _, read, default = column
    if row.get(name) is None:
        if default is _REQUIRED:
            raise PermanentError(f"row {at + 1}: `{name}` is missing")
        return default
    try:
        return read(row[name])
    except ValueError as error:
        raise PermanentError(f"row {at + 1}: `{name}` {error}") from error
