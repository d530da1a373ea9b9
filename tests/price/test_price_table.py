"""The book as rows for SQL."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from spancost.price.book import Book
from spancost.price.pricer import Pricer
from spancost.price.resolve import CallKey, Sheet
from spancost.price.table import PRICES_SCHEMA, price_book_row, prices_table


@pytest.fixture(scope="module")
def rows(book: Book) -> list[dict[str, Any]]:
    """The table's rows."""
    table: pa.Table = prices_table(book)
    assert table.schema == PRICES_SCHEMA
    return table.to_pylist()


def test_gpt_4o_is_quoted_as_published(rows: list[dict[str, Any]]) -> None:
    """2.50, 1.25 and 10 dollars a million; the flex-like variants are rows of their own."""
    ordinary = {row["meter"]: row for row in rows if row["price_id"] == "openai/gpt-4o"}
    assert {meter: ordinary[meter]["unit_price"] for meter in ("input", "cache_read", "output")} == {
        "input": Decimal("2.5"), "cache_read": Decimal("1.25"), "output": Decimal(10),
    }  # fmt: skip
    assert {row["per"] for row in ordinary.values()} == {1_000_000, 1_000}
    priority = [row for row in rows if row["price_id"] == "openai/gpt-4o@2026-10-12/priority"]
    assert {(row["meter"], row["unit_price"], row["variant"]) for row in priority} >= {
        ("input", Decimal("4.25"), "service_tier=priority")
    }


def test_a_price_cut_is_two_rows_that_meet(rows: list[dict[str, Any]]) -> None:
    """The first ends on the day the second begins."""
    o3 = [row for row in rows if row["model"] == "o3" and row["provider"] == "openai" and row["meter"] == "input"]
    assert [(row["valid_from"], row["valid_to"], row["unit_price"]) for row in o3 if not row["variant"]] == [
        (None, date(2025, 6, 10), Decimal(10)), (date(2025, 6, 10), None, Decimal(2)),
    ]  # fmt: skip


def test_no_price_is_listed_twice(rows: list[dict[str, Any]]) -> None:
    """At any moment, one row for a model, meter, hour window, variant and tier."""
    names = ("provider", "model", "meter", "valid_from", "window", "variant", "input_above")
    seen = Counter(tuple(row[name] for name in names) for row in rows)
    assert [key for key, times in seen.items() if times > 1] == []


def test_every_price_a_call_can_get_is_in_the_table(book: Book, pricer: Pricer, rows: list[dict[str, Any]]) -> None:
    """The price id stored with a call joins to its rows, meter by meter."""
    listed = {(row["price_id"], row["meter"]) for row in rows}
    missing = [
        (sheet.tier_id(tier), meter)
        for sheet in _sheets(book, pricer)
        for tier, prices in enumerate(sheet.tiers)
        for meter in prices
        if (sheet.tier_id(tier), meter) not in listed
    ]
    assert missing == []


def test_the_line_of_a_book(book: Book) -> None:
    """Version, hash and source, with the time it came into force as given."""
    row = price_book_row(book, datetime(2026, 11, 23, tzinfo=UTC))
    assert row["version"] == book.version
    assert row["source"] == f"genai-prices {book.source['version']}"
    assert row["loaded_at"] == datetime(2026, 11, 23, tzinfo=UTC)
    assert row["models"] == sum(len(provider["models"]) for provider in book.providers.values())


def _sheets(book: Book, pricer: Pricer) -> Iterator[Sheet]:
    for provider in book.providers.values():
        for model in provider["models"]:
            for variant in ({}, *(dict(variant["when"]) for variant in model.get("variants", ()))):
                known = {name: variant.get(name, "") for name in ("service_tier", "processing", "speed")}
                extra = tuple((name, value) for name, value in variant.items() if name not in known)
                plan = pricer.plan(CallKey(provider["id"], model["id"], extra=extra, **known))
                yield from (sheet for row in plan.sheets for sheet in row if not sheet.reason)
