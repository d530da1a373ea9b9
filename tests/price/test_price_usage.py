"""Usage and context as typed on the command line."""

from __future__ import annotations

import pytest

from spancost.errors import ConfigError
from spancost.price.resolve import CallKey
from spancost.price.usage import call_key, parse_context, parse_usage


@pytest.mark.parametrize(
    ("items", "meters"),
    [
        (["input_tokens=1000", "cache_read_tokens=400", "output_tokens=300"],
         {"input": 600, "cache_read": 400, "output": 300}),
        (["input_tokens=60000", "cache_read_tokens=40000", "cache_write_tokens=15000", "cache_write_5m_tokens=5000",
          "cache_write_1h_tokens=10000", "output_tokens=1200"],
         {"input": 5000, "cache_read": 40000, "cache_write_5m": 5000, "cache_write_1h": 10000, "output": 1200}),
        (["input_tokens=100", "cache_write_tokens=30"], {"input": 70, "cache_write_5m": 30}),
        (["input_tokens=100", "cache_write_1h_tokens=30"], {"input": 70, "cache_write_1h": 30}),
        (["input_tokens=5000", "input_audio_tokens=4000", "cache_read_tokens=1500", "cache_audio_read_tokens=1000",
          "output_tokens=2200", "output_audio_tokens=2000"],
         {"input": 500, "audio_input": 3000, "cache_read": 500, "audio_cache_read": 1000, "output": 200,
          "audio_output": 2000}),
        (["output_tokens=5000", "output_reasoning_tokens=4200"], {"output": 5000}),
        (["cache_read_tokens=7"], {"cache_read": 7}),
        (["input_tokens=0"], {"input": 0}),
        (["input=5", "cache_write_1h=2", "web_searches=3"], {"input": 5, "cache_write_1h": 2, "web_search": 3}),
        ([], {}),
    ],
)  # fmt: skip
def test_inclusive_counts_come_apart(items: list[str], meters: dict[str, int]) -> None:
    """Every token lands in exactly one meter, and what is not said stays unknown."""
    assert parse_usage(items) == meters


def test_perplexity_counts_reasoning_beside_its_output() -> None:
    """There, reasoning and citations are meters of their own, in no other count."""
    items = ["output_tokens=7163", "output_citation_tokens=20016", "output_reasoning_tokens=73997"]
    assert parse_usage(items, "perplexity") == {"output": 7163, "citation": 20016, "reasoning": 73997}


@pytest.mark.parametrize(
    ("items", "problem"),
    [
        (["input_tokens"], "not of the form name=count"),
        (["inputtokens=5"], "no such meter; the nearest are input_tokens, "),
        (["input_tokens=-5"], "not a whole number"),
        (["input_tokens=1.5"], "not a whole number"),
        (["input_tokens=1e3"], "not a whole number"),
        (["input_tokens=1", "input_tokens=2"], "input_tokens: given twice"),
        (["input_tokens=1", "input=2"], "input: given twice, by two names"),
        (["input_tokens=10", "cache_read_tokens=400"], "usage input: its parts are 390 more"),
        (["cache_read_tokens=1", "cache_audio_read_tokens=5"], "usage cache_read: its parts are 4 more"),
    ],
)
def test_wrong_usage_is_refused_with_its_words(items: list[str], problem: str) -> None:
    """What was typed is quoted, and what would be right is said."""
    with pytest.raises(ConfigError, match=problem):
        parse_usage(items)


def test_every_problem_is_reported_at_once() -> None:
    """Three mistakes, three lines."""
    with pytest.raises(ConfigError) as refused:
        parse_usage(["a=1", "input_tokens=x", "output_tokens"])
    assert len(refused.value.problems) == 3


def test_context_becomes_a_key() -> None:
    """Known names fill the key's fields; others are kept for the book to decide."""
    context = parse_context(["service_tier=flex", "inference_geo=us", "speed=fast"])
    assert call_key("openai", "gpt-5", context) == CallKey(
        "openai", "gpt-5", service_tier="flex", speed="fast", extra=(("inference_geo", "us"),)
    )


@pytest.mark.parametrize("item", ["service_tier", "=flex", "service_tier="])
def test_wrong_context_is_refused(item: str) -> None:
    """A name without a value, or the other way round, is no context."""
    with pytest.raises(ConfigError, match="name=value"):
        parse_context([item])
