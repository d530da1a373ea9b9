"""Fixtures that every test folder shares."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def engine_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The one directory for the embedded engine of this test process.

    The engine opens one path for the life of a process, so every test that needs it takes this directory and a
    database name of its own; a test that needs a second path starts a second process.
    """
    return tmp_path_factory.mktemp("engine")


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT
