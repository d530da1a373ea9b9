"""Forty-six bills with their sources: what each must come to, and which of them the book cannot do yet."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from price_tools import Call, dollars, price

from spancost.price.explain import Explanation, explain
from spancost.price.pricer import Pricer
from spancost.price.usage import call_key, parse_usage

CASES: list[dict[str, Any]] = json.loads(
    (Path(__file__).resolve().parents[1] / "fixtures" / "pricing_cases.json").read_text(encoding="utf-8")
)["cases"]

# What the book has no price for, or a wrong one, with the answer it gives: unpriced or partial where it can know that,
# and a wrong number where its source is wrong. A case that comes right must leave this list.
OPEN = {
    "ant-11-us-geo": (None, "unpriced", "context_unpriced:inference_geo"),  # the 1.1 for US-only inference
    "oai-28-o3-launch": (Decimal("0.064"), "priced", ""),  # o3's cached input cost 2.50 before its price cut
    "xai-05-web-search": (Decimal("0.015"), "partial", "meter_unpriced:web_search"),  # xAI's price of a search
    "ds-04-holiday-in-window": (Decimal("0.09504"), "priced", ""),  # holidays are off-peak all day
}


def explained(pricer: Pricer, case: dict[str, Any]) -> Explanation:
    """The case as `spancost price explain` runs it."""
    usage = parse_usage([f"{name}={count}" for name, count in case["usage"].items()], case["provider"])
    key = call_key(case["provider"], case["model"], case["context"])
    return explain(pricer, key, datetime.fromisoformat(case["at"]), usage)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_expected_amount_is_its_own_arithmetic(case: dict[str, Any]) -> None:
    """The fixture's bill is the sum of its lines, so that a wrong case cannot hide a wrong price."""
    lines = ((int(b["quantity"]), b["unit_price_usd"], int(b["per"])) for b in case["billable"])
    assert dollars(*lines) * Decimal(case["multiplier"]) == Decimal(case["expected_usd"])


@pytest.mark.parametrize("case", [c for c in CASES if c["id"] not in OPEN], ids=lambda case: case["id"])
def test_case_is_priced_to_the_last_decimal(pricer: Pricer, case: dict[str, Any]) -> None:
    """The call costs exactly what its provider's published prices say."""
    found = explained(pricer, case)
    assert (found.cost, found.status) == (Decimal(case["expected_usd"]), "priced")


def test_open_cases_are_exactly_these_with_these_answers(pricer: Pricer) -> None:
    """The list of what the book cannot do is complete, and says what it answers instead."""
    answers = {case["id"]: explained(pricer, case) for case in CASES}
    wrong = {case["id"] for case in CASES if answers[case["id"]].cost != Decimal(case["expected_usd"])}
    assert wrong == set(OPEN)
    assert {name: (answers[name].cost, answers[name].status, answers[name].reason) for name in OPEN} == OPEN


def test_a_batch_of_all_cases_gives_the_same_as_each_alone(pricer: Pricer) -> None:
    """Models, days, hours and tiers do not disturb each other in one batch."""
    calls = [
        Call(
            call_key(case["provider"], case["model"], case["context"]),
            parse_usage([f"{name}={count}" for name, count in case["usage"].items()], case["provider"]),
            datetime.fromisoformat(case["at"]),
        )
        for case in CASES
    ]
    alone = [explained(pricer, case) for case in CASES]
    together = price(pricer, *calls)
    assert [(c.cost, c.status, c.reason, c.price_id) for c in together] == [
        (e.cost, e.status, e.reason, e.price_id) for e in alone
    ]
