"""genai-prices' own calculator agrees with the engine, for every model of the book, where both have a price."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal

import pytest
from genai_prices import Usage
from genai_prices.data_snapshot import DataSnapshot, get_snapshot
from price_tools import INPUT_METERS, Call, Cost, price

from spancost.price.book import Book, Clause, Model
from spancost.price.match import Found, find
from spancost.price.pricer import Pricer
from spancost.price.resolve import CallKey

ROUNDS = 3
SEED = 20261123


def literals(clause: Clause) -> list[str]:
    """Every text in a clause that could be a model's name."""
    ((kind, value),) = clause.items()
    if isinstance(value, str):
        return [] if kind == "regex" else [value]
    return [text for part in value for text in literals(part)]


def test_every_name_finds_the_model_that_genai_prices_finds(book: Book) -> None:
    """Matching agrees, provider by provider, for all names that occur in the data."""
    snapshot = get_snapshot()
    by_id = {provider.id: provider for provider in snapshot.providers}
    differing = []
    for provider_id, provider in book.providers.items():
        for name in {text for model in provider["models"] for text in (model["id"], *literals(model["match"]))}:
            theirs = by_id[provider_id].find_model(name, all_providers=snapshot.providers)
            ours = find(book, provider_id, "", name)
            if theirs and not (isinstance(ours, Found) and ours.model["id"] == theirs.id):
                differing.append((provider_id, name, theirs.id, ours))
    assert differing == []


def draw_usage(draw: random.Random, model: Model) -> dict[str, int]:
    """Disjoint usage of the meters that the model prices and of the common ones."""
    priced = {meter for entry in model["prices"] for meter in entry["meters"]}
    names = {"input", "output", "cache_read", "cache_write_5m", "audio_input", "audio_cache_read", "image_input",
             "audio_output", *priced} - {"cache_write", "request", "audio_seconds", "audio_input_seconds"}  # fmt: skip
    names -= {"cache_write_1h"} - priced
    size = draw.choice([100, 10_000, 400_000])
    usage = {name: draw.choice([0, draw.randrange(size)]) for name in sorted(names)}
    seconds = draw.randrange(4000) if priced & {"audio_seconds", "audio_input_seconds"} else 0
    return usage | {"input": draw.randrange(size), "output": draw.randrange(size), "audio_seconds": seconds}


def as_reported(usage: dict[str, int]) -> Usage:
    """The same usage in the inclusive counts that genai-prices reads."""
    get = usage.get
    inclusive = {
        "input_tokens": sum(get(name, 0) for name in INPUT_METERS),
        "output_tokens": sum(count for name, count in usage.items() if "output" in name and "seconds" not in name)
        + get("reasoning", 0) + get("citation", 0),
        "cache_read_tokens": get("cache_read", 0) + get("audio_cache_read", 0) + get("image_cache_read", 0),
        "cache_write_tokens": get("cache_write_5m", 0) + get("cache_write_1h", 0),
        "cache_write_1h_tokens": get("cache_write_1h", 0),
        "input_audio_tokens": get("audio_input", 0) + get("audio_cache_read", 0),
        "cache_audio_read_tokens": get("audio_cache_read", 0),
        "output_audio_tokens": get("audio_output", 0),
        "input_image_tokens": get("image_input", 0) + get("image_cache_read", 0),
        "cache_image_read_tokens": get("image_cache_read", 0),
        "output_image_tokens": get("image_output", 0),
        "input_video_tokens": get("video_input", 0),
        "output_video_tokens": get("video_output", 0),
        "output_reasoning_tokens": get("reasoning", 0),
        "output_citation_tokens": get("citation", 0),
        "audio_seconds": get("audio_seconds", 0),
        "input_audio_seconds": get("audio_seconds", 0),
        "input_characters": get("input_characters", 0),
        "input_text_messages": get("input_messages", 0),
        "input_document_pages": get("document_pages", 0) + get("annotated_document_pages", 0),
        "input_annotated_document_pages": get("annotated_document_pages", 0),
        "web_searches": get("web_search", 0),
        "storage_searches": get("file_search", 0),
    }  # fmt: skip
    return Usage(**inclusive)


def name_of(book: Book, provider_id: str, model: Model) -> str:
    """A name that means this model; '' for the few that only a pattern reaches or an earlier model hides."""
    for name in (model["id"], *literals(model["match"])):
        found = find(book, provider_id, "", name)
        if isinstance(found, Found) and found.model is model:
            return name
    return ""


def draw_call(draw: random.Random, provider_id: str, name: str, model: Model) -> tuple[Call, dict[str, str]]:
    """A call to the model at some time, in some billing context that the model has a price for."""
    moment = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=draw.randrange(3 * 365 * 86_400))
    contexts = [{}, *(dict(variant["when"]) for variant in model.get("variants", ()))]
    context = draw.choice(contexts)
    known = {name: context.get(name, "") for name in ("service_tier", "processing", "speed")}
    extra = tuple((name, value) for name, value in context.items() if name not in known)
    key = CallKey(provider_id, name, extra=extra, **known)
    return Call(key, draw_usage(draw, model), moment), context


def theirs(snapshot: DataSnapshot, call: Call, context: dict[str, str]) -> Decimal:
    """genai-prices' total for the call, rounded as ours is."""
    usage = as_reported(dict(call.usage))
    found = snapshot.calc(usage, call.key.request_model, call.key.provider, None, call.at, context)
    return found.total_price.quantize(Decimal("1e-12"), ROUND_HALF_EVEN)


def hours_without_a_list(book: Book, call: Call) -> bool:
    """Calls before a price list that came with hours: genai-prices cannot date hours, and prices them by that list."""
    found = find(book, call.key.provider, "", call.key.request_model)
    entries = found.model["prices"] if isinstance(found, Found) else ()
    return any("window" in entry and call.at.date().isoformat() < entry.get("from", "") for entry in entries)


Named = list[tuple[str, str, Model]]


@pytest.fixture(scope="module")
def named(book: Book) -> Named:
    """Every model of the book that has a name, with its provider."""
    models = ((provider["id"], model) for provider in book.providers.values() for model in provider["models"])
    found = [(provider_id, name_of(book, provider_id, model), model) for provider_id, model in models]
    return [row for row in found if row[1]]


def test_nearly_every_model_has_a_name(book: Book, named: Named) -> None:
    """The comparison below is of the whole book."""
    assert len(named) > 0.98 * sum(len(provider["models"]) for provider in book.providers.values())


@pytest.mark.parametrize("seed", range(SEED, SEED + ROUNDS))
def test_totals_agree_for_every_model(book: Book, pricer: Pricer, named: Named, seed: int) -> None:
    """One random call to each of the models, compared to 1e-12 dollars; and hardly any goes without a price."""
    draw = random.Random(seed)  # noqa: S311 - a repeatable draw, no secret
    snapshot = get_snapshot()
    drawn = [draw_call(draw, provider_id, name, model) for provider_id, name, model in named]
    found = price(pricer, *(call for call, _ in drawn))
    both = [
        (call, context, cost) for (call, context), cost in zip(drawn, found, strict=True)
        if cost.status == "priced" and not hours_without_a_list(book, call)
    ]  # fmt: skip
    wrong = [(call, cost.cost, theirs(snapshot, call, context)) for call, context, cost in both
             if cost.cost != theirs(snapshot, call, context)]  # fmt: skip
    assert wrong == []
    assert _reasons(found) <= {"no_price", "context_unpriced", "meter_unpriced"}
    assert len(both) > 0.8 * len(drawn), Counter(cost.reason for cost in found)


def _reasons(found: list[Cost]) -> set[str]:
    return {cost.reason.partition(":")[0] for cost in found if cost.reason}
