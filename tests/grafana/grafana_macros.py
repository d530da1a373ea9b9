"""What Grafana and its ClickHouse plugin (4.20) make of a panel's SQL before ClickHouse sees it.

In this order: `$__conditionalAll` and dashboard variables in the browser (`src/data/CHDatasource.ts` of
https://github.com/grafana/clickhouse-datasource), then the time macros in the backend (`pkg/macros/macros.go`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

ALL = "$__all"
"""The value of a variable when everything is chosen."""
Values = str | Sequence[str]

_CONDITIONAL = "$__conditionalAll("
_VARIABLE_IN_MACRO = re.compile(r"(?<=\$\{)\w+(?=\})|(?<=\$)\w+")
_VARIABLE = re.compile(r"\$\{(?P<braced>\w+)(?::(?P<format>\w+))?\}|\$(?P<bare>\w+)")


@dataclass(frozen=True, slots=True)
class TimeRange:
    """The time range and interval of a dashboard."""

    since: datetime
    until: datetime
    interval_s: int = 60

    @property
    def seconds(self) -> tuple[int, int]:
        """Both ends as Unix time."""
        return int(self.since.timestamp()), int(self.until.timestamp())


def expand(sql: str, variables: Mapping[str, Values], time_range: TimeRange) -> str:
    """The SQL as it reaches ClickHouse. Raises ValueError when a variable or macro is left that nothing fills."""
    sql = _conditional_all(sql, variables)
    sql = _VARIABLE.sub(lambda found: _variable(found, variables), sql)
    for pattern, replacement in _macros(time_range):
        sql = re.sub(pattern, replacement, sql)
    if "$" in sql:
        raise ValueError(f"nothing fills {sql[sql.index('$') : sql.index('$') + 30]!r}")
    return sql


def _conditional_all(sql: str, variables: Mapping[str, Values]) -> str:
    """As in the plugin: the last macro first, and brackets are counted without regard to quotes."""
    while (start := sql.rfind(_CONDITIONAL)) >= 0:
        arguments, end = _arguments(sql, start + len(_CONDITIONAL))
        if len(arguments) != 2:
            raise ValueError(f"$__conditionalAll takes a condition and a variable: {sql[start:end]}")
        condition, variable = arguments
        name = _VARIABLE_IN_MACRO.search(variable.strip())
        chosen = variables[name[0]] if name else None
        everything = chosen in ("", ALL) or chosen == [ALL]
        sql = sql[:start] + ("1=1" if everything else condition) + sql[end:]
    return sql


def _arguments(sql: str, start: int) -> tuple[list[str], int]:
    depth, begin, found = 1, start, []
    for mark in re.finditer(r"[(),]", sql[start:]):
        depth += {"(": 1, ")": -1, ",": 0}[mark[0]]
        at = start + mark.start()
        if depth == 0 or (mark[0] == "," and depth == 1):
            found.append(sql[begin:at])
            begin = at + 1
        if depth == 0:
            return found, at + 1
    raise ValueError(f"no end: {sql[start:]}")


def _variable(found: re.Match[str], variables: Mapping[str, Values]) -> str:
    name = found["braced"] or found["bare"]
    if name.startswith("__"):
        return found[0]
    if name not in variables:
        raise ValueError(f"the dashboard has no variable {name}")
    chosen = variables[name]
    values = [chosen] if isinstance(chosen, str) else list(chosen)
    if found["format"] == "singlequote":
        return ",".join("'" + value.replace("'", "\\'") + "'" for value in values)
    raise ValueError(f"{found[0]}: only singlequote keeps values apart from SQL")


def _macros(time_range: TimeRange) -> list[tuple[str, str]]:
    since, until = time_range.seconds
    return [
        (r"\$__timeFilter\((\w+)\)", rf"\1 >= toDateTime({since}) AND \1 <= toDateTime({until})"),
        (r"\$__fromTime\b", f"toDateTime({since})"),
        (r"\$__toTime\b", f"toDateTime({until})"),
        (
            r"\$__timeInterval\((\w+)\)",
            rf"toStartOfInterval(toDateTime(\1), INTERVAL {time_range.interval_s} second)",
        ),
        (r"\$__interval_s\b", str(time_range.interval_s)),
    ]
