"""The SQL reference, made from the comments of the views: `python -m spancost.store.sqldoc > docs/sql.md`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import groupby
from tempfile import TemporaryDirectory
from typing import Any

from spancost.store.client import Store, open_store
from spancost.store.migrate import migrate

_HEAD = """\
# SQL reference

<!-- Made by `python -m spancost.store.sqldoc` from the comments in the database; change them in
src/spancost/store/sql/views.sql. -->

Everything to read is a view; `SELECT team, sum(cost) FROM spancost.calls GROUP BY team` is right as it stands.
Costs are USD, times UTC. NULL always means unknown, never zero; an empty string means not set.
"""
_COLUMNS = """
SELECT t.name AS view, t.comment AS about, c.name AS name, c.type AS type, c.comment AS comment
FROM system.columns AS c
INNER JOIN system.tables AS t ON t.database = c.database AND t.name = c.table
WHERE c.database = {database:String} AND t.engine = 'View'
ORDER BY indexOf({first:Array(String)}, view) = 0, indexOf({first:Array(String)}, view), view, c.position
"""
_FIRST = ("calls", "tasks", "steps", "spend", "call_spans")


def render(store: Store) -> str:
    """The reference of the views in this database, as Markdown."""
    rows = store.query(_COLUMNS, {"database": store.database, "first": list(_FIRST)}).to_pylist()
    parts = [_HEAD]
    for _, columns in groupby(rows, key=lambda row: row["view"]):
        parts.append("\n".join(_section(list(columns))))
    return "\n".join(parts)


def _section(columns: list[dict[str, Any]]) -> Iterator[str]:
    yield f"## {columns[0]['view']}\n"
    yield f"{columns[0]['about']}\n"
    yield "| column | type | meaning |"
    yield "|---|---|---|"
    for column in columns:
        yield f"| `{column['name']}` | `{column['type']}` | {column['comment'].replace('|', '&#124;')} |"
    yield ""


def main() -> None:
    """Print the reference of a fresh database."""
    with TemporaryDirectory() as directory, open_store(f"chdb://{directory}", "spancost") as store:
        migrate(store)
        sys.stdout.write(render(store))


if __name__ == "__main__":
    main()
