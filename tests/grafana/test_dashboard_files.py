"""What can be said of a dashboard by reading it."""

from __future__ import annotations

import re
import subprocess
import sys
from itertools import combinations
from typing import Any

from grafana_boards import GRAFANA

from spancost.store.migrate import shipped_views

Json = dict[str, Any]
UNITS = {"currencyUSD", "percentunit", "short", "locale", "dateTimeAsIso"}
"""Of Grafana's 273; one that it does not know is shown as text behind the number."""
BUILT_IN = {"__url_time_range", "__data"}
_MACROS = {"timeFilter", "fromTime", "toTime", "conditionalAll"}
"""Those that every version of the plugin has and that keep their meaning from the embedded engine to a server."""
_VARIABLE = re.compile(r"\$\{(\w+)[^}]*\}|\$(?!__)(\w+)")


def test_dashboards_are_what_the_source_says() -> None:
    """The committed JSON is the generator's, byte for byte."""
    check = subprocess.run(
        [sys.executable, GRAFANA / "build.py", "--check"], capture_output=True, text=True, check=False
    )
    assert (check.returncode, check.stderr) == (0, "")


def test_every_query_file_is_asked(boards: dict[str, Json]) -> None:
    """No SQL lies about that no panel and no variable uses."""
    asked = " ".join(_squeezed(sql) for board in boards.values() for sql in _sql(board))
    for path in (GRAFANA / "queries").glob("*.sql"):
        sql = "\n".join(line for line in path.read_text().splitlines() if not line.startswith("--"))
        longest = max(re.split(r"\{\w+\}|\$\{\w+\}", _squeezed(sql)), key=len)
        assert longest in asked, path.name


def test_a_board_can_be_provisioned(board: Json) -> None:
    """It brings its uid, no id, and nothing that only an export has."""
    assert re.fullmatch(r"[a-z0-9-]{1,40}", board["uid"])
    assert board["id"] is None
    assert not board["editable"]
    assert not {"version", "__inputs", "__requires", "__elements"} & set(board)
    assert re.fullmatch(r"[1-9]\d*[mh]", board["refresh"])
    assert "spancost" in board["tags"]
    assert board["timezone"] == "utc"


def test_a_board_leads_to_the_others_and_keeps_what_was_chosen(board: Json) -> None:
    """By tag, with the time range and the variables."""
    assert [(link["tags"], link["keepTime"], link["includeVars"]) for link in board["links"]] == [
        (["spancost"], True, True)
    ]


def test_panels_have_ids_titles_and_places_of_their_own(board: Json) -> None:
    """Nothing overlaps, nothing leaves the 24 columns."""
    panels = board["panels"]
    assert len({panel["id"] for panel in panels}) == len({panel["title"] for panel in panels}) == len(panels) <= 20
    for panel in panels:
        place = panel["gridPos"]
        assert place["x"] >= 0
        assert place["x"] + place["w"] <= 24
    for one, other in combinations([panel["gridPos"] for panel in panels], 2):
        apart = (
            one["x"] + one["w"] <= other["x"]
            or other["x"] + other["w"] <= one["x"]
            or one["y"] + one["h"] <= other["y"]
            or other["y"] + other["h"] <= one["y"]
        )
        assert apart, (one, other)


def test_a_panel_says_what_it_shows_and_from_where(panel: Json) -> None:
    """A question, its source, a unit Grafana knows, and what to do when there is nothing."""
    assert re.search(r"\w\? .*Source: spancost\.\w+(, spancost\.\w+)*\.$", panel["description"])
    config = panel["fieldConfig"]
    assert len(config["defaults"]["noValue"]) >= 8
    properties = [item for override in config["overrides"] for item in override["properties"]]
    units = {item["value"] for item in properties if item["id"] == "unit"} | {config["defaults"].get("unit", "short")}
    assert units <= UNITS


def test_columns_with_settings_exist(panel: Json) -> None:
    """An override by name names a column that the query selects, or a series that stands for others."""
    names = {
        item["matcher"]["options"] for item in panel["fieldConfig"]["overrides"] if item["matcher"]["id"] == "byName"
    }
    selected = set(re.findall(r'"(\w[^"]*)"', panel["targets"][0]["rawSql"]))
    assert names <= selected | {"other", "(not set)"}


def test_a_target_is_sql_for_the_chosen_data_source(panel: Json) -> None:
    """A time series for a chart over time, a table for everything else."""
    [target] = panel["targets"]
    assert target["datasource"] == panel["datasource"] == {"type": "grafana-clickhouse-datasource", "uid": "${ds}"}
    assert (target["editorType"], target["format"]) == ("sql", 0 if panel["type"] == "timeseries" else 1)


def test_sql_reads_views_by_plain_macros(board: Json) -> None:
    """Only views, only macros of every plugin version; nothing that ad-hoc filters could not be added to."""
    views = set(re.findall(r"CREATE OR REPLACE VIEW (\w+)", shipped_views().sql))
    for sql in _sql(board):
        assert set(re.findall(r"(?:FROM|JOIN) (\w[\w.]*)", sql)) <= {f"spancost.{view}" for view in views}
        assert set(re.findall(r"\$__(\w+)", sql)) <= _MACROS
        assert not re.search(r"\bSETTINGS\b|\bFORMAT\b|;|--", sql)


def test_no_sql_is_for_one_tracer_only(board: Json) -> None:
    """Whoever made the spans, the panels show them."""
    assert not [sql for sql in _sql(board) if re.search(r"\bdialect\b|telemetry_sdk|\bservice\b", sql)]


def test_every_panel_obeys_every_variable(board: Json) -> None:
    """The filters at the top hold for all that is below them."""
    names = [variable["name"] for variable in board["templating"]["list"] if variable["type"] == "query"]
    for panel in board["panels"]:
        for name in names:
            assert f"IN (${{{name}:singlequote}}), ${name})" in panel["targets"][0]["rawSql"], (panel["title"], name)


def test_variables_that_are_used_exist(board: Json) -> None:
    """In SQL and in links."""
    there = {variable["name"] for variable in board["templating"]["list"]}
    for text in [*_sql(board), *_links(board)]:
        used = {one or other for one, other in _VARIABLE.findall(text)}
        assert used - BUILT_IN <= there


def test_links_lead_to_shipped_boards_and_keep_the_time_range(board: Json, boards: dict[str, Json]) -> None:
    """A link names a dashboard that exists, takes the range along and quotes what the row says."""
    for url in _links(board):
        found = re.match(r"/d/([\w-]+)\?", url)
        assert found
        assert found[1] in boards
        assert "${__url_time_range}" in url
        assert all(field.endswith(":percentencode") for field in re.findall(r"\$\{__data\.fields\.([^}]*)\}", url))


def test_a_model_has_one_colour_everywhere(boards: dict[str, Json]) -> None:
    """Every chart by model has the same rules, and no rule depends on which other models are there."""
    charts = [panel for board in boards.values() for panel in board["panels"] if panel["title"].endswith("by model")]
    assert charts
    for chart in charts:
        assert chart["fieldConfig"]["overrides"] == charts[0]["fieldConfig"]["overrides"]
        assert chart["fieldConfig"]["defaults"]["color"] == {"mode": "palette-classic-by-name"}


def test_the_overview_shows_what_is_unknown_beside_what_is_known(boards: dict[str, Json]) -> None:
    """Money, unpriced and attributed share are in the first row, which the smallest screen shows."""
    first = [panel["title"] for panel in boards["spancost-overview"]["panels"] if panel["gridPos"]["y"] == 0]
    assert first == ["Spend", "Run rate per day", "Month forecast", "Calls", "Unpriced", "Spend with a team"]


def _sql(board: Json) -> list[str]:
    variables = [item["query"] for item in board["templating"]["list"] if item["type"] == "query"]
    return [panel["targets"][0]["rawSql"] for panel in board["panels"]] + variables


def _links(board: Json) -> list[str]:
    overrides = [override for panel in board["panels"] for override in panel["fieldConfig"]["overrides"]]
    properties = [item for override in overrides for item in override["properties"] if item["id"] == "links"]
    return [link["url"] for item in properties for link in item["value"]]


def _squeezed(sql: str) -> str:
    return " ".join(sql.split())
