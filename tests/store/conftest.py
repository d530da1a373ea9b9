"""Stores for the tests: the embedded engine of this process, and one in another process behind HTTP."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from endpoint_client import Asker, served
from store_rows import span, table

from spancost.store.client import Store, open_store
from spancost.store.endpoint import endpoint_app
from spancost.store.migrate import migrate

SERVER = Path(__file__).with_name("store_server.py")


@pytest.fixture
def database() -> str:
    """A database name that no other test uses."""
    return f"db_{uuid4().hex[:12]}"


@pytest.fixture
def embedded(engine_dir: Path, database: str) -> Iterator[Store]:
    """The embedded engine with an empty, migrated database of the test's own."""
    with open_store(f"chdb://{engine_dir}", database) as store:
        migrate(store)
        yield store
        store.command(f"DROP DATABASE {database}")


@pytest.fixture(scope="session")
def server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A ClickHouse server for `open_store`: the endpoint in another process, with writes and a password."""
    command = [sys.executable, str(SERVER), str(tmp_path_factory.mktemp("server"))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        yield f"clickhouse://tester:p%40ss@127.0.0.1:{port}"
        process.terminate()


@pytest.fixture(scope="session")
def embedded_store(engine_dir: Path) -> Iterator[Store]:
    """The embedded engine with a migrated database."""
    with open_store(f"chdb://{engine_dir}", "shared") as store:
        migrate(store)
        yield store
        store.command("DROP DATABASE shared")


@pytest.fixture(scope="session")
def server_store(server_url: str) -> Iterator[Store]:
    """The server with a migrated database."""
    with open_store(server_url, "shared") as store:
        migrate(store)
        yield store


@pytest.fixture
def ledgers(embedded_store: Store) -> Iterator[Store]:
    """The embedded engine with empty ledgers."""
    yield embedded_store
    _empty(embedded_store)


@pytest.fixture(params=["embedded_store", "server_store"], ids=["embedded", "server"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """Either kind of store, with empty ledgers."""
    either: Store = request.getfixturevalue(request.param)
    yield either
    _empty(either)


@pytest.fixture(scope="session")
def shown(engine_dir: Path) -> Iterator[Store]:
    """A migrated database with two calls, a duplicate and a step, which tests only read."""
    with open_store(f"chdb://{engine_dir}", "shown") as store:
        migrate(store)
        store.insert(
            "spans_ledger",
            table(span(1, team="a"), span(2, team="b"), span(3, "duplicate"), span(4, "step", kind="tool")),
        )
        yield store
        store.command("DROP DATABASE shown")


@pytest.fixture(scope="session")
def asker(engine_dir: Path, shown: Store) -> Iterator[Asker]:
    """A client of the read-only endpoint over the database `shown`."""
    with served(endpoint_app(str(engine_dir), "shown", credentials=None, cores=2)) as asker:
        yield asker


def _empty(store: Store) -> None:
    for ledger in ("spans_ledger", "tasks_ledger", "outcomes_ledger", "adjustments_ledger"):
        store.command(f"TRUNCATE TABLE {ledger}")
