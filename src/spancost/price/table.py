"""The book as rows for SQL: one per price row, meter and context tier, with its first and last day."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa

from spancost.price.arithmetic import quoted_usd
from spancost.price.book import Book, Model, Provider
from spancost.price.match import Found
from spancost.price.meters import meter_named
from spancost.price.resolve import FIRST_DAY, Plan, Sheet, plan_of_model

_COLUMNS: dict[str, pa.DataType] = {
    "price_book": pa.string(),
    "price_id": pa.string(),
    "provider": pa.string(),
    "model": pa.string(),
    "meter": pa.string(),
    "valid_from": pa.date32(),
    "valid_to": pa.date32(),
    "window": pa.string(),
    "variant": pa.string(),
    "input_above": pa.int64(),
    "unit_price": pa.decimal128(38, 18),
    "per": pa.int64(),
    "source": pa.string(),
}

PRICES_SCHEMA = pa.schema(_COLUMNS)


def prices_table(book: Book) -> pa.Table:
    """Every price in the book, in USD for `per` units.

    `valid_from` and `valid_to` (the first day after) are UTC days, null for open ends; `window` the hours of the day it
    holds for ('' all day); `variant` the billing context ('' the ordinary price); `input_above` the size of input above
    which it holds (0: any). `price_id` is the one stored with calls.
    """
    rows = [row for provider in book.providers.values() for row in _provider_rows(book.version, provider)]
    return pa.Table.from_pylist(rows, schema=PRICES_SCHEMA)


def price_book_row(book: Book, loaded_at: datetime) -> dict[str, str | int | datetime]:
    """The book's line in the table of books."""
    return {
        "version": book.version,
        "sha256": book.sha256,
        "date": book.date,
        "source": f"{book.source['name']} {book.source['version']}",
        "licence": book.source["licence"],
        "providers": len(book.providers),
        "models": sum(len(provider["models"]) for provider in book.providers.values()),
        "loaded_at": loaded_at.astimezone(UTC),
    }


def _provider_rows(version: str, provider: Provider) -> Iterator[dict[str, object]]:
    for model in provider["models"]:
        found = Found(provider["id"], provider, model, "", "")
        for context in _contexts(model):
            variant = ",".join(f"{name}={value}" for name, value in context.items())
            yield from _plan_rows(version, plan_of_model(found, context), variant)


def _contexts(model: Model) -> Iterator[Mapping[str, str]]:
    """The ordinary context, and that of each variant."""
    yield {}
    told = {tuple(sorted(variant["when"].items())): None for variant in model.get("variants", ()) if variant["meters"]}
    yield from map(dict, told)


def _plan_rows(version: str, plan: Plan, variant: str) -> Iterator[dict[str, object]]:
    ends = [*map(_date, plan.days[1:]), None]
    for end, sheets in zip(ends, plan.sheets, strict=True):
        distinct = {sheet.price_id: sheet for sheet in sheets if not sheet.reason}
        for sheet in distinct.values():
            yield from (row | {"valid_to": end, "variant": variant} for row in _sheet_rows(version, sheet))


def _sheet_rows(version: str, sheet: Sheet) -> Iterator[dict[str, object]]:
    for tier, prices in enumerate(sheet.tiers):
        for meter, price in prices.items():
            yield {
                "price_book": version,
                "price_id": sheet.tier_id(tier),
                "provider": sheet.owner,
                "model": sheet.model,
                "meter": meter,
                "valid_from": _date(sheet.first_day),
                "window": sheet.window,
                "input_above": sheet.thresholds[tier - 1] if tier else 0,
                "unit_price": quoted_usd(price, meter_named(meter).per),
                "per": meter_named(meter).per,
                "source": sheet.source,
            }


def _date(day: int) -> date | None:
    return None if day == FIRST_DAY else date(1970, 1, 1) + timedelta(day)
