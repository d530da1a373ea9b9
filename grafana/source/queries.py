"""A panel's question: one file of `queries/`, its text and what its first comment says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

DIRECTORY = Path(__file__).resolve().parents[1] / "queries"
_FILTERS = "filters.sql"
_VIEW = re.compile(r"\bFROM (spancost\.\w+)")


@dataclass(frozen=True, slots=True)
class Query:
    """One question. `sql` still holds Grafana's macros and variables."""

    question: str
    """The first sentence of the file's comment."""
    caveat: str
    """The rest of the comment, '' when there is none."""
    sql: str
    views: tuple[str, ...]
    """The views that it reads."""


def load(name: str, dimension: str = "") -> Query:
    """`queries/<name>.sql`, with `{dimension}` named and `{filters}` replaced by the dashboards' common ones.

    The comment goes to the panel's description and not to Grafana, whose macros would read it too.
    """
    lines = (DIRECTORY / f"{name}.sql").read_text(encoding="utf-8").replace("{dimension}", dimension).splitlines()
    words = [line.removeprefix("--").strip() for line in lines if line.startswith("--")]
    sql = "\n".join(line for line in lines if not line.startswith("--"))
    question, mark, caveat = " ".join(words).partition("? ")
    filters = (DIRECTORY / _FILTERS).read_text(encoding="utf-8").strip()
    return Query(
        question=question + mark.strip(),
        caveat=caveat,
        sql=sql.replace("{filters}", filters),
        views=tuple(sorted(set(_VIEW.findall(sql)))),
    )
