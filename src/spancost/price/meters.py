"""The meters: what usage is counted in, how each is quoted, and whose price it takes when it has none of its own."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Side = Literal["input", "output", "other"]

_MILLION = 1_000_000
_THOUSAND = 1_000


@dataclass(frozen=True, slots=True)
class Meter:
    """One kind of consumption. Meters are disjoint: a token counts in exactly one.

    `per` is the number of units a price is quoted for. `chain` names the price rows that fit, most specific first:
    a cached token of a model without a cache price is an input token.
    """

    name: str
    per: int
    side: Side
    is_token: bool
    chain: tuple[str, ...]


def _token(name: str, side: Side, *fallbacks: str) -> Meter:
    return Meter(name, _MILLION, side, True, (name, *fallbacks))


def _count(name: str, per: int, *fallbacks: str, side: Side = "other") -> Meter:
    return Meter(name, per, side, False, (name, *fallbacks))


# The order is fixed: it breaks ties when a total is cut into its parts. New meters go to the end of their group.
# `cache_write_1h` has no fallback on purpose: it costs more than the short write, and how much more is the provider's.
METERS: tuple[Meter, ...] = (
    _token("input", "input"),
    _token("cache_read", "input", "input"),
    _token("cache_write", "input", "input"),
    _token("cache_write_5m", "input", "cache_write", "input"),
    _token("cache_write_1h", "input"),
    _token("output", "output"),
    _token("reasoning", "output", "output"),
    _token("citation", "output", "output"),
    _token("audio_input", "input", "input"),
    _token("audio_cache_read", "input", "cache_read", "audio_input", "input"),
    _token("audio_output", "output", "output"),
    _token("image_input", "input", "input"),
    _token("image_cache_read", "input", "cache_read", "image_input", "input"),
    _token("image_output", "output", "output"),
    _token("video_input", "input", "input"),
    _token("video_output", "output", "output"),
    _count("audio_seconds", 3600),
    _count("audio_input_seconds", 3600, "audio_seconds", side="input"),
    _count("audio_output_seconds", 3600, "audio_seconds", side="output"),
    _count("input_characters", _MILLION, side="input"),
    _count("input_messages", _THOUSAND, side="input"),
    _count("input_pixels", 1_000_000_000, side="input"),
    _count("document_pages", _THOUSAND, side="input"),
    _count("annotated_document_pages", _THOUSAND, "document_pages", side="input"),
    _count("rerank_search", _THOUSAND),
    _count("web_search", _THOUSAND),
    _count("social_search", _THOUSAND),
    _count("file_search", _THOUSAND),
    _count("code_execution", _THOUSAND),
    _count("request", _THOUSAND),
)

METER_BY_NAME = MappingProxyType({meter.name: meter for meter in METERS})
METER_ORDER = MappingProxyType({meter.name: position for position, meter in enumerate(METERS)})


def meter_named(name: str) -> Meter:
    """The meter of that name. A name nobody declared is its own meter, counted singly and priced by no other row."""
    return METER_BY_NAME.get(name) or Meter(name, 1, "other", False, (name,))


def in_meter_order(names: set[str]) -> tuple[str, ...]:
    """Declared meters in their fixed order, then the others by name."""
    return tuple(sorted(names, key=lambda name: (METER_ORDER.get(name, len(METERS)), name)))
