"""Why a call costs what it costs: the price that was found, how, and the arithmetic, line by line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from textwrap import fill
from typing import Any

import numpy as np

from spancost.price.arithmetic import plain, quoted_usd, usd_from_pico
from spancost.price.columns import CallColumns, CostColumns, Int64s, is_input_token, total_input
from spancost.price.engine import billed, price_calls
from spancost.price.meters import meter_named
from spancost.price.pricer import Pricer
from spancost.price.resolve import FIRST_DAY, NEUTRAL, CallKey, Sheet, context_of

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Line:
    """One meter: quantity x unit price / per = amount. `priced_as` names the price row, often the meter's own.

    `unit_price` and `amount` are in USD, both None when the book has no price for the meter.
    """

    meter: str
    quantity: int
    priced_as: str
    unit_price: Decimal | None
    per: int
    amount: Decimal | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """One call's price and where it came from. `cost` is in USD, None when unknown; then `reason` says why.

    `since` is the first day of the price ('' when it is the first one known), `window` the hours of the UTC day that it
    holds for. `unused_context` is what the call says that this price does not depend on.
    """

    status: str
    reason: str
    cost: Decimal | None
    at: str
    provider: str
    model: str
    rule: str
    clause: str
    price_id: str
    book: str
    layer: str
    owner: str
    since: str
    window: str
    tier: str
    variants: tuple[str, ...]
    unused_context: tuple[str, ...]
    lines: tuple[Line, ...]
    source: str
    comment: str

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; money as decimal strings, `cost_usd` null when unknown."""
        return {
            "cost_usd": _text(self.cost),
            "status": self.status,
            "reason": self.reason,
            "price_id": self.price_id,
            "price_book": self.book,
            "layer": self.layer,
            "at": self.at,
            "provider": self.provider,
            "model": self.model,
            "rule": self.rule,
            "matched": self.clause,
            "price_of": self.owner,
            "since": self.since,
            "window": self.window,
            "tier": self.tier,
            "variants": list(self.variants),
            "unused_context": list(self.unused_context),
            "lines": [_line_json(line) for line in self.lines],
            "source": self.source,
            "comment": self.comment,
        }


def explain(pricer: Pricer, key: CallKey, at: datetime, usage: Mapping[str, int], *, failed: bool = False,
            expects_output: bool = True) -> Explanation:  # fmt: skip
    """Price one call as the pipeline would, and tell how. `usage` is by disjoint meter; a naive time counts as UTC."""
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    calls = _one_call(key, at, usage, failed, expects_output)
    cost = price_calls(pricer, calls)
    day, second = divmod((at - _EPOCH) // timedelta(seconds=1), 86_400)
    sheet = pricer.plan(key).sheet_at(day, second)
    tier = sheet.tier_of(int(total_input(calls)[0]))
    known = bool(cost.known[0])
    return Explanation(
        status=cost.statuses[cost.status[0]],
        reason=cost.reasons[cost.reason[0]],
        cost=usd_from_pico(int(cost.cost[0])) if known else None,
        at=at.isoformat().replace("+00:00", "Z"),
        provider=sheet.provider,
        model=sheet.model,
        rule=sheet.rule,
        clause=sheet.clause,
        price_id=cost.price_ids[cost.price_id[0]],
        book=pricer.book.version,
        layer=sheet.layer,
        owner=sheet.owner,
        since=(date(1970, 1, 1) + timedelta(sheet.first_day)).isoformat() if sheet.first_day > FIRST_DAY else "",
        window=sheet.window,
        tier=_why_tier(sheet, tier, int(total_input(calls)[0])),
        variants=sheet.variants,
        unused_context=_unused(key, sheet),
        lines=tuple(_line(sheet, tier, name, cost, usage, known) for name in _used(cost, usage)),
        source=sheet.source,
        comment=sheet.comment,
    )


def render_text(explanation: Explanation) -> str:
    """The explanation as plain text for a terminal."""
    e = explanation
    head = f"{e.status}: {_text(e.cost)} USD" if e.cost is not None else f"{e.status}: {e.reason}"
    facts = {
        "reason": e.reason if e.cost is not None else "",
        "provider": f"{e.provider} ({e.rule})" if e.provider else e.rule,
        "model": f"{e.model} ({e.clause})" if e.model else "",
        "price": e.price_id,
        "book": f"{e.book}, layer {e.layer}",
        "at": e.at,
        "in force": " ".join(filter(None, (e.since and f"since {e.since}", e.window and f"{e.window} UTC"))),
        "tier": e.tier,
        "variant": ", ".join(e.variants),
        "unused": ", ".join(e.unused_context),
    }
    rows = [f"  {name:<9} {value}" for name, value in facts.items() if value]
    notes = [_note(name, value) for name, value in (("source", e.source), ("note", e.comment)) if value]
    return "\n".join([head, *rows, *map(_line_text, e.lines), *notes])


def _one_call(key: CallKey, at: datetime, usage: Mapping[str, int], failed: bool, expects_output: bool) -> CallColumns:
    inputs = [count for name, count in usage.items() if is_input_token(name)]
    return CallColumns(
        key=np.zeros(1, dtype=np.int32),
        keys=[key],
        start_time=_one((at - _EPOCH) // timedelta(microseconds=1) * 1000),
        usage={name: _one(count) for name, count in usage.items()},
        input_total=_one(sum(inputs) if usage.get("input", -1) >= 0 else -1),
        output_total=_one(-1),
        failed=np.array([failed]),
        expects_output=np.array([expects_output]),
    )


def _one(value: int) -> Int64s:
    """A count beyond int64 is as absurd as the largest one that fits, and is refused with it."""
    return np.array([max(-(2**62), min(value, 2**62))], dtype=np.int64)


def _used(cost: CostColumns, usage: Mapping[str, int]) -> list[str]:
    return [*cost.by_meter, *(name for name in usage if name not in cost.by_meter)]


def _line(sheet: Sheet, tier: int, meter: str, cost: CostColumns, usage: Mapping[str, int], known: bool) -> Line:
    quantity = billed(sheet, meter, usage.get(meter, 1))  # what the call does not report is the fee of its request
    priced = sheet.price_of(meter, tier) if known else None
    per = meter_named(priced[0] if priced else meter).per
    return Line(
        meter=meter,
        quantity=quantity,
        priced_as=priced[0] if priced else "",
        unit_price=quoted_usd(priced[1], per) if priced else None,
        per=per,
        amount=usd_from_pico(int(cost.by_meter[meter][0]) if meter in cost.by_meter else 0) if priced else None,
    )


def _why_tier(sheet: Sheet, tier: int, total: int) -> str:
    if not sheet.thresholds:
        return ""
    if tier:
        return f"input of {total} tokens is above {sheet.thresholds[tier - 1]}"
    return f"input of {total} tokens is not above {sheet.thresholds[0]}"


def _unused(key: CallKey, sheet: Sheet) -> tuple[str, ...]:
    said = context_of(key) | ({"region": key.region} if key.region else {})
    plain_values = (f"{name}={value}" for name, value in said.items() if value not in NEUTRAL.get(name, ()))
    return tuple(sorted(set(plain_values) - set(sheet.variants)))


def _note(name: str, value: str) -> str:
    """A long text under its name, in lines that fit a terminal; addresses stay whole."""
    return fill(
        value, _COLUMNS, initial_indent=f"  {name:<9} ", subsequent_indent=" " * 12,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


_COLUMNS = 100


def _line_text(line: Line) -> str:
    if line.unit_price is None:
        return f"  {line.meter:<18} {line.quantity:>12,}   no price"
    fallback = "" if line.priced_as == line.meter else f"   (at the price of {line.priced_as})"
    price = f"{line.quantity:>12,} x {plain(line.unit_price)} per {line.per:,}"
    return f"  {line.meter:<18} {price} = {_text(line.amount)}{fallback}"


def _line_json(line: Line) -> dict[str, Any]:
    return {
        "meter": line.meter,
        "quantity": line.quantity,
        "unit_price_usd": _text(line.unit_price),
        "per": line.per,
        "priced_as": line.priced_as,
        "amount_usd": _text(line.amount),
    }


def _text(value: Decimal | None) -> str | None:
    return None if value is None else plain(value)
