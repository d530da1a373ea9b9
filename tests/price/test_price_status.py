"""Priced, partial, unpriced, free: unknown is never zero, and every gap has its reason."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from price_tools import Call, columns, make_book, model, price, price_one

from spancost.price.engine import price_calls
from spancost.price.pricer import Pricer, make_pricer
from spancost.price.resolve import CallKey

GPT = CallKey("openai", "gpt-4o")
DOLLAR = 10**15


def verdict(pricer: Pricer, call: Call) -> tuple[Decimal | None, str, str]:
    """Cost, status and reason of one call."""
    found = price(pricer, call)[0]
    return found.cost, found.status, found.reason


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        (CallKey("openai", "gpt-99"), "unknown_model"),
        (CallKey("openai", ""), "no_model"),
        (CallKey("acme", "acme-1"), "unknown_provider"),
        (CallKey("", "acme-1"), "unknown_provider"),
        (CallKey("ollama", "deepseek-r1:8b"), "unknown_provider"),
        (CallKey("openai", "ft:gpt-4.1-mini-2025-04-14:acme::abc"), "unknown_model"),
        (CallKey("openai", "x" * 300), "no_model"),
        (
            CallKey("aws.bedrock", "arn:aws:bedrock:us-east-1:1:application-inference-profile/ab", "claude-sonnet-5"),
            "alias_needed",
        ),
        (CallKey("openai", "gpt-5", service_tier="scale"), "context_unpriced:service_tier"),
        (CallKey("azure", "gpt-5", service_tier="priority"), "context_unpriced:service_tier"),
        (CallKey("anthropic", "claude-opus-4-6", extra=(("inference_geo", "us"),)), "context_unpriced:inference_geo"),
        (CallKey("github-copilot", "gpt-4o"), "no_price"),
    ],
)
def test_what_has_no_price_is_unpriced_with_its_reason(pricer: Pricer, key: CallKey, reason: str) -> None:
    """Never a zero, never the price of something alike."""
    assert verdict(pricer, Call(key, {"input": 1000, "output": 10})) == (None, "unpriced", reason)


@pytest.mark.parametrize(
    ("usage", "failed", "reason"),
    [
        ({}, False, "no_usage"),
        ({}, True, "failed_no_usage"),
        ({"input": -1, "output": -1, "cache_read": 0}, False, "no_usage"),
        ({"input": 2**53, "output": 1}, False, "bad_usage"),
        ({"input": -2, "output": 1}, False, "bad_usage"),
        ({"input": 10**18, "output": 10**18}, True, "bad_usage"),
        ({"input": 2**53 - 1, "output": 1}, False, "out_of_range"),
        ({"cache_write_1h": 5, "input": -1, "output": 0}, False, "input_unknown"),
    ],
)
def test_usage_that_cannot_be_priced(pricer: Pricer, usage: dict[str, int], failed: bool, reason: str) -> None:
    """Missing and absurd counts give no cost, not a clamped or wrapped one."""
    assert verdict(pricer, Call(GPT, usage, failed=failed)) == (None, "unpriced", reason)


@pytest.mark.parametrize(
    ("usage", "reason", "cost"),
    [
        ({"input": 1000, "output": -1}, "output_unknown", "0.0025"),
        ({"output": 100}, "input_unknown", "0.001"),
        ({"input": -1, "cache_read": 400, "output": 0}, "input_unknown", "0.0005"),
        ({"input": 1000, "output": 100, "cache_write_1h": 7}, "meter_unpriced:cache_write_1h", "0.0035"),
        ({"input": 1000, "output": 100, "hologram": 7}, "meter_unpriced:hologram", "0.0035"),
    ],
)
def test_a_gap_leaves_the_known_part(pricer: Pricer, usage: dict[str, int], reason: str, cost: str) -> None:
    """A partial cost is what is certain, marked as such."""
    assert verdict(pricer, Call(GPT, usage)) == (Decimal(cost), "partial", reason)


def test_zero_tokens_that_were_reported_cost_nothing(pricer: Pricer) -> None:
    """A reported zero is known: the call is priced, at 0."""
    assert verdict(pricer, Call(GPT, {"input": 0, "output": 0})) == (Decimal(0), "priced", "")


def test_missing_cache_counts_are_none(pricer: Pricer) -> None:
    """A call that does not mention its cache had no use of it."""
    call = Call(GPT, {"input": 1000, "output": 100, "cache_read": -1, "cache_write_5m": -1})
    assert verdict(pricer, call) == (Decimal("0.0035"), "priced", "")


def test_published_as_free_is_free_and_zero() -> None:
    """Explicit zero prices are an answer: status free, cost 0, even without usage; an extra meter still is not free."""
    pricer = make_pricer(make_book(model("zero", {"input": 0, "output": 0}), model("gift", {}, free=True)))
    for name in ("zero", "gift"):
        key = CallKey("acme", name)
        assert verdict(pricer, Call(key, {"input": 5, "cache_read": 5, "output": 5})) == (Decimal(0), "free", "")
        assert verdict(pricer, Call(key, {})) == (Decimal(0), "free", "")
        searched = verdict(pricer, Call(key, {"input": 5, "output": 5, "web_search": 1}))
        assert searched[1:] == ("partial", "meter_unpriced:web_search")


def test_an_empty_price_is_not_free(pricer: Pricer) -> None:
    """A model listed without prices is unpriced; one that its reseller publishes as `:free` is free."""
    assert price_one(pricer, "mistral", "devstral-small:free", input=5, output=5).status == "free"
    assert price_one(pricer, "cerebras", "qwen-3-coder-480b", input=5, output=5).reason == "no_price"


def test_before_the_first_price_there_is_none() -> None:
    """A price list that starts on a day says nothing about the day before."""
    pricer = make_pricer(make_book(model("new", {"from": "2026-11-21", "meters": {"input": 1000}})))
    assert price_one(pricer, "acme", "new", input=5).reason == "no_price_at_time"


def test_a_side_that_costs_nothing_may_be_missing() -> None:
    """A model that charges for input alone is fully priced by its input."""
    pricer = make_pricer(make_book(model("reader", {"input": DOLLAR, "output": 0})))
    assert price_one(pricer, "acme", "reader", input=2).status == "priced"


def test_a_million_dollars_is_out_of_range_and_just_below_is_not() -> None:
    """The cost column holds six digits before the point; the limit is sharp and the sum exact in Python's integers."""
    pricer = make_pricer(make_book(model("gold", {"input": DOLLAR, "output": 1000})))
    below = price_one(pricer, "acme", "gold", input=999_999, output=10**12 - 1)
    above = price_one(pricer, "acme", "gold", input=999_999, output=10**12)
    assert (below.cost, below.status) == (Decimal("999999.999999999999"), "priced")
    assert (above.cost, above.reason) == (None, "out_of_range")


def test_one_bad_call_does_not_touch_its_neighbours(pricer: Pricer) -> None:
    """In one batch with absurd, unknown, failed and huge calls, the good ones cost what they cost alone."""
    good = Call(GPT, {"input": 600, "cache_read": 400, "output": 300})
    huge = Call(GPT, {"input": 10**13, "output": 0})
    batch = price(pricer, good, Call(GPT, {"input": 10**18, "output": 1}), Call(CallKey("x", "y"), {"input": 9}), good,
                  huge, Call(GPT, {}, failed=True), good)  # fmt: skip
    assert [found.cost for found in batch[::3]] == [Decimal("0.005")] * 3
    assert batch[4].reason == "out_of_range"


def test_an_unpriced_call_carries_no_price_and_no_parts(pricer: Pricer) -> None:
    """Where there is no cost there is no price id and no cost by meter either."""
    found = price_calls(pricer, columns([Call(CallKey("openai", "gpt-99"), {"input": 5}), Call(GPT, {"input": 5})]))
    assert found.known.tolist() == [False, True]
    assert found.price_ids[found.price_id[0]] == ""
    assert [int(part[0]) for part in found.by_meter.values()] == [0] * len(found.by_meter)


def test_an_empty_batch_is_priced(pricer: Pricer) -> None:
    """No calls, no keys, no meters: empty columns."""
    assert price(pricer) == []


def test_pricing_changes_none_of_its_input(pricer: Pricer) -> None:
    """The stage is pure: the columns it was given are what they were."""
    calls = columns([Call(GPT, {"input": 600, "cache_read": -1, "output": -1})])
    before = {meter: counts.copy() for meter, counts in calls.usage.items()}
    price_calls(pricer, calls)
    assert all(np.array_equal(before[meter], counts) for meter, counts in calls.usage.items())


def test_what_is_remembered_is_bounded(pricer: Pricer) -> None:
    """A flood of names, hits or misses, does not grow the memory beyond its bound."""
    small = make_pricer(pricer.book, memory=8)
    price(small, *(Call(CallKey("openai", f"gpt-{i}"), {"input": 1}) for i in range(50)))
    assert small.plan.cache_info().currsize == 8
    assert small.rates.cache_info().currsize <= 8


def test_a_layer_goes_before_the_book(pricer: Pricer) -> None:
    """The first layer that knows a key gives its price; what it leaves alone is the book's."""
    own = make_pricer(make_book(model("gpt-4o", {"input": DOLLAR, "output": 0}), provider="openai"))
    layered = make_pricer(pricer.book, (lambda key: own.plan(key) if key.provider == "openai" else None,))
    assert price_one(layered, "openai", "gpt-4o", input=1, output=0).cost == 1
    assert price_one(layered, "azure", "gpt-4o", input=600, cache_read=400, output=300).cost == Decimal("0.005")
