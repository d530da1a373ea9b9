"""The port of Grafana's macros, against what the plugin itself makes of them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from grafana_macros import ALL, TimeRange, expand

RANGE = TimeRange(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC), 300)
TEAM = "$__conditionalAll(if(team = '', '(none)', team) IN (${team:singlequote}), $team)"


@pytest.mark.parametrize(
    ("macro", "sql"),
    [
        ("$__timeFilter(start_time)", "start_time >= toDateTime(1772323200) AND start_time <= toDateTime(1772409600)"),
        ("$__fromTime", "toDateTime(1772323200)"),
        ("$__toTime", "toDateTime(1772409600)"),
        ("$__timeInterval(t)", "toStartOfInterval(toDateTime(t), INTERVAL 300 second)"),
        ("$__interval_s", "300"),
    ],
)
def test_a_time_macro_is_what_the_plugin_makes_of_it(macro: str, sql: str) -> None:
    """Golden answers of the plugin's backend."""
    assert expand(macro, {}, RANGE) == sql


@pytest.mark.parametrize("everything", [ALL, [ALL], ""])
def test_everything_chosen_drops_the_condition(everything: str | list[str]) -> None:
    """The condition gives way to 1=1."""
    assert expand(f"WHERE {TEAM}", {"team": everything}, RANGE) == "WHERE 1=1"


@pytest.mark.parametrize(
    ("chosen", "quoted"),
    [("a", "'a'"), (["a", "b, c"], "'a','b, c'"), (["it's"], r"'it\'s'"), (["(none)"], "'(none)'")],
)
def test_chosen_values_are_quoted(chosen: str | list[str], quoted: str) -> None:
    """`singlequote` escapes the quote and lists the values."""
    assert expand(TEAM, {"team": chosen}, RANGE) == f"if(team = '', '(none)', team) IN ({quoted})"


@pytest.mark.parametrize("sql", ["$nobody", "${nobody:singlequote}", "$__notAMacro", "${team}", "${team:csv}"])
def test_what_nothing_fills_or_quotes_is_an_error(sql: str) -> None:
    """A typing error in a query can't pass as SQL."""
    with pytest.raises(ValueError, match=r"."):
        expand(sql, {"team": "a"}, RANGE)
