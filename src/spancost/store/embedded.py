"""How the embedded engine is opened: one set of options, whoever opens it first."""

from __future__ import annotations

import os
from collections.abc import Mapping
from urllib.parse import urlencode

MIB = 1 << 20
ENGINE_OPTIONS: Mapping[str, int] = {
    "index_mark_cache_size": 16 * MIB,
    "mark_cache_size": 64 * MIB,
    "primary_index_cache_size": 64 * MIB,
    "query_condition_cache_size": 16 * MIB,
}
"""Caches whose defaults (5 GiB each) are meant for a server of its own, not for an engine inside another process."""


def engine_path(directory: str) -> str:
    """The directory as the engine knows it: it compares paths letter by letter, and opens only one in a process."""
    return os.path.realpath(directory)


def connection_string(directory: str) -> str:
    """What chDB opens: the directory and the options, which hold when it is the first to open it."""
    return f"{engine_path(directory)}?{urlencode(ENGINE_OPTIONS)}"
