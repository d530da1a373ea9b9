"""The views: each row once, in the newest version, under every setting that a reader can reach."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from endpoint_client import Asker, served
from store_rows import NOON, outcome, span, table, task

from spancost.store.client import Store
from spancost.store.endpoint import endpoint_app
from spancost.store.migrate import migrate
from spancost.store.settings import HARMLESS, Limits

_LIMITS = {name: "1" for name in ("max_threads",)} | {
    name: str(Limits().of(name)) for name in ("max_execution_time", "max_memory_usage", "max_result_rows")
}
REACHABLE = sorted((HARMLESS | _LIMITS).items())
_SUMMARY = """
SELECT 'calls' AS view, team AS word, count() AS n, sum(cost) AS usd FROM calls GROUP BY word
UNION ALL SELECT 'spans', billing_role AS word, count(), sum(cost) FROM call_spans GROUP BY word
UNION ALL SELECT 'steps', team AS word, count(), NULL FROM steps GROUP BY word
UNION ALL SELECT 'spend', source AS word, count(), sum(cost) FROM spend GROUP BY word
UNION ALL SELECT 'tasks', outcome AS word, count(), sum(cost) FROM tasks GROUP BY word
"""
_WANTED = """[
('calls', 'new', 2, 0.75), ('spans', 'call', 2, 0.75), ('spans', 'duplicate', 1, -1),
('spend', 'adjustment', 1, 0), ('spend', 'call', 2, 0.75), ('tasks', 'failure', 1, 0.5), ('tasks', 'success', 2, 2.5)
]"""
_IS_RIGHT = (
    f"SELECT toUInt8(arraySort(groupArray((view, word, n, toFloat64(ifNull(usd, -1))))) = {_WANTED}) AS is_right"
)


@pytest.fixture(scope="module")
def restated(shown: Store) -> Iterator[Store]:
    """Call 1 goes to another team, call 2 turns out a duplicate, step 3 a call, call 4 is withdrawn."""
    shown.command("CREATE DATABASE restated")
    store = Store(shown._connect, "restated", "restated")
    migrate(store)
    store.command("SYSTEM STOP MERGES restated.spans_ledger")
    store.insert("spans_ledger", table(*(span(n, version=1, team="old") for n in (1, 2, 4)), span(3, "step", 1)))
    store.insert("adjustments_ledger", table({"adjustment_id": "x", "booked_at": NOON, "kind": "commitment"}))
    store.insert("tasks_ledger", table(task("t1", status="error"), task("t2"), task("t3", version=1)))
    store.insert("outcomes_ledger", table(outcome("t2", "success", NOON), outcome("t3", "failure", NOON)))
    restatement = table(
        span(1, version=2, team="new"),
        span(2, "duplicate", version=2, team="new"),
        span(3, "call", version=2, team="new", cost=Decimal("0.25")),
        span(4, version=2, is_deleted=1),
    )
    store.insert("spans_ledger", restatement)
    store.insert("tasks_ledger", table(task("t3", version=2, cost=Decimal("2"))))
    later = NOON + timedelta(hours=1)
    store.insert("outcomes_ledger", table(outcome("t3", "success", later, source="customer", version=2)))
    yield store
    store.close()
    shown.command("DROP DATABASE restated")


@pytest.fixture(scope="module")
def reader(restated: Store, engine_dir: Path) -> Iterator[Asker]:
    """The endpoint over that database."""
    with served(endpoint_app(str(engine_dir), restated.database, credentials=None, cores=2)) as asker:
        yield asker


def test_every_view_shows_the_newest_version_only(reader: Asker) -> None:
    """No ghost of an older role, team, cost or outcome stays in any view."""
    assert reader.ask(f"{_IS_RIGHT} FROM ({_SUMMARY})").text == "1"


@pytest.mark.parametrize(("name", "value"), REACHABLE)
def test_no_setting_that_a_reader_reaches_changes_that(reader: Asker, name: str, value: str) -> None:
    """Every view is right with it in the URL, in a SETTINGS clause around the views, and in one beneath."""
    clause = f"SETTINGS {name} = '{value}'"
    in_url = reader.ask(f"{_IS_RIGHT} FROM ({_SUMMARY})", url={name: value})
    around = reader.ask(f"{_IS_RIGHT} FROM ({_SUMMARY}) {clause}")
    subquery = f"(SELECT * FROM ({_SUMMARY}) {clause})"
    beneath = reader.ask(f"{_IS_RIGHT} FROM {subquery}")

    assert (in_url.text, around.text, beneath.text) == ("1", "1", "1")


@pytest.mark.parametrize(
    "setting",
    [
        "final = 0",
        "do_not_merge_across_partitions_select_final = 0",
        "use_skip_indexes_if_final = 1",
        "use_skip_indexes_if_final_exact_mode = 0",
        "optimize_move_to_prewhere_if_final = 1",
        "join_use_nulls = 1",
        "apply_deleted_mask = 0",
    ],
)
def test_settings_that_only_a_server_would_take_change_nothing_either(restated: Store, setting: str) -> None:
    """The views hold their own where no fence stands before them."""
    answer = restated.query(f"{_IS_RIGHT} FROM ({_SUMMARY}) SETTINGS {setting}")

    assert answer["is_right"].to_pylist() == [1]


def test_a_filter_cannot_be_applied_before_the_newest_version_is_chosen(reader: Asker) -> None:
    """A condition on a column that was restated finds no older version; PREWHERE, which would, is refused."""
    assert reader.ask("SELECT count() FROM calls WHERE team = 'old'").text == "0"
    assert reader.ask("SELECT count() FROM calls PREWHERE team = 'old'").code == 182


def test_only_a_call_carries_a_cost(ledgers: Store) -> None:
    """A duplicate and an aggregate keep their figures to themselves, so that no total counts a call twice."""
    known: dict[str, Any] = {"list_cost": Decimal("1"), "price_id": "p", "price_book": "b"}
    known["cost_by_meter"] = {"input": Decimal("0.5")}
    roles = ("call", "duplicate", "aggregate", "step")
    rows = [span(n, role, **known) for n, role in enumerate(roles)]
    ledgers.insert("spans_ledger", table(*rows))

    shown = "list_cost, cost, length(cost_by_meter) AS meters, cost_status, price_id, price_book"
    asked = f"SELECT billing_role, {shown} FROM call_spans ORDER BY span_id"
    got = ledgers.query(asked).to_pylist()

    none = {"list_cost": None, "cost": None, "meters": 0, "cost_status": "", "price_id": "", "price_book": ""}
    assert got == [
        {"billing_role": "call", "list_cost": Decimal("1"), "cost": Decimal("0.5"), "meters": 1}
        | {"cost_status": "priced", "price_id": "p", "price_book": "b"},
        {"billing_role": "duplicate"} | none,
        {"billing_role": "aggregate"} | none,
    ]


def test_the_latest_word_on_an_outcome_counts(ledgers: Store) -> None:
    """Of several judges the last one to speak is heard; a trace id stands for the task of that name."""
    ledgers.insert("tasks_ledger", table(task("t1"), task("t2")))
    later = NOON + timedelta(minutes=1)
    ledgers.insert(
        "outcomes_ledger",
        table(
            outcome("t1", "failure", later, source="customer", value=Decimal("-3")),
            outcome("t1", "success", NOON, source="judge", value=Decimal("9")),
            outcome("", "success", NOON, trace_id="t2"),
        ),
    )

    got = ledgers.query("SELECT task_id, outcome, outcome_source AS by, value FROM tasks ORDER BY task_id").to_pylist()

    assert got == [
        {"task_id": "t1", "outcome": "failure", "by": "customer", "value": Decimal("-3")},
        {"task_id": "t2", "outcome": "success", "by": "judge", "value": None},
    ]


def test_a_day_is_read_without_the_other_days(ledgers: Store) -> None:
    """A time range on a view leaves the partitions outside it unread, FINAL or not."""
    ledgers.insert("spans_ledger", table(*(span(n, start_time=NOON - timedelta(days=n)) for n in range(30))))
    day = "start_time >= '2026-03-01' AND start_time < '2026-03-02'"

    for view in ("calls", "call_spans", "spend"):
        asked = f"EXPLAIN indexes = 1 SELECT count() FROM {view} WHERE {day}"
        assert any(line.endswith("Parts: 1/30") for line in ledgers.query(asked)["explain"].to_pylist()), view


def test_the_endpoint_reads_a_day_without_the_other_days(reader: Asker, restated: Store) -> None:
    """The same through the endpoint, where the views cannot set their own settings."""
    days = (span(100 + n, start_time=NOON - timedelta(days=10 + n)) for n in range(5))
    restated.insert("spans_ledger", table(*days))
    plan = reader.ask("EXPLAIN indexes = 1 SELECT count() FROM calls WHERE start_time >= '2026-03-02'").text

    assert re.search(r"Min-Max(?:(?!Partition).)*Parts: 2/7", plan, re.DOTALL)


def test_a_trace_is_found_by_its_id(ledgers: Store) -> None:
    """A look-up by trace id uses the bloom filter, through the view."""
    ledgers.insert("spans_ledger", table(span(1)))

    plan = ledgers.query("EXPLAIN indexes = 1 SELECT * FROM calls WHERE trace_id = 'x'")["explain"].to_pylist()

    assert any("trace_id_bloom" in line for line in plan)


def test_costs_are_decimals_to_the_last_digit(ledgers: Store) -> None:
    """A sum of many tiny costs is exact and keeps twelve decimals."""
    tiny = Decimal("0.000000000001")
    ledgers.insert("spans_ledger", table(*(span(n, cost=tiny) for n in range(1000))))

    assert ledgers.query("SELECT sum(cost) AS usd FROM calls")["usd"].to_pylist() == [Decimal("0.000000001000")]
    assert ledgers.query("SELECT cost FROM calls").schema.field("cost").type == pa.decimal128(18, 12)
