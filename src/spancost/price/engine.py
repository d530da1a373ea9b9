"""Price a whole batch of calls: NumPy, exact integers, no Python object per call.

Money is int64 femto-USD as long as that is exact and fits, and fractions for the few rows where it is not or does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from spancost.price.arithmetic import FEMTO_PER_PICO, PICO_LIMIT, total_and_parts
from spancost.price.choose import Chosen, choose
from spancost.price.columns import (
    STATUSES,
    UNPRICED,
    Bools,
    CallColumns,
    CostColumns,
    Int64s,
    bad_usage,
    without_usage,
)
from spancost.price.judge import Evidence, judge
from spancost.price.meters import in_meter_order
from spancost.price.pricer import Pricer
from spancost.price.resolve import Sheet

_INT64_MAX = 2**63 - 1


class _Prices(NamedTuple):
    """Per tier of the batch and meter: femto-USD a unit, -1 where there is none. Tiers not `exact` go by hand."""

    unit: Int64s
    exact: Bools


def price_calls(pricer: Pricer, calls: CallColumns) -> CostColumns:
    """The cost of every call. Pure but for the pricer's memory; never raises for what a call may say about itself."""
    bad = bad_usage(calls)
    chosen = choose(pricer, calls)
    usage = _billable(calls, chosen, bad)
    prices = _unit_prices(pricer, chosen, tuple(usage))
    total, parts, out_of_range = _amounts(usage, chosen, prices)
    verdict = judge(calls, chosen, Evidence(usage, prices.unit < 0, bad, out_of_range))
    known = verdict.status != UNPRICED
    list_cost = np.where(known, total, 0)
    return CostColumns(
        list_cost=list_cost,
        cost=list_cost,
        known=known,
        by_meter={meter: np.where(known, part, 0) for meter, part in parts.items()},
        status=verdict.status,
        statuses=STATUSES,
        reason=verdict.reason,
        reasons=verdict.reasons,
        price_id=np.where(known, chosen.tier + 1, 0).astype(np.int32),
        price_ids=("", *(sheet.tier_id(tier) for sheet, tier in chosen.tiers)),
    )


def amount_of(sheet: Sheet, tier: int, meter: str, quantity: int) -> Fraction | None:
    """What a quantity costs in femto-USD, exactly; None when the sheet has no price for the meter."""
    priced = sheet.price_of(meter, tier)
    return None if priced is None else priced[1] * billed(sheet, meter, quantity)


def billed(sheet: Sheet, meter: str, quantity: int) -> int:
    """The quantity that is charged: some providers bill a least amount once anything was used."""
    return max(quantity, sheet.minimums.get(meter, 0)) if quantity else 0


def _billable(calls: CallColumns, chosen: Chosen, bad: Bools) -> dict[str, Int64s]:
    """The quantities to price, of meters anybody used: unknown as 0, a bad row as nothing, a request's fee as 1."""
    used = {name for name, counts in calls.usage.items() if counts.max(initial=0) > 0}
    usage = {name: np.where(bad, 0, np.maximum(calls.usage[name], 0)) for name in in_meter_order(used)}
    charged = [sheet.price_of("request", 0) is not None for sheet in chosen.sheets]
    if "request" not in usage and any(charged):
        usage["request"] = np.where(chosen.of_sheets(charged) & ~bad & ~without_usage(calls), 1, 0)
    return usage


def _unit_prices(pricer: Pricer, chosen: Chosen, meters: tuple[str, ...]) -> _Prices:
    rates = [pricer.rates(sheet, meters) for sheet in chosen.sheets]
    units = [row for rate in rates for row in rate.units]
    exact = [rate.is_exact for rate in rates for _ in rate.units]
    unit = np.array(units, dtype=np.int64).reshape(len(units), len(meters))
    return _Prices(unit, np.array(exact, dtype=np.bool_))


def _amounts(usage: Mapping[str, Int64s], chosen: Chosen, prices: _Prices) -> tuple[Int64s, dict[str, Int64s], Bools]:
    """Totals and parts in pico-USD, and where the total is beyond what can be stored."""
    by_hand = _by_hand(usage, chosen, prices)
    rows = np.flatnonzero(by_hand)
    femto = {}
    for m, (name, quantity) in enumerate(usage.items()):
        safe = np.where(by_hand, 0, quantity) if rows.size else quantity
        femto[name] = np.maximum(prices.unit[:, m], 0)[chosen.tier] * safe
    total, parts = _rounded(femto, len(by_hand))
    out_of_range = np.zeros(len(by_hand), dtype=np.bool_)
    for i in rows:
        out_of_range[i] = not _price_by_hand(int(i), usage, chosen, total, parts)
    return total, parts, out_of_range


def _by_hand(usage: Mapping[str, Int64s], chosen: Chosen, prices: _Prices) -> Bools:
    """Rows that int64 does not do: inexact prices, least quantities, and sums that might not fit."""
    by_hand: Bools = ~prices.exact[chosen.tier]
    highest = [(int(q.max(initial=0)), int(prices.unit[:, m].max(initial=0))) for m, q in enumerate(usage.values())]
    if sum(quantity * price for quantity, price in highest) <= _INT64_MAX:
        return by_hand
    room = _INT64_MAX // len(usage)
    for m, quantity in enumerate(usage.values()):
        by_hand = by_hand | (quantity > (room // np.maximum(prices.unit[:, m], 1))[chosen.tier])
    return by_hand


def _rounded(femto: Mapping[str, Int64s], n: int) -> tuple[Int64s, dict[str, Int64s]]:
    """The vector twin of `arithmetic.total_and_parts`: the same rule, the same order of meters."""
    whole = sum(femto.values(), np.zeros(n, dtype=np.int64))
    total, rest = np.divmod(whole, FEMTO_PER_PICO)
    if not rest.any() and not any((amount % FEMTO_PER_PICO).any() for amount in femto.values()):
        return total, {name: amount // FEMTO_PER_PICO for name, amount in femto.items()}
    total += (rest > FEMTO_PER_PICO // 2) | ((rest == FEMTO_PER_PICO // 2) & (total % 2 == 1))
    parts = {name: amount // FEMTO_PER_PICO for name, amount in femto.items()}
    left = total - sum(parts.values(), np.zeros(n, dtype=np.int64))
    uneven = np.flatnonzero(left)
    if uneven.size:
        remainders = np.stack([amount[uneven] % FEMTO_PER_PICO for amount in femto.values()])
        place = np.argsort(np.argsort(-remainders, axis=0, kind="stable"), axis=0)
        for part, rank in zip(parts.values(), place, strict=True):
            part[uneven] += rank < left[uneven]
    return total, parts


def _price_by_hand(i: int, usage: Mapping[str, Int64s], chosen: Chosen, total: Int64s,
                   parts: dict[str, Int64s]) -> bool:  # fmt: skip
    """One row in exact fractions, written into the columns. False when the cost is beyond what can be stored."""
    sheet, tier = chosen.tiers[chosen.tier[i]]
    amounts = [amount_of(sheet, tier, name, int(counts[i])) or Fraction(0) for name, counts in usage.items()]
    whole, cut = total_and_parts(amounts)
    if whole >= PICO_LIMIT:
        return False
    total[i] = whole
    for part, value in zip(parts.values(), cut, strict=True):
        part[i] = value
    return True
