"""Engine, explanation and a slow, obvious Decimal reckoning agree, and parts add up: for any prices and any usage."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st
from price_tools import INPUT_METERS, NOON, Call, make_book, model, price

from spancost.price.arithmetic import total_and_parts
from spancost.price.explain import explain
from spancost.price.pricer import make_pricer
from spancost.price.resolve import CallKey

KEY = CallKey("acme", "m")
OUTPUT_METERS = ("output", "reasoning", "audio_output", "image_output")
OTHER_METERS = ("web_search", "audio_seconds")
METERS = (*INPUT_METERS, *OUTPUT_METERS, *OTHER_METERS)

# Written out here by hand, not taken from the code: which price a meter without its own takes.
FALLBACKS = {
    "cache_read": ["input"], "cache_write_5m": ["cache_write", "input"], "audio_input": ["input"],
    "audio_cache_read": ["cache_read", "audio_input", "input"], "image_input": ["input"],
    "image_cache_read": ["cache_read", "image_input", "input"], "video_input": ["input"], "reasoning": ["output"],
    "audio_output": ["output"], "image_output": ["output"],
}  # fmt: skip

whole = st.integers(1, 10**12)
broken = st.tuples(st.integers(1, 10**15), st.sampled_from([3, 7, 60, 3600, 1024])).map(lambda p: f"{p[0]}/{p[1]}")
unit = st.one_of(whole, whole, broken)
prices = st.dictionaries(st.sampled_from((*METERS, "cache_write")), unit).map(lambda found: {"output": 1, **found})
counts = st.one_of(st.integers(0, 2000), st.integers(0, 10**7))
usages = st.dictionaries(st.sampled_from(METERS), counts).map(lambda found: {"input": 0, "output": 0, **found})


def slow_total(priced: Mapping[str, int | str], usage: Mapping[str, int]) -> Decimal:
    """Quantity times price, added up with 120 digits, rounded once."""
    with localcontext() as context:
        context.prec = 120
        total = Decimal(0)
        for meter, quantity in usage.items():
            row = next((name for name in (meter, *FALLBACKS.get(meter, ())) if name in priced), None)
            if row is not None:
                price_of_one = Fraction(priced[row])
                total += Decimal(quantity * price_of_one.numerator) / Decimal(price_of_one.denominator)
        return (total / Decimal(10**15)).quantize(Decimal("1e-12"), ROUND_HALF_EVEN)


@settings(max_examples=120, deadline=None)
@given(prices, st.lists(usages, min_size=1, max_size=5))
def test_engine_explanation_and_decimal_agree(priced: dict[str, int | str], batch: list[dict[str, int]]) -> None:
    """Same total by the vectors, by the explanation and by Decimal; the parts of each add up to it."""
    pricer = make_pricer(make_book(model("m", priced)))
    for usage, found in zip(batch, price(pricer, *(Call(KEY, usage) for usage in batch)), strict=True):
        told = explain(pricer, KEY, NOON, usage)
        expected = slow_total(priced, usage)
        if found.status == "unpriced":
            assert found.reason == "out_of_range" if expected >= 10**6 else found.reason.startswith("meter_unpriced")
            continue
        assert found.cost == told.cost == expected
        assert sum(found.by_meter.values()) == found.cost
        assert sum(line.amount or 0 for line in told.lines) == told.cost


@settings(max_examples=100, deadline=None)
@given(st.lists(st.fractions(0, 10**7, max_denominator=60), max_size=8))
def test_parts_add_up_and_lose_less_than_a_pico_each(amounts: list[Fraction]) -> None:
    """The total is the sum rounded once; each part is its amount cut down, or that plus one."""
    total, parts = total_and_parts(amounts)
    assert total == sum(parts) == round(sum(amounts) / 1000)
    assert all(0 <= part - amount // 1000 <= 1 for part, amount in zip(parts, amounts, strict=True))


def test_a_tie_goes_to_the_even_total_and_the_earlier_part() -> None:
    """500 femto and 500 femto are one pico, which the first part gets; 500 alone is none; 1500 is two."""
    assert total_and_parts([Fraction(500), Fraction(500)]) == (1, [1, 0])
    assert total_and_parts([Fraction(500)]) == (0, [0])
    assert total_and_parts([Fraction(1500)]) == (2, [2])


def test_vectors_round_a_tie_to_the_even_pico() -> None:
    """Half a pico is 0, one and a half is 2, two and a half is 2: in the batch as in the fractions."""
    pricer = make_pricer(make_book(model("m", {"input": 500, "output": 1})))
    found = price(pricer, *(Call(KEY, {"input": count, "output": 0}) for count in (1, 3, 5)))
    assert [cost.cost for cost in found] == [Decimal(0), Decimal("2e-12"), Decimal("2e-12")]


def test_vectors_cut_as_the_fractions_do() -> None:
    """The batch and the single row break the same ties the same way."""
    pricer = make_pricer(make_book(model("m", {"input": 500, "cache_read": 500, "output": 1})))
    found = price(pricer, Call(KEY, {"input": 1, "cache_read": 1, "output": 0}))[0]
    assert found.by_meter == {"input": Decimal("1e-12")}


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.dates(min_value=datetime(2000, 1, 1).date()), unique=True, min_size=1, max_size=5).map(sorted),
    st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)),
    st.lists(st.integers(1, 10**6), unique=True, max_size=3).map(sorted),
    st.integers(0, 2 * 10**6),
)
def test_any_day_and_any_tier(days: list[object], moment: datetime, starts: list[int], size: int) -> None:
    """The price in force is the last one that began; the tier the highest start that the input is above."""
    tiers = [[start, 1000 * (n + 2)] for n, start in enumerate(starts)]
    entries = [{"from": str(day), "meters": {"input": [10**6 * (n + 1), *tiers]}} for n, day in enumerate(days)]
    pricer = make_pricer(make_book(model("m", {"meters": {"input": [1000, *tiers]}}, *entries)))
    begun = sum(day <= moment.date() for day in days)  # type: ignore[operator]
    passed = sum(size > start for start in starts)
    unit_price = 1000 * (passed + 1) if passed else (10**6 * begun or 1000)
    found = price(pricer, Call(KEY, {"input": size}, moment))[0]
    assert found.cost == Decimal(unit_price * size).scaleb(-15).quantize(Decimal("1e-12"), ROUND_HALF_EVEN)
