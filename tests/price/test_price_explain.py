"""The explanation of one call: complete, JSON, and readable."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

from price_tools import NOON, Call, make_book, model, price

from spancost.price.book import Book
from spancost.price.explain import explain, render_text
from spancost.price.pricer import Pricer, make_pricer
from spancost.price.resolve import CallKey


def test_gpt_4o_in_full(book: Book, pricer: Pricer) -> None:
    """Every fact that led to the price, and each line of its arithmetic."""
    key = CallKey("openai", "gpt-4o", "gpt-4o-2024-08-06", region="eu-west-1")
    told = explain(pricer, key, NOON, {"input": 600, "cache_read": 400, "output": 300}).to_json()
    comment = told.pop("comment")
    assert comment
    assert json.loads(json.dumps(told)) == {
        "cost_usd": "0.005",
        "status": "priced",
        "reason": "",
        "price_id": "openai/gpt-4o",
        "price_book": book.version,
        "layer": "book",
        "at": "2026-11-20T12:00:00Z",
        "provider": "openai",
        "model": "gpt-4o",
        "rule": "provider 'openai' is in the book; response model 'gpt-4o-2024-08-06'",
        "matched": "equals 'gpt-4o-2024-08-06'",
        "price_of": "openai",
        "since": "",
        "window": "",
        "tier": "",
        "variants": [],
        "unused_context": ["region=eu-west-1"],
        "lines": [
            {"meter": "input", "quantity": 600, "unit_price_usd": "2.5", "per": 1000000, "priced_as": "input",
             "amount_usd": "0.0015"},
            {"meter": "cache_read", "quantity": 400, "unit_price_usd": "1.25", "per": 1000000,
             "priced_as": "cache_read", "amount_usd": "0.0005"},
            {"meter": "output", "quantity": 300, "unit_price_usd": "10", "per": 1000000, "priced_as": "output",
             "amount_usd": "0.003"},
        ],
        "source": "https://developers.openai.com/api/docs/pricing",
    }  # fmt: skip


def test_tier_and_variant_say_why(pricer: Pricer) -> None:
    """A long flex call names its tier, the size that decided it, and the day its price began."""
    key = CallKey("openai", "gpt-6-astra", service_tier="flex")
    told = explain(pricer, key, datetime(2026, 10, 20, tzinfo=UTC), {"input": 300_000, "output": 1000})
    assert told.cost == Decimal("3.0375")  # 300,000 x 10 + 1,000 x 37.50 per million
    assert told.price_id == "openai/gpt-6-astra@2026-10-12/flex>272000"
    assert told.tier == "input of 300000 tokens is above 272000"
    assert (told.variants, told.since) == (("service_tier=flex",), "2026-10-12")


def test_hours_are_told_and_any_time_zone_is_understood(pricer: Pricer) -> None:
    """10:00 in Shanghai is 02:00 UTC: DeepSeek's peak."""
    shanghai = datetime(2026, 11, 20, 10, tzinfo=timezone(timedelta(hours=8)))
    told = explain(pricer, CallKey("deepseek", "deepseek-v4-pro"), shanghai, {"input": 10**6, "output": 0})
    assert (told.cost, told.window, told.at) == (Decimal("1.32"), "01:00-04:00", "2026-11-20T02:00:00Z")


def test_a_borrowed_price_is_told() -> None:
    """A meter without a price of its own names the one it took."""
    pricer = make_pricer(make_book(model("m", {"input": 10**9, "output": 10**9})))
    told = explain(pricer, CallKey("acme", "m"), NOON, {"input": 1, "cache_read": 10, "output": 0})
    assert [(line.meter, line.priced_as) for line in told.lines][:2] == [("input", "input"), ("cache_read", "input")]
    assert "(at the price of input)" in render_text(told)


def test_what_has_no_price_shows_no_amount(pricer: Pricer) -> None:
    """An unknown model: no cost, the reason, and lines without amounts."""
    told = explain(pricer, CallKey("openai", "gpt-99"), NOON, {"input": 600})
    assert told.to_json()["cost_usd"] is None
    assert [line.amount for line in told.lines] == [None]
    assert render_text(told).splitlines()[0] == "unpriced: unknown_model"


def test_a_partial_price_shows_which_part(pricer: Pricer) -> None:
    """The known line has its amount, the other has none."""
    told = explain(pricer, CallKey("x-ai", "grok-4.3"), NOON, {"input": 10_000, "output": 1000, "web_search": 4})
    assert (told.status, told.reason, told.cost) == ("partial", "meter_unpriced:web_search", Decimal("0.015"))
    assert [(line.meter, line.amount) for line in told.lines] == [
        ("input", Decimal("0.0125")), ("output", Decimal("0.0025")), ("web_search", None),
    ]  # fmt: skip


def test_text_for_a_terminal(pricer: Pricer) -> None:
    """Head, facts, one line a meter; no colour codes."""
    text = render_text(explain(pricer, CallKey("openai", "gpt-4o"), NOON, {"input": 600, "output": 300}))
    lines = text.splitlines()
    assert lines[0] == "priced: 0.0045 USD"
    assert "  input                       600 x 2.5 per 1,000,000 = 0.0015" in lines
    assert "\x1b" not in text


def test_notes_fit_a_terminal(pricer: Pricer) -> None:
    """A long note goes on below its beginning; nothing of it is lost."""
    told = explain(pricer, CallKey("openai", "gpt-4o"), NOON, {"input": 600, "output": 300})
    lines = render_text(told).splitlines()
    note = lines[next(at for at, line in enumerate(lines) if line.startswith("  note")) :]
    assert len(note) > 1
    assert all(len(line) <= 100 for line in note)
    assert all(line.startswith(" " * 12) for line in note[1:])
    assert " ".join(" ".join(note).split()[1:]) == told.comment


def test_counts_beyond_int64_are_bad_usage(pricer: Pricer) -> None:
    """An absurd number typed by hand gets the same answer as one in a span."""
    told = explain(pricer, CallKey("openai", "gpt-4o"), NOON, {"input": 10**30, "output": 1})
    assert (told.status, told.reason, told.cost) == ("unpriced", "bad_usage", None)


def test_a_failed_call_is_told_apart(pricer: Pricer) -> None:
    """Without usage, a failure has another reason than a gap."""
    key = CallKey("openai", "gpt-4o")
    assert explain(pricer, key, NOON, {}, failed=True).reason == "failed_no_usage"
    assert explain(pricer, key, NOON, {}).reason == "no_usage"


def test_the_fee_of_a_request_is_a_line_of_its_own(pricer: Pricer) -> None:
    """What the call does not report but the provider charges is shown with its quantity of one."""
    usage = {"input": 1000, "output": 1000}
    told = explain(pricer, CallKey("perplexity", "sonar"), NOON, usage)
    assert [line.quantity for line in told.lines if line.meter == "request"] == [1]
    assert told.cost == price(pricer, Call(CallKey("perplexity", "sonar"), usage))[0].cost
