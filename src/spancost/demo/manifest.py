"""The manifest, and the rows that are no spans: what customers pay, and what became of their tasks."""

from __future__ import annotations

from datetime import UTC, datetime, time
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

import numpy as np

from spancost.demo.columns import NO_OUTCOME, SUCCESS, Block
from spancost.demo.company import CUSTOMERS, LOSING_CUSTOMER
from spancost.demo.incidents import KINDS, Kind
from spancost.demo.ledger import Incident, Ledger, Sum
from spancost.demo.plan import Plan
from spancost.demo.prices import METERS, PRICES, exact

Row = dict[str, Any]

SOURCE = "demo"
"""Who told revenue and outcomes, as their tables say it."""


def make_manifest(plan: Plan, ledger: Ledger) -> Row:
    """Everything that was planted and what it must add up to, ready for JSON; dollars are exact decimal strings."""
    return {
        "seed": plan.seed,
        "until": plan.until.astimezone(UTC).isoformat(),
        "days": len(plan.days),
        "first_day": str(plan.days[0].date),
        "prices_usd_per_million_tokens": {
            model: dict(zip(METERS, map(exact, rates), strict=True)) for model, rates in PRICES.items()
        },
        "totals": {**_sum(ledger.total()), "spans": ledger.spans, "tasks": ledger.tasks, "outcomes": ledger.outcomes},
        **{f"by_{name}": _sums(ledger.by(name)) for name in ("team", "agent", "feature", "environment", "day")},
        "by_model": _sums(ledger.by_model()),
        "by_customer": _sums(ledger.by("customer")),
        "incidents": [_incident(plan, ledger, kind) for kind in KINDS],
    }


def _sums(sums: dict[str, Sum]) -> Row:
    return {name: _sum(found) for name, found in sums.items()}


def _sum(found: Sum) -> Row:
    return {
        "calls": found.calls,
        "cost": exact(found.cost),
        "unpriced_calls": found.unpriced,
        "unpriced_by_reason": {
            "failed_no_usage": found.failed,
            "no_usage": found.no_usage,
            "unknown_model": found.unknown_model,
        },
        "tokens": dict(zip(METERS, found.tokens, strict=True)),
    }


def _incident(plan: Plan, ledger: Ledger, kind: Kind) -> Row:
    incident = ledger.incidents[kind.name]
    entry = {
        "kind": kind.name,
        "days": [str(plan.days[day].date) for day in sorted(incident.days)],
        "team": kind.team,
        "agent": kind.agent,
        "feature": kind.feature,
        "customer": "" if kind.customer is None else CUSTOMERS[kind.customer],
        **_sum(incident.sum),
        "excess_is": kind.what,
        "excess_cost": exact(incident.excess_cost),
        "traces": incident.traces,
        "trace_ids": incident.trace_ids,
    }
    return entry if kind.customer is None else entry | _margin(ledger, kind.customer, incident)


def _margin(ledger: Ledger, customer: int, incident: Incident) -> Row:
    revenue = _revenue(customer, ledger.by("customer")[CUSTOMERS[customer]].cost)
    return {"revenue": exact(revenue), "margin": exact(revenue - incident.sum.cost)}


def revenue_rows(plan: Plan, ledger: Ledger) -> list[Row]:
    """What every customer pays, booked in equal parts on every day: more than it costs, but for one customer."""
    costs, days = ledger.by("customer"), len(plan.days)
    rows = []
    for position, name in enumerate(CUSTOMERS):
        cents = int(_revenue(position, costs[name].cost) * 100)
        for day in plan.days:
            part = cents * (day.index + 1) // days - cents * day.index // days
            rows.append(
                {
                    "revenue_id": f"demo-{plan.seed}-{plan.until_ns}-{name}-{day.date}",
                    "customer": name,
                    "earned_at": datetime.combine(day.date, time.min, UTC),
                    "amount": Decimal(part) / 100,
                    "source": SOURCE,
                }
            )
    return rows


def _revenue(customer: int, spent: Decimal) -> Decimal:
    """In whole cents: 2.5 to 6 times the cost, or a third of it."""
    if customer == LOSING_CUSTOMER:
        return (spent * Decimal("0.33")).quantize(_CENT, ROUND_FLOOR)
    factor = Decimal(250 + customer * 37 % 350) / 100
    return (spent * factor).quantize(_CENT, ROUND_CEILING) + _CENT


_CENT = Decimal("0.01")


def outcome_rows(block: Block) -> list[Row]:
    """What became of each task of a day, where it was told; a task id is a trace id."""
    outcome = block.story.runs.outcome
    told = np.flatnonzero(outcome != NO_OUTCOME)
    return [
        {
            "task_id": block.ids.traces[trace].tobytes().hex(),
            "outcome": "success" if outcome[trace] == SUCCESS else "failure",
            "source": SOURCE,
            "told_at": datetime.fromtimestamp(int(block.ends.runs[trace]) // 10**9, UTC),
        }
        for trace in told.tolist()
    ]
