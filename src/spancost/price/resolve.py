"""From what a call says about itself to the price sheets that apply to it, at every date and hour. Pure.

`plan` does the search once for a key; what is left for a single call is to look up its time and the size of its input.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from types import MappingProxyType

from spancost.price.book import Book, Entry, Model, RawTiers
from spancost.price.match import Found, NotFound, find
from spancost.price.meters import meter_named

#: Days are counted from 1970-01-01. The first sheet of a plan holds from here on: before any time in nanoseconds.
FIRST_DAY = -(2**17)

_EPOCH = date(1970, 1, 1).toordinal()

# What a call may say that changes its price, and the values that mean the ordinary price. Any other value needs a
# variant in the book; without one the price is unknown, for it is certain only that it is not the ordinary one.
NEUTRAL = MappingProxyType({
    "service_tier": frozenset({"", "auto", "default", "on_demand", "standard", "standard_only", "unspecified"}),
    "processing": frozenset({"", "default", "online", "realtime", "standard", "sync"}),
    "speed": frozenset({"", "default", "normal", "standard"}),
    "inference_geo": frozenset({"", "global", "not_available"}),
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class CallKey:
    """What of a call decides its price sheet; '' means not known. `extra` holds further (name, value) context."""

    provider: str = ""
    request_model: str = ""
    response_model: str = ""
    service_tier: str = ""
    processing: str = ""
    region: str = ""
    speed: str = ""
    extra: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """The prices of one model under one set of conditions, or the reason why there are none.

    `tiers[0]` holds for inputs up to `thresholds[0]` tokens, `tiers[1]` above it, and so on: a mapping from meter to
    its price in femto-USD a unit. `minimums` are the least quantities billed. `free` means published as free of charge.
    """

    reason: str = ""
    price_id: str = ""
    provider: str = ""
    owner: str = ""
    model: str = ""
    rule: str = ""
    clause: str = ""
    layer: str = ""
    variants: tuple[str, ...] = ()
    first_day: int = FIRST_DAY
    window: str = ""
    thresholds: tuple[int, ...] = ()
    tiers: tuple[Mapping[str, Fraction], ...] = (MappingProxyType({}),)
    minimums: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    free: bool = False
    source: str = ""
    comment: str = ""

    def tier_of(self, input_total: int) -> int:
        """Which of `tiers` a call with that many input tokens in all belongs to; a start itself is still below."""
        return sum(input_total > threshold for threshold in self.thresholds)

    def tier_id(self, tier: int) -> str:
        """The stable id of the price row, as it is stored with a call."""
        return f"{self.price_id}>{self.thresholds[tier - 1]}" if tier else self.price_id

    def price_of(self, meter: str, tier: int) -> tuple[str, Fraction] | None:
        """The row that prices a meter and its price; None when the book has none that fits it."""
        row = self.tiers[tier]
        for name in meter_named(meter).chain:
            if name in row:
                return name, row[name]
        return (meter, Fraction(0)) if self.free and meter_named(meter).is_token else None


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Every sheet of one key: `sheets[i][j]` holds from day `days[i]` on, from second `seconds[j]` of each UTC day."""

    days: tuple[int, ...]
    seconds: tuple[int, ...]
    sheets: tuple[tuple[Sheet, ...], ...]

    def sheet_at(self, day: int, second: int) -> Sheet:
        """The sheet in force on that day (since 1970-01-01, UTC) at that second of it."""
        return self.sheets[bisect_right(self.days, day) - 1][bisect_right(self.seconds, second) - 1]


def plan(book: Book, key: CallKey) -> Plan:
    """The sheets of the book's list prices for a key; a plan of one sheet with a reason when nothing matches."""
    found = find(book, key.provider, key.response_model, key.request_model)
    if isinstance(found, NotFound):
        return _always(Sheet(reason=found.reason, provider=found.provider, rule=found.rule, layer="book"))
    return plan_of_model(found, context_of(key))


def context_of(key: CallKey) -> dict[str, str]:
    """What the key says besides provider and model, in the names and lower-case values that the book uses."""
    context = {name: value.strip().lower() for name, value in key.extra}
    context |= {"service_tier": key.service_tier.lower(), "processing": key.processing.lower(),
                "speed": key.speed.lower()}  # fmt: skip
    if context["service_tier"] == "batch":  # Anthropic reports its batch API as a service tier
        context |= {"service_tier": "", "processing": "batch"}
    return {name: value for name, value in context.items() if value}


def plan_of_model(found: Found, context: Mapping[str, str]) -> Plan:
    """The sheets of a model that was found, for a context."""
    model = found.model
    variants = _variants(found, context)
    entries = [*model["prices"], *variants]
    days = sorted({FIRST_DAY, *(_day(entry["from"]) for entry in entries if "from" in entry)})
    seconds = sorted({0, *(second for entry in entries for second in entry.get("window", ()))})
    sheets = [[_sheet(found, context, variants, day, second) for second in seconds] for day in days]
    return _merged(Plan(tuple(days), tuple(seconds), tuple(map(tuple, sheets))))


def _always(sheet: Sheet) -> Plan:
    return Plan((FIRST_DAY,), (0,), ((sheet,),))


def _merged(plan: Plan) -> Plan:
    """Without the days on which no price of this key changed."""
    keep = [i for i, row in enumerate(plan.sheets) if i == 0 or not _same(row, plan.sheets[i - 1])]
    return Plan(tuple(plan.days[i] for i in keep), plan.seconds, tuple(plan.sheets[i] for i in keep))


def _same(a: Sequence[Sheet], b: Sequence[Sheet]) -> bool:
    return [(s.reason, s.thresholds, s.tiers) for s in a] == [(s.reason, s.thresholds, s.tiers) for s in b]


def _variants(found: Found, context: Mapping[str, str]) -> list[Entry]:
    """Variants are the seller's own: who resells a model at its list price need not sell its tiers at theirs."""
    if found.owner["id"] != found.provider:
        return []
    variants = (variant for variant in found.model.get("variants", ()) if variant["meters"])
    return [v for v in variants if all(context.get(name) == value for name, value in v["when"].items())]


def _sheet(found: Found, context: Mapping[str, str], variants: Iterable[Entry], day: int, second: int) -> Sheet:
    model = found.model
    base = next((entry for entry in reversed(model["prices"]) if _in_force(entry, day, second)), None)
    active = [variant for variant in variants if _in_force(variant, day, second)]
    prices = {**base["meters"], **_overlay(active)} if base else {}
    thresholds = sorted({int(tier[0]) for price in prices.values() for tier in _steps(price)})
    told = tuple(sorted({f"{name}={value}" for variant in active for name, value in variant["when"].items()}))
    window = _window(base)
    return Sheet(
        reason=_why_not(model, base, prices, context, active),
        price_id=_price_id(found, day, told, window),
        provider=found.provider,
        owner=found.owner["id"],
        model=model["id"],
        rule=found.rule,
        clause=found.clause,
        layer="book",
        variants=told,
        first_day=day,
        window=window,
        thresholds=tuple(thresholds),
        tiers=tuple(MappingProxyType(_row(prices, above)) for above in (-1, *thresholds)),
        minimums=model.get("minimums", {}),
        free=_is_free(model, prices),
        source=next(iter(found.owner.get("urls", ())), ""),
        comment=model.get("comment", ""),
    )


def _why_not(model: Model, base: Entry | None, prices: Mapping[str, RawTiers], context: Mapping[str, str],
             active: Sequence[Entry]) -> str:  # fmt: skip
    if base is None:
        return "no_price_at_time"
    if not prices and not model.get("free"):
        return "no_price"
    priced = {name for variant in active for name in variant["when"]}
    for name, neutral in NEUTRAL.items():
        if context.get(name, "") not in neutral and name not in priced:
            return f"context_unpriced:{name}"
    return ""


def _is_free(model: Model, prices: Mapping[str, RawTiers]) -> bool:
    numbers = [number for price in prices.values() for number in (_base(price), *(t[1] for t in _steps(price)))]
    return all(number == 0 for number in numbers) if numbers else model.get("free", False)


def _in_force(entry: Entry, day: int, second: int) -> bool:
    if "from" in entry and day < _day(entry["from"]):
        return False
    if "window" not in entry:
        return True
    start, end = entry["window"]
    return start <= second < end if start <= end else second >= start or second < end


def _overlay(variants: Sequence[Entry]) -> dict[str, RawTiers]:
    laid: dict[str, RawTiers] = {}
    for variant in variants:
        for meter, price in variant["meters"].items():
            laid.setdefault(meter, price)
    return laid


def _row(prices: Mapping[str, RawTiers], above: int) -> dict[str, Fraction]:
    return {meter: _price_above(price, above) for meter, price in prices.items()}


def _price_above(price: RawTiers, above: int) -> Fraction:
    reached = [step[1] for step in _steps(price) if int(step[0]) <= above]
    return Fraction(reached[-1] if reached else _base(price))


def _steps(price: RawTiers) -> Sequence[Sequence[int | str]]:
    return () if isinstance(price, (int, str)) else price[1:]  # type: ignore[return-value] # the book's shape


def _base(price: RawTiers) -> int | str:
    return price if isinstance(price, (int, str)) else price[0]  # type: ignore[return-value] # the book's shape


def _window(entry: Entry | None) -> str:
    return "-".join(_clock(second) for second in entry["window"]) if entry and "window" in entry else ""


def _clock(second: int) -> str:
    return f"{second // 3600:02d}:{second // 60 % 60:02d}"


def _price_id(found: Found, day: int, variants: Sequence[str], window: str) -> str:
    start = f"@{date.fromordinal(day + _EPOCH).isoformat()}" if day > FIRST_DAY else ""
    context = "".join(f"/{variant.partition('=')[2]}" for variant in variants)
    return f"{found.owner['id']}/{found.model['id']}{start}{context}{'/' + window if window else ''}"


def _day(text: str) -> int:
    return date.fromisoformat(text).toordinal() - _EPOCH
