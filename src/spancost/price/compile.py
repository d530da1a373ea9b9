"""Build the price book from the genai-prices data. Build time only: nothing at run time imports this module.

    python -m spancost.price.compile --date 2026-11-23 --out src/spancost/price/data

The same data and the same date give the same bytes, on every machine. See `book.py` for the file's shape.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import date, time
from decimal import Decimal
from fractions import Fraction
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any

from genai_prices import types as source
from genai_prices.data_snapshot import get_snapshot
from genai_prices.data_units import unit_data

from spancost.price.arithmetic import FEMTO_PER_USD
from spancost.price.meters import METER_BY_NAME

FORMAT = "spancost-pricebook/1"

# genai-prices' usage keys -> our meters. A price for a key that is not here stops the build: nothing is dropped unseen.
METER_OF_USAGE_KEY: Mapping[str, str] = {
    "input_tokens": "input",
    "output_tokens": "output",
    "cache_read_tokens": "cache_read",
    "cache_write_tokens": "cache_write",
    "cache_write_5m_tokens": "cache_write_5m",
    "cache_write_1h_tokens": "cache_write_1h",
    "output_reasoning_tokens": "reasoning",
    "output_citation_tokens": "citation",
    "input_audio_tokens": "audio_input",
    "cache_audio_read_tokens": "audio_cache_read",
    "output_audio_tokens": "audio_output",
    "input_image_tokens": "image_input",
    "cache_image_read_tokens": "image_cache_read",
    "output_image_tokens": "image_output",
    "input_video_tokens": "video_input",
    "output_video_tokens": "video_output",
    "audio_seconds": "audio_seconds",
    "input_audio_seconds": "audio_input_seconds",
    "output_audio_seconds": "audio_output_seconds",
    "input_characters": "input_characters",
    "input_text_messages": "input_messages",
    "input_pixels": "input_pixels",
    "input_document_pages": "document_pages",
    "input_annotated_document_pages": "annotated_document_pages",
    "rerank_searches": "rerank_search",
    "web_searches": "web_search",
    "social_searches": "social_search",
    "storage_searches": "file_search",
    "code_executions": "code_execution",
    "requests": "request",
}

# Groq bills at least ten seconds of audio a request (https://groq.com/pricing); genai-prices has this in its code.
MINIMUMS: Mapping[tuple[str, str], Mapping[str, int]] = {
    ("groq", "whisper-large-v3"): {"audio_seconds": 10, "audio_input_seconds": 10},
    ("groq", "whisper-large-v3-turbo"): {"audio_seconds": 10, "audio_input_seconds": 10},
}

Json = Any  # whatever json.dumps takes


def compile_book(providers: Sequence[source.Provider], data_version: str, day: date) -> tuple[str, bytes]:
    """The book's version and its file's bytes. `day` is when the data was taken; it names the book."""
    body = _body([_provider(provider) for provider in providers])
    digest = hashlib.sha256(body).hexdigest()
    version = f"{day.isoformat()}-{digest[:8]}"
    header = {
        "format": FORMAT,
        "version": version,
        "date": day.isoformat(),
        "sha256": digest,
        "source": {"name": "genai-prices", "version": data_version, "licence": "MIT",
                   "url": "https://github.com/pydantic/genai-prices"},
    }  # fmt: skip
    return version, b'{"header":' + _dump(header).encode() + b",\n" + body


def _body(providers: Sequence[Json]) -> bytes:
    """Everything after the file's first line, one model a line, so that a change reads well in a diff."""
    return ('"providers":[\n' + ",\n".join(_provider_lines(p) for p in providers) + "\n]}\n").encode()


def _provider_lines(provider: dict[str, Json]) -> str:
    models = ",\n".join(_dump(model) for model in provider["models"])
    head = _dump({key: value for key, value in provider.items() if key != "models"})
    return f'{head[:-1]},"models":[\n{models}\n]}}'


def _dump(value: Json) -> str:
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))


def _provider(provider: source.Provider) -> dict[str, Json]:
    return _without_empty({
        "id": provider.id,
        "name": provider.name,
        "urls": provider.pricing_urls,
        "comment": provider.price_comments,
        "provider_match": _clause(provider.provider_match) if provider.provider_match else None,
        "model_match": _clause(provider.model_match) if provider.model_match else None,
        "fallbacks": provider.fallback_model_providers,
        "models": [_model(provider.id, model) for model in provider.models],
    })  # fmt: skip


def _model(provider_id: str, model: source.ModelInfo) -> dict[str, Json]:
    dated = model.prices if isinstance(model.prices, list) else [source.ConditionalPrice(prices=model.prices)]
    return _without_empty({
        "id": model.id,
        "match": _clause(model.match),
        "comment": model.price_comments,
        "free": _is_published_as_free(model.id, dated),
        "minimums": MINIMUMS.get((provider_id, model.id)),
        "prices": _dated_windows([_conditions(e.constraint) | {"meters": _prices(e.prices)} for e in dated]),
        "variants": [_variant(variant) for variant in model.price_variants or ()],
    })  # fmt: skip


def _dated_windows(entries: Sequence[dict[str, Json]]) -> list[dict[str, Json]]:
    """A daily window belongs to the price list before it, so it starts on that one's day.

    genai-prices cannot say so (an entry has a date or a window), and prices earlier calls by a later list's hours.
    """
    first_day: dict[str, Json] = {}
    dated = []
    for entry in entries:
        first_day = {"from": entry["from"]} if "from" in entry else first_day
        dated.append(first_day | entry if "window" in entry else entry)
    return dated


def _is_published_as_free(model_id: str, dated: Sequence[source.ConditionalPrice]) -> bool:
    """An empty price means nothing by itself; with the `:free` that resellers put on an id it means free."""
    return model_id.endswith(":free") and not any(_prices(entry.prices) for entry in dated)


def _variant(variant: source.PriceVariant) -> dict[str, Json]:
    when = {name: value.lower() for name, value in variant.when.items()}
    return {"when": when} | _conditions(variant.constraint) | {"meters": _prices(variant.prices)}


def _conditions(constraint: source.StartDateConstraint | source.TimeOfDateConstraint | None) -> dict[str, Json]:
    if constraint is None:
        return {}
    if isinstance(constraint, source.StartDateConstraint):
        return {"from": constraint.start_date.isoformat()}
    return {"window": [_second_of_day(constraint.start_time), _second_of_day(constraint.end_time)]}


def _second_of_day(moment: time) -> int:
    offset = moment.utcoffset()
    if offset:
        raise ValueError(f"a time window in another zone than UTC: {moment!r}")
    return moment.hour * 3600 + moment.minute * 60 + moment.second


def _prices(prices: source.ModelPrice) -> dict[str, Json]:
    meters = {_meter(key): (key, value) for key, value in prices.__dict__.items() if value is not None}
    return {name: _tiered(*meters[name]) for name in METER_BY_NAME if name in meters}


def _meter(price_key: str) -> str:
    return METER_OF_USAGE_KEY[_USAGE_KEY_OF_PRICE_KEY[price_key]]


def _tiered(price_key: str, value: Decimal | source.TieredPrices) -> Json:
    """One price, or a list: the base price, then [start, price] for inputs above each start."""
    per = unit_data[_USAGE_KEY_OF_PRICE_KEY[price_key]]["per"]
    if isinstance(value, Decimal):
        return _femto_per_unit(value, per)
    return [_femto_per_unit(value.base, per), *([t.start, _femto_per_unit(t.price, per)] for t in value.tiers)]


def _femto_per_unit(usd: Decimal, per: int) -> int | str:
    """Exact: an integer nearly always; "numerator/denominator" where the division has a remainder (audio by hour)."""
    femto = Fraction(usd) * FEMTO_PER_USD / per
    return femto.numerator if femto.denominator == 1 else f"{femto.numerator}/{femto.denominator}"


def _clause(clause: source.MatchLogic) -> dict[str, Json]:
    if isinstance(clause, source.ClauseOr):
        return {"or": [_clause(part) for part in clause.or_]}
    if isinstance(clause, source.ClauseAnd):
        return {"and": [_clause(part) for part in clause.and_]}
    if isinstance(clause, source.ClauseRegex):
        return {"regex": clause.regex}
    if not isinstance(clause, _TEXT_CLAUSES):
        raise TypeError(f"a matching clause of an unknown kind: {clause!r}")
    ((kind, text),) = clause.__dict__.items()  # {"equals": "gpt-4o"} and its like
    return {kind: text.lower()}


def _without_empty(record: dict[str, Json]) -> dict[str, Json]:
    return {key: value for key, value in record.items() if value not in (None, [], {}, False)}


_TEXT_CLAUSES = (source.ClauseEquals, source.ClauseStartsWith, source.ClauseEndsWith, source.ClauseContains)
_USAGE_KEY_OF_PRICE_KEY = {unit["price_key"]: usage_key for usage_key, unit in unit_data.items()}


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the book into `--out` under its version's name; other books there stay."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--date", type=date.fromisoformat, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    version, content = compile_book(get_snapshot().providers, installed_version("genai-prices"), options.date)
    path = options.out / f"pricebook-{version}.json"
    path.write_bytes(content)
    print(path)


if __name__ == "__main__":
    main()
