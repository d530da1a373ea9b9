"""The search for prices with its memory: what the engine and the explanation are given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from spancost.price.book import Book
from spancost.price.resolve import CallKey, Plan, Sheet, plan

#: Where prices come from: a plan for a key, or None to leave the key to the layer below.
Layer = Callable[[CallKey], Plan | None]

_INT64_MAX = 2**63 - 1


class Rates(NamedTuple):
    """A sheet's unit prices by tier and then by meter, in femto-USD, -1 where there is none.

    `is_exact` is false where a price or a least quantity needs more than a multiplication of integers.
    """

    units: Sequence[Sequence[int]]
    is_exact: bool


@dataclass(frozen=True, slots=True, eq=False)
class Pricer:
    """A book with the layers over it. `plan` and `rates` remember what they found (misses too), within bounds."""

    book: Book
    plan: Callable[[CallKey], Plan]
    rates: Callable[[Sheet, tuple[str, ...]], Rates]


def make_pricer(book: Book, layers: tuple[Layer, ...] = (), memory: int = 8192) -> Pricer:
    """A pricer over the book that remembers the `memory` keys used last; of the `layers`, the first answer wins."""

    def search(key: CallKey) -> Plan:
        answers = (layer(key) for layer in layers)
        return next((answer for answer in answers if answer is not None), None) or plan(book, key)

    return Pricer(book, lru_cache(memory)(search), lru_cache(memory)(_rates))


def _rates(sheet: Sheet, meters: tuple[str, ...]) -> Rates:
    found = [[sheet.price_of(meter, tier) for meter in meters] for tier in range(len(sheet.tiers))]
    prices = [price[1] for row in found for price in row if price]
    is_exact = not sheet.minimums and all(p.denominator == 1 and p <= _INT64_MAX for p in prices)
    units = [[(int(p[1]) if is_exact else 0) if p else -1 for p in row] for row in found]
    return Rates(units, is_exact)
