"""A collector of their own for the pages: what it holds is what they send."""

from collections.abc import Iterator

import pytest

from spancost.testing import Collector


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    """A real collector with an empty store."""
    with Collector(tmp_path_factory.mktemp("docs") / "data") as running:
        yield running
