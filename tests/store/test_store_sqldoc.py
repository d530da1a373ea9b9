"""docs/sql.md says what the comments in the database say."""

from __future__ import annotations

from pathlib import Path

from spancost.store.client import Store
from spancost.store.sqldoc import render


def test_the_sql_reference_is_up_to_date(shown: Store, root: Path) -> None:
    """After a change of views.sql: `.venv/bin/python -m spancost.store.sqldoc > docs/sql.md`."""
    assert (root / "docs/sql.md").read_text() == render(shown)


def test_the_reference_starts_with_what_is_read_most(shown: Store) -> None:
    """Calls come first, and every view is there once."""
    views = [line[3:] for line in render(shown).splitlines() if line.startswith("## ")]

    assert views[:5] == ["calls", "tasks", "steps", "spend", "call_spans"]
    assert sorted(views) == sorted(
        shown.query("SELECT name FROM system.tables WHERE database = 'shown' AND engine = 'View'")["name"].to_pylist()
    )
