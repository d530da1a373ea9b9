"""The price book in SQL: what calls were priced with can be joined to them."""

from __future__ import annotations

from datetime import datetime

import pyarrow as pa

from spancost.price.book import Book
from spancost.price.table import price_book_row, prices_table
from spancost.store.client import Store


def record_book(store: Store, book: Book, loaded_at: datetime) -> bool:
    """Put a book and its prices into `price_books` and `prices`, once; returns whether it was new."""
    known = store.query("SELECT count() AS n FROM price_books WHERE price_book = {book:String}", {"book": book.version})
    if known["n"].to_pylist() != [0]:
        return False
    row = price_book_row(book, loaded_at)
    row["price_book"] = row.pop("version")
    store.insert("prices_ledger", prices_table(book))
    store.insert("price_books_ledger", pa.Table.from_pylist([row]))
    return True
