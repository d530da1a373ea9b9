"""Amounts that a reader can redo by hand, with the page of the price beside them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from price_tools import Call, dollars, price, price_one

from spancost.price.pricer import Pricer
from spancost.price.resolve import CallKey

MILLION = 1_000_000


def day(text: str) -> datetime:
    """A moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_gpt_4o_with_cached_input(pricer: Pricer) -> None:
    """600 x 2.50 + 400 x 1.25 + 300 x 10.00 per million is 0.005 (https://openai.com/api/pricing)."""
    found = price_one(pricer, "openai", "gpt-4o", input=600, cache_read=400, output=300)
    assert found.cost == Decimal("0.005000")
    assert found.by_meter == {
        "input": Decimal("0.0015"),
        "cache_read": Decimal("0.0005"),
        "output": Decimal("0.003"),
    }


def test_claude_with_both_cache_lifetimes(pricer: Pricer) -> None:
    """A short write costs 1.25 times the input and a long one twice (https://platform.claude.com/docs/pricing)."""
    found = price_one(pricer, "anthropic", "claude-sonnet-4-5-20250929", input=5000, cache_read=40_000,
                      cache_write_5m=5000, cache_write_1h=10_000, output=1200)  # fmt: skip
    assert found.cost == dollars((5000, "3", MILLION), (40_000, "0.30", MILLION), (5000, "3.75", MILLION),
                                 (10_000, "6", MILLION), (1200, "15", MILLION))  # fmt: skip


@pytest.mark.parametrize(
    ("tokens", "unit", "price_id"),
    [(200_000, "1.25", "google/gemini-2.5-pro"), (200_001, "2.50", "google/gemini-2.5-pro>200000")],
)
def test_the_tier_changes_above_its_start(pricer: Pricer, tokens: int, unit: str, price_id: str) -> None:
    """At exactly 200,000 tokens Gemini is at the base price; one more and all of them cost the higher one."""
    found = price_one(pricer, "gcp.gemini", "gemini-2.5-pro", input=tokens, output=0)
    assert (found.cost, found.price_id) == (dollars((tokens, unit, MILLION)), price_id)


def test_the_tier_counts_cached_input_too(pricer: Pricer) -> None:
    """The size that decides the tier is the whole input, not the uncached rest of it."""
    found = price_one(pricer, "google", "gemini-2.5-pro", input=1, cache_read=200_000, output=0)
    assert found.price_id == "google/gemini-2.5-pro>200000"


@pytest.mark.parametrize(("moment", "unit"), [("2025-06-09T23:59:59.999999", "10"), ("2025-06-10T00:00:00", "2")])
def test_a_price_cut_holds_from_midnight_utc(pricer: Pricer, moment: str, unit: str) -> None:
    """o3 went from 10 to 2 a million on 2025-06-10; the call's start decides."""
    assert price_one(pricer, "openai", "o3", day(moment), input=MILLION, output=0).cost == Decimal(unit)


@pytest.mark.parametrize(
    ("moment", "unit"),
    [
        ("2026-11-20T00:59:59.999999", "0.66"),
        ("2026-11-20T01:00:00", "1.32"),
        ("2026-11-20T03:59:59.999999", "1.32"),
        ("2026-11-20T04:00:00", "0.66"),
        ("2026-08-16T02:00:00", "0.435"),
    ],
)
def test_peak_hours_of_a_price_list(pricer: Pricer, moment: str, unit: str) -> None:
    """DeepSeek's peak is 01:00-04:00 UTC, end excluded, and only since the price list that introduced it."""
    found = price_one(pricer, "deepseek", "deepseek-v4-pro", day(moment), input=MILLION, output=0)
    assert found.cost == Decimal(unit)


def test_batch_is_half_price(pricer: Pricer) -> None:
    """Anthropic's batch API halves every token price, whichever way the call says that it was one."""
    plain, batch, tier = price(pricer, *(
        Call(CallKey("anthropic", "claude-sonnet-4-6", **context), {"input": 20_000, "output": 5000})
        for context in ({}, {"processing": "batch"}, {"service_tier": "batch"})
    ))  # fmt: skip
    assert plain.cost == dollars((20_000, "3", MILLION), (5000, "15", MILLION))
    assert batch.cost == tier.cost == plain.cost / 2


def test_a_web_search_is_charged_beside_the_tokens(pricer: Pricer) -> None:
    """Ten dollars a thousand searches (https://openai.com/api/pricing)."""
    found = price_one(pricer, "openai", "gpt-5", input=1000, output=0, web_search=3)
    assert found.by_meter == {"input": Decimal("0.00125"), "web_search": Decimal("0.03")}


def test_short_audio_is_billed_at_the_least_quantity(pricer: Pricer) -> None:
    """Groq bills ten seconds at least: 10 s at 0.111 an hour, not three; and an hour costs 0.111 exactly."""
    short = price_one(pricer, "groq", "whisper-large-v3", audio_seconds=3)
    hour = price_one(pricer, "groq", "whisper-large-v3", audio_seconds=3600)
    assert (short.cost, hour.cost) == (dollars((10, "0.111", 3600)), Decimal("0.111"))


def test_a_fee_per_request_is_charged_once(pricer: Pricer) -> None:
    """Perplexity's sonar costs 5 a thousand requests beside its tokens, at 1 a million."""
    found = price_one(pricer, "perplexity", "sonar", input=1000, output=1000)
    assert found.by_meter["request"] > 0
    assert sum(found.by_meter.values()) == found.cost


def test_an_embedding_needs_no_output(pricer: Pricer) -> None:
    """text-embedding-3-small costs 0.02 a million, and having no output is not a gap."""
    call = Call(CallKey("openai", "text-embedding-3-small"), {"input": MILLION}, expects_output=False)
    assert [(c.cost, c.status) for c in price(pricer, call)] == [(Decimal("0.02"), "priced")]


def test_azure_sells_openai_models_at_their_list_price(pricer: Pricer) -> None:
    """The price row of a resold model names whose it is."""
    found = price_one(pricer, "azure.ai.openai", "gpt-4o-2024-08-06", input=600, cache_read=400, output=300)
    assert (found.cost, found.price_id) == (Decimal("0.005"), "openai/gpt-4o")


def test_a_bedrock_profile_costs_its_own_price(pricer: Pricer) -> None:
    """The regional profile of Sonnet 4.5 is 10 % dearer than the global one, whatever the response calls the model."""
    usage = {"input": MILLION, "output": 0}
    bare = "claude-sonnet-4-5-20250929"
    regional, worldwide = price(pricer, *(
        Call(CallKey("aws.bedrock", f"{scope}.anthropic.{bare}-v1:0", bare), usage) for scope in ("us", "global")
    ))  # fmt: skip
    assert (regional.cost, worldwide.cost) == (Decimal("3.30"), Decimal("3"))
