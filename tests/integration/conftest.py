"""A running collector for the tests of this folder."""

from collections.abc import Iterator

import pytest

from spancost.testing import Collector


@pytest.fixture(scope="session")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    """One real collector for the session: tests tell their rows apart by a service name of their own."""
    with Collector(tmp_path_factory.mktemp("collector") / "data") as running:
        yield running
