"""Migrations: forward only, each once, and together what schema.sql says."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest
from store_rows import span, table

from spancost.store.client import Store, open_store
from spancost.store.errors import MigrationRefused
from spancost.store.migrate import (
    migrate,
    pending,
    shipped_migrations,
    shipped_schema,
    shipped_views,
    statements,
)

_TABLES = "SELECT name, engine_full, sorting_key, partition_key, comment FROM system.tables WHERE database = {d:String}"
_COLUMNS = (
    "SELECT table, position, name, type, default_kind, default_expression, comment, compression_codec "
    "FROM system.columns WHERE database = {d:String}"
)
_INDEXES = (
    "SELECT table, name, type_full, expr, granularity FROM system.data_skipping_indices WHERE database = {d:String}"
)
_VIEWS = "SELECT name, as_select FROM system.tables WHERE database = {d:String} AND engine = 'View'"


def _state(store: Store) -> list[list[str]]:
    asked = [store.query(sql, {"d": store.database}).to_pylist() for sql in (_TABLES, _COLUMNS, _INDEXES, _VIEWS)]
    return [sorted(str(row).replace(store.database, "DB") for row in rows) for rows in asked]


def test_migrations_amount_to_the_schema(embedded: Store, engine_dir: Path) -> None:
    """A database migrated from nothing and one made from schema.sql and views.sql are the same, comments included."""
    with open_store(f"chdb://{engine_dir}", f"{embedded.database}_fresh") as fresh:
        fresh.create_database()
        for script in (shipped_schema(), shipped_views()):
            for statement in statements(script.sql):
                fresh.command(statement)
        wanted = [[row.replace("DB_fresh", "DB") for row in rows] for rows in _state(fresh)]
        fresh.command(f"DROP DATABASE {fresh.database}")

    assert _state(embedded) == wanted


def test_a_second_run_does_nothing(embedded: Store) -> None:
    """Applied files are not applied again, and rows stay."""
    embedded.insert("spans_ledger", table(span(1)))

    assert (migrate(embedded), pending(embedded)) == ([], [])
    assert embedded.query("SELECT count() AS n FROM calls")["n"].to_pylist() == [1]


def test_a_run_that_stopped_half_way_is_finished_by_the_next(embedded: Store) -> None:
    """A file counts as applied only once all of it was, and every statement can be run again."""
    embedded.command("DROP TABLE revenue_ledger")
    embedded.command("TRUNCATE TABLE schema_migrations")

    assert migrate(embedded) == ["0001_ledgers.sql", "views.sql"]
    assert embedded.query("SELECT count() AS n FROM revenue")["n"].to_pylist() == [0]


def test_changed_views_are_made_again(embedded: Store) -> None:
    """A database with the views of another version gets those of this one."""
    embedded.command("DROP VIEW calls")
    embedded.command("ALTER TABLE schema_migrations UPDATE checksum = 'older' WHERE id = 0 SETTINGS mutations_sync = 1")

    assert migrate(embedded) == ["views.sql"]
    assert embedded.query("SELECT count() AS n FROM calls")["n"].to_pylist() == [0]


def test_a_changed_migration_is_refused(embedded: Store) -> None:
    """A shipped file that is not the one that was applied stops everything, and is named."""
    embedded.command("ALTER TABLE schema_migrations UPDATE checksum = 'abc' WHERE id = 1 SETTINGS mutations_sync = 1")

    with pytest.raises(MigrationRefused, match=r"0001_ledgers\.sql is not the file that was applied .*applied abc"):
        migrate(embedded)


def test_a_database_from_the_future_is_refused(embedded: Store) -> None:
    """An older version leaves a newer database alone."""
    embedded.command("INSERT INTO schema_migrations VALUES (9999, '9999_future.sql', 'x', now64(9))")

    with pytest.raises(MigrationRefused, match=r"made by a newer version: it has 9999_future\.sql"):
        pending(embedded)


def test_migrations_are_numbered_one_by_one() -> None:
    """No number is missing and none is used twice."""
    assert [script.id for script in shipped_migrations()] == list(range(1, len(shipped_migrations()) + 1))


def test_shipped_migrations_keep_their_bytes(root: Path) -> None:
    """A migration never changes once it is shipped: write a new one, and add its line to the list."""
    lines = (root / "src/spancost/store/sql/migrations/SHA256SUMS").read_text().splitlines()

    assert lines == [f"{script.checksum}  {script.name}" for script in shipped_migrations()]


def test_the_checksum_is_that_of_the_file(root: Path) -> None:
    """What is recorded is what `sha256sum` prints."""
    path = root / "src/spancost/store/sql/migrations/0001_ledgers.sql"

    assert shipped_migrations()[0].checksum == hashlib.sha256(path.read_bytes()).hexdigest()


def test_everything_in_the_database_is_explained(embedded: Store) -> None:
    """Every table, view and column carries a comment."""
    silent = "SELECT name FROM system.{} WHERE database = {{d:String}} AND comment = ''"

    assert embedded.query(silent.format("tables"), {"d": embedded.database}).to_pylist() == []
    assert embedded.query(silent.format("columns"), {"d": embedded.database}).to_pylist() == []


def test_views_say_of_a_column_what_its_table_says(embedded: Store) -> None:
    """A column that a view hands through has the type and the comment that it has in the table."""
    of_other_meaning = {"call_spans": {"list_cost", "cost", "cost_by_meter", "cost_status"}}
    sources = {"calls": "spans_ledger", "call_spans": "spans_ledger", "steps": "spans_ledger"}
    rows = embedded.query(_COLUMNS, {"d": embedded.database}).to_pylist()
    said = {(row["table"], row["name"]): (row["type"], row["comment"]) for row in rows}
    views = {row["table"] for row in rows if f"{row['table']}_ledger" in {other["table"] for other in rows}}

    different = [
        (view, name)
        for (view, name), meaning in said.items()
        if view in views | set(sources)
        and name not in of_other_meaning.get(view, ())
        and said.get((sources.get(view, f"{view}_ledger"), name), meaning) != meaning
    ]

    assert different == []


def test_statements_end_at_a_semicolon_that_ends_a_line() -> None:
    """Semicolons within a line and comments between statements are no statements."""
    sql = "-- head; of file\nSELECT ';' AS a;\n\n-- between\nSELECT 2\n;\n-- tail\n"

    assert [re.sub(r"\s+", " ", statement) for statement in statements(sql)] == [
        "-- head; of file SELECT ';' AS a",
        "-- between SELECT 2",
    ]
