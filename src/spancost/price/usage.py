"""Usage and context as people type them (`input_tokens=1000`, `service_tier=flex`), turned into disjoint meters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from types import MappingProxyType

from spancost.errors import ConfigError
from spancost.price.meters import METER_BY_NAME
from spancost.price.resolve import CallKey

# Counts that contain others, as OpenTelemetry and the providers report them: input_tokens is everything the model
# read, from the cache or not; output_tokens everything it wrote, reasoning included.
INCLUSIVE = (
    "input_tokens", "cache_read_tokens", "cache_write_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens",
    "input_audio_tokens", "cache_audio_read_tokens", "input_image_tokens", "cache_image_read_tokens",
    "input_video_tokens", "output_tokens", "output_audio_tokens", "output_image_tokens", "output_video_tokens",
    "output_reasoning_tokens", "output_citation_tokens", "input_document_pages",
)  # fmt: skip

# Counts that contain nothing else, by the names that they are reported under.
PLAIN = MappingProxyType({
    "input_audio_seconds": "audio_input_seconds",
    "output_audio_seconds": "audio_output_seconds",
    "input_text_messages": "input_messages",
    "input_annotated_document_pages": "annotated_document_pages",
    "rerank_searches": "rerank_search",
    "web_searches": "web_search",
    "social_searches": "social_search",
    "storage_searches": "file_search",
    "file_searches": "file_search",
    "code_executions": "code_execution",
    "requests": "request",
})  # fmt: skip

# Who reports reasoning and citation tokens beside output_tokens instead of inside it.
# Source: https://docs.perplexity.ai/getting-started/pricing
COUNTS_OUTPUT_EXCLUSIVELY = frozenset({"perplexity"})

_KEY_FIELDS = ("service_tier", "processing", "region", "speed")


def parse_usage(items: Sequence[str], provider: str = "") -> dict[str, int]:
    """Disjoint meters from `name=count` items: inclusive reported names, or our meters' own.

    The provider matters only where it counts output exclusively. Raises ConfigError with every problem found.
    """
    reported = _counts(items)
    meters = {PLAIN.get(name, name): count for name, count in reported.items() if name not in INCLUSIVE}
    derived = disjoint({name: count for name, count in reported.items() if name in INCLUSIVE}, provider)
    problems = [f"usage {name}: given twice, by two names" for name in sorted(meters.keys() & derived.keys())]
    problems += [f"usage {name}: its parts are {-count} more than it" for name, count in derived.items() if count < 0]
    if problems:
        raise ConfigError(problems)
    return meters | derived


def disjoint(reported: Mapping[str, int], provider: str = "") -> dict[str, int]:
    """Inclusive counts taken apart: what is left of each total when its parts are gone. Pure arithmetic.

    A total that is not reported stays unknown (absent) though its parts are known. A meter below zero means that the
    counts contradict each other; the caller decides. Cache writes of no stated lifetime count as the short ones.
    """
    get = reported.get
    long_write = get("cache_write_1h_tokens", 0)
    written = get("cache_write_tokens", get("cache_write_5m_tokens", 0) + long_write)
    parts = {
        "cache_read": get("cache_read_tokens", 0) - get("cache_audio_read_tokens", 0)
        - get("cache_image_read_tokens", 0),
        "cache_write_5m": written - long_write,
        "cache_write_1h": long_write,
        "audio_input": get("input_audio_tokens", 0) - get("cache_audio_read_tokens", 0),
        "audio_cache_read": get("cache_audio_read_tokens", 0),
        "image_input": get("input_image_tokens", 0) - get("cache_image_read_tokens", 0),
        "image_cache_read": get("cache_image_read_tokens", 0),
        "video_input": get("input_video_tokens", 0),
    }  # fmt: skip
    meters = {name: count for name, count in parts.items() if count}
    if "input_tokens" in reported:
        meters["input"] = reported["input_tokens"] - sum(parts.values())
    if "input_document_pages" in reported:
        meters["document_pages"] = reported["input_document_pages"] - get("input_annotated_document_pages", 0)
    return meters | _disjoint_output(reported, provider.strip().lower())


def _disjoint_output(reported: Mapping[str, int], provider: str) -> dict[str, int]:
    names = {"audio_output": "output_audio_tokens", "image_output": "output_image_tokens",
             "video_output": "output_video_tokens"}  # fmt: skip
    parts = {meter: reported[name] for meter, name in names.items() if reported.get(name)}
    beside = {"reasoning": reported.get("output_reasoning_tokens", 0),
              "citation": reported.get("output_citation_tokens", 0)}  # fmt: skip
    meters = dict(parts)
    if "output_tokens" in reported:
        meters["output"] = reported["output_tokens"] - sum(parts.values())
    if provider in COUNTS_OUTPUT_EXCLUSIVELY:
        meters |= {meter: count for meter, count in beside.items() if count}
    return meters


def parse_context(items: Sequence[str]) -> dict[str, str]:
    """Billing context from `name=value` items, such as `service_tier=flex`. Raises ConfigError with every problem."""
    problems = [f"context {item!r}: not of the form name=value" for item in items if not all(item.partition("="))]
    if problems:
        raise ConfigError(problems)
    return {name.strip(): value.strip() for name, _, value in (item.partition("=") for item in items)}


def call_key(provider: str, model: str, context: Mapping[str, str]) -> CallKey:
    """The key of a call with that context, the model taken as the one that was requested."""
    known = {name: context.get(name, "") for name in _KEY_FIELDS}
    extra = tuple(sorted((name, value) for name, value in context.items() if name not in _KEY_FIELDS))
    return CallKey(provider=provider, request_model=model, extra=extra, **known)


def _counts(items: Sequence[str]) -> dict[str, int]:
    problems = [problem for item in items if (problem := _problem(item))]
    names = [item.partition("=")[0].strip() for item in items]
    problems += [f"usage {name}: given twice" for name in sorted({name for name in names if names.count(name) > 1})]
    if problems:
        raise ConfigError(problems)
    return {name: int(item.partition("=")[2]) for name, item in zip(names, items, strict=True)}


def _problem(item: str) -> str:
    name, equals, value = item.partition("=")
    known = {*INCLUSIVE, *PLAIN, *METER_BY_NAME}
    if not equals:
        return f"usage {item!r}: not of the form name=count"
    if name.strip() not in known:
        nearest = get_close_matches(name.strip(), sorted(known), n=3, cutoff=0)
        return f"usage {name!r}: no such meter; the nearest are {', '.join(nearest)}"
    if not (value.strip().isascii() and value.strip().isdigit()):
        return f"usage {item!r}: the count is not a whole number, zero or more"
    return ""
