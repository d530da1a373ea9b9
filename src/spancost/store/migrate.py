"""Bringing a database up to this version: numbered files, forward only, each applied once; then the views.

`sql/schema.sql` is what the files amount to, for reading; a test holds the two together.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files

import pyarrow as pa

from spancost.store.client import Store
from spancost.store.errors import MigrationRefused

_SQL = files("spancost.store") / "sql"
_VIEWS_ID = 0


@dataclass(frozen=True, slots=True)
class Script:
    """One file of SQL statements."""

    id: int
    """Number in the file's name; 0 for the views, which are applied again whenever they change."""
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the text, in hex."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrate(store: Store) -> list[str]:
    """Apply what is pending and return the names of the files, in order; an empty list when there was nothing to do.

    Raises `MigrationRefused`, before anything is changed, when an applied file is not the one that is shipped.
    """
    store.create_database()
    todo = pending(store)
    for script in todo:
        for statement in statements(script.sql):
            store.command(statement)
        store.insert("schema_migrations", _journal_row(script))
    return [script.name for script in todo]


def pending(store: Store) -> list[Script]:
    """The shipped files that this database has not seen, in the order to apply them. The database must exist."""
    applied = _applied(store)
    shipped = shipped_migrations()
    _refuse_other_history(applied, shipped)
    views = shipped_views()
    todo = [script for script in shipped if script.id not in applied]
    return [*todo, views] if todo or applied.get(_VIEWS_ID, ("", ""))[1] != views.checksum else []


def shipped_migrations() -> list[Script]:
    """The numbered files, in order."""
    found = (path for path in (_SQL / "migrations").iterdir() if path.name.endswith(".sql"))
    scripts = [Script(int(path.name.split("_")[0]), path.name, path.read_text()) for path in found]
    return sorted(scripts, key=lambda script: script.name)


def shipped_views() -> Script:
    """The views of this version."""
    return Script(_VIEWS_ID, "views.sql", (_SQL / "views.sql").read_text())


def shipped_schema() -> Script:
    """The tables as they are once every migration is applied."""
    return Script(_VIEWS_ID, "schema.sql", (_SQL / "schema.sql").read_text())


def statements(sql: str) -> Iterator[str]:
    """The statements of a file. Each ends with a semicolon at the end of a line."""
    for part in re.split(r";[ \t]*\n", sql):
        if re.sub(r"--[^\n]*", "", part).strip():
            yield part.strip()


def _applied(store: Store) -> dict[int, tuple[str, str]]:
    journal = "SELECT 1 FROM system.tables WHERE database = {database:String} AND name = 'schema_migrations'"
    if not len(store.query(journal, {"database": store.database})):
        return {}
    rows = store.query("SELECT id, name, checksum FROM schema_migrations FINAL ORDER BY id").to_pylist()
    return {row["id"]: (row["name"], row["checksum"]) for row in rows}


def _refuse_other_history(applied: Mapping[int, tuple[str, str]], shipped: list[Script]) -> None:
    known = {script.id: script for script in shipped}
    for number, (name, checksum) in applied.items():
        if number == _VIEWS_ID:
            continue
        if number not in known:
            raise MigrationRefused(
                f"the database was made by a newer version: it has {name}, which is not shipped here"
            )
        if known[number].checksum != checksum:
            raise MigrationRefused(
                f"{known[number].name} is not the file that was applied to this database "
                f"(SHA-256 {known[number].checksum}, applied {checksum}); applied migrations never change"
            )


def _journal_row(script: Script) -> pa.Table:
    columns = {"id": pa.array([script.id], pa.uint32()), "name": [script.name], "checksum": [script.checksum]}
    return pa.table(columns | {"applied_at": pa.array([datetime.now(UTC)], pa.timestamp("ns", "UTC"))})
