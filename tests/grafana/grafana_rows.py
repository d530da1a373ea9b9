"""Calls and adjustments for the dashboards: rows of the ledgers, and the same rows for plain Python sums."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pyarrow as pa
from grafana_macros import TimeRange

SINCE, UNTIL = datetime(2026, 3, 8, tzinfo=UTC), datetime(2026, 3, 15, 10, tzinfo=UTC)
RANGE = TimeRange(SINCE, UNTIL)
SHIFT = timedelta(days=8)
"""RANGE touches eight days, so the last period is eight days earlier."""
FIRST = datetime(2026, 2, 20, 1, tzinfo=UTC)
"""The first call: well before the last period begins."""

_TEAMS = ("alpha", "beta", "", "o'brien, (x)", "beta", "alpha", 'gäm"ma')
_AGENTS = (*(f"agent-{n}" for n in range(9)), "")
_MODELS = ("gpt-4o-2024-08-06", "claude-sonnet-4-5-20250929", "gemini-2.5-flash", "acme-70b", "")
_PROVIDERS = ("openai", "anthropic", "gcp.gemini", "openai", "")
_STATUSES = {
    1: ("unpriced", "unknown_model"),
    2: ("partial", "meter_unpriced:audio_input"),
    3: ("unpriced", "failed_no_usage"),
}
_TIME, _COST = pa.timestamp("ns", "UTC"), pa.decimal128(18, 12)


@dataclass(frozen=True, slots=True)
class Amount:
    """A call, or an adjustment when `task_id` is empty."""

    id: str
    start_time: datetime
    cost: Decimal | None
    cost_status: str
    unpriced_reason: str
    environment: str
    provider: str
    model: str
    request_model: str
    team: str
    agent: str
    task_id: str
    input_tokens: int | None

    @property
    def is_call(self) -> bool:
        """Whether it is a call."""
        return self.task_id != ""

    @property
    def is_unpriced(self) -> bool:
        """Whether a price is missing for something that was consumed."""
        return self.cost_status in ("unpriced", "partial") and self.unpriced_reason != "failed_no_usage"


def _call(n: int) -> Amount:
    status, reason = _STATUSES.get(n % 11, ("priced", ""))
    return Amount(
        id=f"{n:016x}",
        start_time=FIRST + timedelta(minutes=97 * n, microseconds=n),
        cost=None if status == "unpriced" else Decimal(1 + n * n % 97) / 1000 + Decimal(n).scaleb(-12),
        cost_status=status,
        unpriced_reason=reason,
        environment=("production", "staging", "")[n % 5 % 3],
        provider=_PROVIDERS[n % 5],
        model=_MODELS[n % 5],
        request_model="" if n % 2 else "asked-for",
        team=_TEAMS[n % 7],
        agent=_AGENTS[n * n % 23 % 10],
        task_id=f"task-{n // 3}",
        input_tokens=None if status == "unpriced" and n % 2 else 100 + n,
    )


def _adjustment(n: int, at: datetime, cost: str, team: str) -> Amount:
    return Amount(f"adjustment-{n}", at, Decimal(cost), "", "", "", "openai", "", "", team, "", "", None)


CALLS = [_call(n) for n in range(360)]
ADJUSTMENTS = [
    _adjustment(1, SINCE + timedelta(days=1), "1.5", "alpha"),
    _adjustment(2, SINCE + timedelta(days=2), "-0.25", ""),
    _adjustment(3, SINCE - timedelta(days=3), "2", "beta"),
]
BILL = CALLS + ADJUSTMENTS
"""What spancost.spend lists."""


def between(since: datetime, until: datetime, amounts: Iterable[Amount] = ()) -> list[Amount]:
    """The amounts (of the bill, unless others are given) of a time range, both ends included."""
    return [amount for amount in amounts or BILL if since <= amount.start_time <= until]


def total(amounts: Iterable[Amount]) -> Decimal | None:
    """The sum of the known costs, None when none is known."""
    known = [amount.cost for amount in amounts if amount.cost is not None]
    return sum(known, Decimal(0)) if known else None


def by(key: Callable[[Amount], str], amounts: Iterable[Amount]) -> dict[str, list[Amount]]:
    """The amounts by what `key` says, '(not set)' where it says nothing."""
    groups: dict[str, list[Amount]] = {}
    for amount in amounts:
        groups.setdefault(key(amount) or "(not set)", []).append(amount)
    return groups


def spans_ledger() -> pa.Table:
    """The calls, an older version of each at another price, and a duplicate of each that costs nothing of its own."""
    rows = []
    for call in CALLS:
        row = {name: value for name, value in asdict(call).items() if name != "id"}
        row |= {"trace_id": call.id * 2, "span_id": call.id, "end_time": call.start_time, "ingested_at": UNTIL}
        rows += [
            row | {"billing_role": "call", "version": 2},
            row | {"billing_role": "call", "version": 1, "cost": Decimal(9), "team": "before"},
            row | {"billing_role": "duplicate", "version": 2, "span_id": call.id[::-1][:15] + "d", "cost": None},
        ]
    return _table(rows)


def adjustments_ledger() -> pa.Table:
    """The adjustments."""
    columns = ("cost", "provider", "model", "team", "agent", "environment")
    return _table(
        [
            {name: getattr(row, name) for name in columns}
            | {"adjustment_id": row.id, "booked_at": row.start_time, "kind": "commitment", "version": 1}
            for row in ADJUSTMENTS
        ]
    )


def _table(rows: list[dict[str, object]]) -> pa.Table:
    types = {"cost": _COST, "input_tokens": pa.int64(), "version": pa.uint64()}
    types |= dict.fromkeys(("start_time", "end_time", "ingested_at", "booked_at"), _TIME)
    return pa.table({name: pa.array([row[name] for row in rows], types.get(name, pa.string())) for name in rows[0]})
