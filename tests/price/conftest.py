"""The shipped book and a pricer over it, loaded once."""

from __future__ import annotations

import pytest

from spancost.price.book import Book, load_book
from spancost.price.pricer import Pricer, make_pricer


@pytest.fixture(scope="session")
def book() -> Book:
    """The price book in the package."""
    return load_book()


@pytest.fixture(scope="session")
def pricer(book: Book) -> Pricer:
    """A pricer over the shipped book."""
    return make_pricer(book)
