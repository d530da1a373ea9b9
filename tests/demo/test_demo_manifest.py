"""The manifest is what the spans add up to, counted again from the bytes."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from demo_months import UNTIL, Month, Seen
from genai_prices import Usage, calc_price

from spancost.demo.company import MODELS
from spancost.demo.ledger import Ledger
from spancost.demo.manifest import outcome_rows, revenue_rows
from spancost.demo.prices import METERS, PRICES, cost
from spancost.demo.workload import blocks


@pytest.mark.parametrize("model", sorted(PRICES))
def test_prices_are_the_books(model: str) -> None:
    """The demo's own price table agrees with genai-prices on every meter a model has."""
    tokens = {"input": 700, "cache_read": 2_000, "cache_write": 300, "output": 900}
    has = {meter: rate > 0 for meter, rate in zip(METERS, PRICES[model], strict=True)}
    counts = [tokens[meter] * has[meter] for meter in METERS]
    usage = Usage(
        input_tokens=sum(counts[:3]),
        cache_read_tokens=counts[1] or None,
        cache_write_tokens=counts[2] or None,
        output_tokens=counts[3] or None,
    )
    provider = {made.name: made.provider for made in MODELS}[model].replace("gcp.gemini", "google")
    price = calc_price(usage, model_ref=model, provider_id=provider, genai_request_timestamp=UNTIL)
    assert price.total_price == cost(model, counts)


def test_totals_are_the_spans(month: Month) -> None:
    """Calls, spans and dollars by every dimension are what the spans say when they are read one by one."""
    roots = {seen.span.trace_id: seen for seen in month.spans if not seen.span.parent_span_id}
    agents = _agents(month)
    by: dict[str, Callable[[Seen], str]] = {
        "team": lambda seen: seen.resource["team.id"],
        "agent": lambda seen: agents[seen.id],
        "feature": lambda seen: roots[seen.span.trace_id].attributes["app.feature"],
        "customer": lambda seen: roots[seen.span.trace_id].attributes.get("app.customer.id", ""),
        "model": _model,
        "environment": lambda seen: (
            seen.resource.get("deployment.environment.name") or seen.resource["deployment.environment"]
        ),
        "day": lambda seen: str(datetime.fromtimestamp(seen.span.start_time_unix_nano // 10**9, UTC).date()),
    }
    for name, key in by.items():
        assert _told(month.manifest[f"by_{name}"]) == _counted(month.calls, key), name
    totals = month.manifest["totals"]
    assert (totals["spans"], totals["tasks"]) == (len(month.spans), len(roots))
    assert _told({"": totals}) == _counted(month.calls, lambda seen: "")


def test_the_arithmetic_of_one_trace_by_hand(month: Month) -> None:
    """The dollars of the first runaway trace are those of its calls, each worked out from its own attributes."""
    incident = _incident(month, "runaway_agent")
    assert len(incident["trace_ids"]) == incident["traces"]
    calls = [seen for seen in month.calls if seen.span.trace_id.hex() in incident["trace_ids"]]
    dollars = Decimal(0)
    for seen in calls:
        told = seen.attributes
        if "gen_ai.usage.input_tokens" in told:
            rates = {"gpt-4o": ("2.5", "1.25", "10"), "gemini-2.5-flash": ("0.3", "0.03", "2.5")}
            plain, cached, answer = (Decimal(rate) for rate in rates[told["gen_ai.request.model"]])
            read = told.get("gen_ai.usage.cache_read.input_tokens", 0)
            dollars += (told["gen_ai.usage.input_tokens"] - read) * plain / 1_000_000
            dollars += read * cached / 1_000_000 + told["gen_ai.usage.output_tokens"] * answer / 1_000_000
    assert Decimal(incident["cost"]) == dollars == Decimal(incident["excess_cost"])
    assert incident["calls"] == len(calls)


def test_the_regression_is_one_prompt_version_on_one_day(month: Month) -> None:
    """Its calls are those with the bad version; on other days the same prompt is several times shorter."""
    incident = _incident(month, "prompt_regression")
    prompts = [seen for seen in month.calls if seen.attributes.get("gen_ai.prompt.name") == incident["feature"]]
    bad = [seen for seen in prompts if seen.attributes["gen_ai.prompt.version"] == "v8"]
    good = [seen for seen in prompts if seen.attributes["gen_ai.prompt.version"] != "v8"]
    assert len(bad) == incident["calls"]
    assert {seen.span.trace_id.hex() for seen in bad} == set(incident["trace_ids"])
    assert len(incident["days"]) == 1
    assert _mean(bad) > 2 * _mean(good)


def test_the_storm_fails_and_pays_again(month: Month) -> None:
    """Many failed attempts within one hour, and answered requests that were sent again: those are its dollars."""
    incident = _incident(month, "retry_storm")
    calls = [seen for seen in month.calls if seen.span.trace_id.hex() in incident["trace_ids"]]
    assert incident["unpriced_by_reason"]["failed_no_usage"] > incident["calls"] // 5
    answered: set[tuple[str, str]] = set()
    again = Decimal(0)
    for seen in sorted(calls, key=lambda seen: seen.span.start_time_unix_nano):
        if "gen_ai.usage.input_tokens" in seen.attributes:
            request = seen.span.trace_id.hex(), seen.attributes["gen_ai.input.messages"]
            again += _cost(seen) or 0 if request in answered else 0
            answered.add(request)
    assert 0 < again == Decimal(incident["excess_cost"])


def test_the_cache_is_written_and_never_read(month: Month) -> None:
    """The auditor pays a quarter more for its input than without a cache."""
    incident = _incident(month, "cache_never_read")
    assert incident["tokens"]["cache_read"] == 0
    written = incident["tokens"]["cache_write"]
    assert Decimal(incident["excess_cost"]) == written * Decimal("0.75") / 1_000_000 > 0


def test_one_customer_loses_money(month: Month) -> None:
    """Every customer pays more than it costs, but for the one that the manifest names."""
    ledger = Ledger(month.plan)
    for block in blocks(month.plan):
        ledger.add(block)
    costs = month.manifest["by_customer"]
    rows = revenue_rows(month.plan, ledger)
    paid: Counter[str] = Counter()
    for row in rows:
        paid[row["customer"]] += row["amount"]
    losing = [customer for customer, amount in paid.items() if amount < Decimal(costs[customer]["cost"])]
    incident = _incident(month, "losing_customer")
    assert losing == [incident["customer"]]
    assert Decimal(incident["margin"]) == Decimal(incident["revenue"]) - Decimal(incident["cost"]) < 0
    assert paid[losing[0]] == Decimal(incident["revenue"])
    assert len(rows) == len({row["revenue_id"] for row in rows}) == 200 * len(month.plan.days)


def test_the_unknown_model_has_no_price(month: Month) -> None:
    """All its calls are unpriced, and their dollars are in no total."""
    incident = _incident(month, "unknown_model")
    assert incident["calls"] == incident["unpriced_calls"] == month.manifest["by_model"]["acme-internal-70b"]["calls"]
    assert incident["cost"] == "0"
    assert incident["tokens"]["input"] > 0


def test_outcomes_are_on_the_root_spans(month: Month) -> None:
    """The rows for the table of outcomes say what the root spans say."""
    rows = [row for block in blocks(month.plan) for row in outcome_rows(block)]
    told = {
        seen.span.trace_id.hex(): seen.attributes["spancost.outcome"]
        for seen in month.spans
        if "spancost.outcome" in seen.attributes
    }
    assert {row["task_id"]: row["outcome"] for row in rows} == told
    assert month.manifest["totals"]["outcomes"] == Counter(told.values())


def _incident(month: Month, kind: str) -> dict[str, Any]:
    return next(incident for incident in month.manifest["incidents"] if incident["kind"] == kind)


def _agents(month: Month) -> dict[tuple[bytes, bytes], str]:
    """The name of the nearest agent span above every span, by walking up."""
    by_id = {seen.id: seen for seen in month.spans}

    def name(seen: Seen) -> str:
        own = seen.attributes.get("gen_ai.agent.name") or seen.attributes.get("agent.name")
        return str(own) if own else name(by_id[seen.span.trace_id, seen.span.parent_span_id])

    return {seen.id: name(seen) for seen in month.spans}


def _model(seen: Seen) -> str:
    told = seen.attributes
    if "openinference.span.kind" in told:
        return "text-embedding-3-small" if told["openinference.span.kind"] == "EMBEDDING" else "gpt-4o-mini"
    return str(told["gen_ai.request.model"])


def _cost(seen: Seen) -> Decimal | None:
    """What one call costs, from its attributes alone; None when that cannot be known."""
    told = seen.attributes
    total = _first(told, "gen_ai.usage.input_tokens", "llm.token_count.prompt")
    if total is None:
        return None
    read = _first(told, *_CACHE_READ) or 0
    written = _first(told, "gen_ai.usage.cache_write.input_tokens", "gen_ai.usage.cache_creation.input_tokens") or 0
    answer = _first(told, "gen_ai.usage.output_tokens", "llm.token_count.completion") or 0
    return cost(_model(seen), (total - read - written, read, written, answer))


_CACHE_READ = (
    "gen_ai.usage.cache_read.input_tokens",
    "llm.token_count.prompt_details.cache_read",
    "ai.usage.inputTokenDetails.cacheReadTokens",
)


def _first(told: Mapping[str, Any], *keys: str) -> int | None:
    return next((told[key] for key in keys if key in told), None)


def _counted(calls: Iterable[Seen], key: Callable[[Seen], str]) -> dict[str, tuple[int, int, Decimal]]:
    """Calls, unpriced calls and dollars."""
    found: dict[str, tuple[int, int, Decimal]] = defaultdict(lambda: (0, 0, Decimal(0)))
    for seen in calls:
        number, unpriced, dollars = found[key(seen)]
        price = _cost(seen)
        found[key(seen)] = number + 1, unpriced + (price is None), dollars + (price or 0)
    return dict(found)


def _told(sums: Mapping[str, Any]) -> dict[str, tuple[int, int, Decimal]]:
    return {
        name: (found["calls"], found["unpriced_calls"], Decimal(found["cost"]))
        for name, found in sums.items()
        if found["calls"]
    }


def _mean(calls: list[Seen]) -> float:
    known = [seen.attributes["gen_ai.usage.input_tokens"] for seen in calls if _cost(seen) is not None]
    return sum(known) / len(known)
