"""One client, two engines: everything here holds for the embedded engine and for a server alike."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from store_rows import NOON, span, table

from spancost.errors import ConfigError
from spancost.store.client import Store, open_store
from spancost.store.embedded import ENGINE_OPTIONS
from spancost.store.errors import StoreError, StoreRejected


class TestBothStores:
    def test_rows_come_back_as_they_went_in(self, store: Store) -> None:
        """Ids, times to the nanosecond, money to the last digit, maps and arrays survive the round trip."""
        sent = span(
            7,
            start_time=NOON + timedelta(microseconds=1),
            cost=Decimal("123456.123456789012"),
            tags={"tier": "gold, 'quoted'\n\\", "ü": "ß"},
            agent_path=["root", "leaf"],
            cost_by_meter={"input": Decimal("0.000000000001")},
            input_tokens=2**40,
            team="research",
        )
        store.insert("spans_ledger", table(sent))

        got = store.query("SELECT * FROM calls").to_pylist()[0]

        assert {name: got[name] for name in sent if name not in ("billing_role", "tags", "cost_by_meter")} == {
            name: value for name, value in sent.items() if name not in ("billing_role", "tags", "cost_by_meter")
        }
        assert (dict(got["tags"]), dict(got["cost_by_meter"])) == (sent["tags"], sent["cost_by_meter"])

    def test_a_column_that_is_null_throughout_is_null_in_the_table(self, store: Store) -> None:
        """Leaving a column out of an insert and sending it full of NULLs are the same."""
        store.insert("spans_ledger", table(span(1, cost=None)))

        assert store.query("SELECT cost, input_tokens FROM calls").to_pylist() == [{"cost": None, "input_tokens": None}]

    def test_an_insert_may_span_more_days_than_clickhouse_takes_partitions(self, store: Store) -> None:
        """Rows of 101 days go in with one call."""
        store.insert("spans_ledger", table(*(span(n, start_time=NOON - timedelta(days=n)) for n in range(101))))

        assert store.query("SELECT count() AS n FROM calls")["n"].to_pylist() == [101]

    def test_chunks_with_different_dictionaries_are_one_insert(self, store: Store) -> None:
        """A table pieced together from batches keeps every label."""
        store.insert("spans_ledger", pa.concat_tables([table(span(1, team="a")), table(span(2, team="b"))]))

        assert store.query("SELECT team FROM calls ORDER BY team")["team"].to_pylist() == ["a", "b"]

    def test_a_query_without_rows_has_its_columns(self, store: Store) -> None:
        """An empty answer is a table with columns, not nothing."""
        answer = store.query("SELECT team, cost FROM calls")

        assert (answer.column_names, len(answer)) == (["team", "cost"], 0)

    def test_parameters_are_values_and_never_sql(self, store: Store) -> None:
        """Quotes, backslashes, tabs and newlines arrive as they are."""
        hostile = "x' OR 1=1 --\t\\\n"

        answer = store.query("SELECT {a:String} AS a, {b:Array(String)} AS b, {c:Date} AS c", {
            "a": hostile, "b": [hostile, ""], "c": date(2026, 3, 2),
        })  # fmt: skip

        assert answer.to_pylist() == [{"a": hostile, "b": [hostile, ""], "c": date(2026, 3, 2)}]

    def test_settings_hold_for_one_query(self, store: Store) -> None:
        """A setting given with a query is not left behind for the next."""
        read = "SELECT toString(getSetting('max_block_size')) AS size"
        usual = store.query(read)["size"].to_pylist()

        assert store.query(read, settings={"max_block_size": 1234})["size"].to_pylist() == ["1234"]
        assert store.query(read)["size"].to_pylist() == usual

    def test_times_without_a_zone_are_utc(self, store: Store) -> None:
        """The zone of the machine or the server does not change what a statement means."""
        answer = store.query("SELECT timezone() AS zone, toUnixTimestamp(toDateTime('2026-03-02 12:00:00')) AS at")

        assert answer.to_pylist() == [{"zone": "UTC", "at": int(NOON.timestamp())}]

    def test_threads_share_a_store(self, store: Store) -> None:
        """Writers and readers at once lose nothing and block nobody for good."""

        def write(number: int) -> int:
            store.insert("spans_ledger", table(span(number)))
            return len(store.query("SELECT 1 FROM calls"))

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(write, range(24)))

        assert store.query("SELECT count() AS n FROM calls")["n"].to_pylist() == [24]

    @pytest.mark.parametrize(
        ("ask", "code"),
        [
            (lambda store: store.query("SELEC 1"), 62),
            (lambda store: store.query("SELECT * FROM nosuch"), 60),
            (lambda store: store.command("DROP TABLE nosuch"), 60),
            (lambda store: store.insert("nosuch", table(span(1))), 60),
            (lambda store: store.insert("spans_ledger", table(span(1)).append_column("nosuch", [[1]])), 16),
            (lambda store: store.query("SELECT {a:String}"), 456),
        ],
    )
    def test_what_would_fail_again_is_rejected(self, store: Store, ask: Callable[[Store], object], code: int) -> None:
        """A wrong statement is a permanent error with ClickHouse's code."""
        with pytest.raises(StoreRejected) as caught:
            ask(store)

        assert caught.value.code == code

    def test_what_may_work_later_is_worth_another_try(self, store: Store) -> None:
        """A query over its limit is a retryable error with ClickHouse's code."""
        with pytest.raises(StoreError) as caught:
            store.query("SELECT groupArray(number) FROM numbers(10000000)", settings={"max_memory_usage": 1000000})

        assert caught.value.code == 241

    def test_it_answers_a_ping(self, store: Store) -> None:
        """A store that works says so."""
        assert store.ping()


def test_rows_on_512_days_are_stored_once_each_however_often_they_are_sent(embedded: Store) -> None:
    """An insert may span any days, 1970 included, and sending it twice changes nothing."""
    days = [datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=n) for n in range(3)]
    days += [NOON - timedelta(days=n) for n in range(509)]
    rows = table(*(span(n, start_time=day) for n, day in enumerate(days)))
    embedded.insert("spans_ledger", rows)
    embedded.insert("spans_ledger", rows)

    counted = "SELECT count() AS n, uniqExact(toDate(start_time)) AS days, min(start_time) AS first FROM calls"

    assert embedded.query(counted).to_pylist() == [{"n": 512, "days": 512, "first": days[0]}]


def test_a_server_that_is_away_is_worth_another_try() -> None:
    """No answer at all is retryable and has no code, and nothing is contacted before the first call."""
    store = open_store("clickhouse://user:hunter2@127.0.0.1:9", "spancost")

    with pytest.raises(StoreError) as caught:
        store.query("SELECT 1")

    assert caught.value.code is None
    assert "hunter2" not in str(caught.value)


def test_a_wrong_password_is_said_without_saying_it(server_url: str) -> None:
    """The error of a refused login carries the server's code and not the password."""
    store = open_store(server_url.replace("p%40ss", "hunter2"), "spancost")

    with pytest.raises(StoreError) as caught:
        store.query("SELECT 1")

    assert (caught.value.code, "hunter2" in str(caught.value)) == (516, False)


def test_the_password_is_not_in_the_repr() -> None:
    """A store can be logged."""
    assert repr(open_store("clickhouses://u:hunter2@db.example", "x")) == (
        "Store(clickhouses://db.example:8443, database=x)"
    )


@pytest.mark.parametrize("url", ["", "chdb://", "chdb://host/dir", "clickhouse://", "http://host", "postgres://host/x"])
def test_a_url_of_another_kind_is_a_mistake_in_the_configuration(url: str) -> None:
    """What names no store is refused with what was wanted."""
    with pytest.raises(ConfigError, match=r"store\.url: want chdb:"):
        open_store(url, "spancost")


def test_the_engine_keeps_its_caches_small(ledgers: Store) -> None:
    """Inside the collector's process no cache may grow to a server's size."""
    asked = "SELECT name, toUInt64(value) AS bytes FROM system.server_settings WHERE name IN {names:Array(String)}"
    rows = ledgers.query(asked, {"names": list(ENGINE_OPTIONS)}).to_pylist()

    assert {row["name"]: row["bytes"] for row in rows} == ENGINE_OPTIONS


def test_a_closed_store_keeps_no_connection(engine_dir: Path) -> None:
    """Closing is safe twice, and a call that comes after it leaves no connection behind."""
    store = open_store(f"chdb://{engine_dir}", "shared")
    store.close()
    store.close()

    assert store.ping()
    assert store._idle == []
