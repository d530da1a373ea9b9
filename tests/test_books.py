"""The price book in the store."""

from datetime import UTC, datetime

import pytest

from spancost.books import record_book
from spancost.price.book import load_book
from spancost.store.client import open_store
from spancost.store.migrate import migrate

NOW = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.fixture
def store(engine_dir):
    with open_store(f"chdb://{engine_dir}", "books") as opened:
        opened.create_database()
        migrate(opened)
        yield opened
        opened.command("DROP DATABASE books")


def test_a_book_is_recorded_once_with_its_prices(store):
    """gpt-4o costs 2.50 USD a million input tokens (https://openai.com/api/pricing); a second start adds nothing."""
    book = load_book()

    first, second = (record_book(store, book, NOW) for _ in range(2))

    found = store.query(
        "SELECT unit_price, per FROM prices"
        " WHERE provider = 'openai' AND price_id = 'openai/gpt-4o' AND meter = 'input' AND variant = ''"
    )
    books = store.query("SELECT price_book, count() AS n FROM price_books GROUP BY ALL")
    assert (first, second) == (True, False)
    assert [(str(row["unit_price"].normalize()), row["per"]) for row in found.to_pylist()] == [("2.5", 1000000)]
    assert books.to_pylist() == [{"price_book": book.version, "n": 1}]
