"""A collector that does not come up says why."""

import pytest

from spancost.testing import Collector


def test_a_failed_start_shows_the_end_of_the_log(tmp_path):
    """The error holds what the process printed, so a test that fails at start need not be run again by hand."""
    collector = Collector(tmp_path / "data", {"SPANCOST_RECEIVE__NO_SUCH_KEY": "1"})

    with pytest.raises(RuntimeError, match=r"(?s)did not become ready.*NO_SUCH_KEY: no such key"):
        collector.start()
