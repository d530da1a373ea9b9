"""Short ways to price single calls, to build small books, and a slow and obvious second opinion."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import Any

import numpy as np

from spancost.price.book import Book, parse_book
from spancost.price.columns import CallColumns, CostColumns
from spancost.price.engine import price_calls
from spancost.price.pricer import Pricer
from spancost.price.resolve import CallKey

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
INPUT_METERS = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "audio_input", "audio_cache_read",
                "image_input", "image_cache_read", "video_input")  # fmt: skip


@dataclass(frozen=True)
class Call:
    """One call to price; meters that are not in `usage` are unknown."""

    key: CallKey
    usage: Mapping[str, int]
    at: datetime = NOON
    failed: bool = False
    expects_output: bool = True
    input_total: int | None = None


@dataclass(frozen=True)
class Cost:
    """What the engine said of one call, in plain values."""

    cost: Decimal | None
    status: str
    reason: str
    price_id: str
    by_meter: Mapping[str, Decimal] = field(default_factory=dict)


def price(pricer: Pricer, *calls: Call) -> list[Cost]:
    """Price calls in one batch."""
    return costs(price_calls(pricer, columns(calls)))


def price_one(pricer: Pricer, provider: str, model: str, at: datetime = NOON, /, **usage: int) -> Cost:
    """Price one plain call."""
    return price(pricer, Call(CallKey(provider, model), usage, at))[0]


def columns(calls: Sequence[Call]) -> CallColumns:
    """Calls as the columns of a batch."""
    keys = list(dict.fromkeys(call.key for call in calls))
    meters = sorted({meter for call in calls for meter in call.usage})
    return CallColumns(
        key=np.array([keys.index(call.key) for call in calls], dtype=np.int32),
        keys=keys,
        start_time=integers((call.at - EPOCH) // timedelta(microseconds=1) * 1000 for call in calls),
        usage={meter: integers(call.usage.get(meter, -1) for call in calls) for meter in meters},
        input_total=integers(_input_total(call) for call in calls),
        output_total=integers(-1 for _ in calls),
        failed=np.array([call.failed for call in calls], dtype=np.bool_),
        expects_output=np.array([call.expects_output for call in calls], dtype=np.bool_),
    )


def integers(values: Any) -> Any:
    """An int64 column."""
    return np.array(list(values), dtype=np.int64)


def costs(found: CostColumns) -> list[Cost]:
    """A batch's answer, row by row."""
    return [_cost(found, i) for i in range(len(found.status))]


def make_book(*models: Mapping[str, Any], provider: str = "acme", **fields: Any) -> Book:
    """A book of one provider with those models, through the same bytes as a real one."""
    return make_book_of({"id": provider, "models": list(models), **fields})


def make_book_of(*providers: Mapping[str, Any]) -> Book:
    """A book of those providers."""
    body = b'"providers":' + json.dumps(providers).encode() + b"}\n"
    header = {"format": "spancost-pricebook/1", "version": "test", "date": "2026-01-01",
              "sha256": hashlib.sha256(body).hexdigest(),
              "source": {"name": "test", "version": "1", "licence": "none"}}  # fmt: skip
    return parse_book(b'{"header":' + json.dumps(header).encode() + b",\n" + body)


def model(name: str, *prices: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    """A model that matches its own name; a price without "meters" is the meters themselves."""
    entries = [entry if "meters" in entry else {"meters": entry} for entry in prices]
    return {"id": name, "match": {"equals": name}, "prices": entries, **fields}


def dollars(*items: tuple[int, str, int]) -> Decimal:
    """Quantity x price / per, added up and rounded half-even to 1e-12 USD: Decimal only, nothing of ours."""
    with localcontext() as context:
        context.prec = 80
        total = sum((Decimal(quantity) * Decimal(price) / per for quantity, price, per in items), Decimal(0))
        return total.quantize(Decimal("1e-12"), ROUND_HALF_EVEN)


def _input_total(call: Call) -> int:
    if call.input_total is not None:
        return call.input_total
    known = [call.usage[name] for name in INPUT_METERS if call.usage.get(name, -1) > 0]
    return sum(known) if call.usage.get("input", -1) >= 0 else -1


def _cost(found: CostColumns, i: int) -> Cost:
    known = bool(found.known[i])
    parts = {meter: Decimal(int(part[i])).scaleb(-12) for meter, part in found.by_meter.items() if part[i]}
    return Cost(
        cost=Decimal(int(found.list_cost[i])).scaleb(-12) if known else None,
        status=found.statuses[found.status[i]],
        reason=found.reasons[found.reason[i]],
        price_id=found.price_ids[found.price_id[i]],
        by_meter=parts,
    )
