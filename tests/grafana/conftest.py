"""The dashboards, and a store to ask what their panels ask."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pytest
from grafana_boards import BOARDS
from grafana_macros import ALL, TimeRange, Values, expand
from grafana_rows import adjustments_ledger, spans_ledger

from spancost.store.client import open_store
from spancost.store.migrate import migrate
from spancost.store.session import Engine, Statement
from spancost.store.settings import Limits, session_settings

EVERYTHING: Mapping[str, Values] = dict.fromkeys(("environment", "team", "agent", "model"), ALL)


@dataclass(frozen=True, slots=True)
class Asker:
    """Asks through the fence of the read-only endpoint, as Grafana would."""

    engine: Engine

    def __call__(self, sql: str, time_range: TimeRange, **chosen: Values) -> pa.Table:
        """The answer to a panel's SQL, money as exact decimals. Raises what the endpoint refuses."""
        settings, _ = session_settings({}, Limits())
        statement = Statement(
            expand(sql, {**EVERYTHING, **chosen}, time_range), "spancost", {}, settings, "ArrowStream", str(uuid4())
        )
        with pa.ipc.open_stream(self.engine.read(statement).body) as stream:
            return stream.read_all()


@pytest.fixture(scope="session")
def ask(engine_dir: Path) -> Iterator[Asker]:
    """A store with the rows of `grafana_rows`. The dashboards name the database, so this is the one called spancost."""
    with open_store(f"chdb://{engine_dir}", "spancost") as store:
        migrate(store)
        store.command("SYSTEM STOP MERGES spancost.spans_ledger")
        store.insert("spans_ledger", spans_ledger())
        store.insert("adjustments_ledger", adjustments_ledger())
        engine = Engine(str(engine_dir), "spancost", Limits())
        yield Asker(engine)
        engine.close()
        store.command("DROP DATABASE spancost")


@pytest.fixture(scope="session")
def boards() -> dict[str, dict[str, Any]]:
    """Every shipped dashboard, by the name of its file."""
    return BOARDS


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """`board`, `panel` and `variable` stand for every one that is shipped."""
    every = {
        "board": BOARDS,
        "panel": {f"{name}-{panel['title']}": panel for name, board in BOARDS.items() for panel in board["panels"]},
        "variable": {
            f"{name}-{variable['name']}": variable
            for name, board in BOARDS.items()
            for variable in board["templating"]["list"]
            if variable["type"] == "query"
        },
    }
    for name in set(every) & set(metafunc.fixturenames):
        metafunc.parametrize(name, list(every[name].values()), ids=list(every[name]))


@pytest.fixture(scope="session")
def overview(boards: dict[str, dict[str, Any]]) -> dict[str, str]:
    """The SQL of the Overview's panels, by title."""
    return {panel["title"]: panel["targets"][0]["rawSql"] for panel in boards["spancost-overview"]["panels"]}
