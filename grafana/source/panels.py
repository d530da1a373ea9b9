"""Grafana's dashboard JSON, as far as these dashboards use it. Every function returns plain dicts.

The fields are those of Grafana's dashboard schema (https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from source.queries import Query

Json = dict[str, Any]
DATASOURCE: Mapping[str, str] = {"type": "grafana-clickhouse-datasource", "uid": "${ds}"}
PLUGIN_VERSION = "4.20.0"
_TIME_SERIES, _TABLE = 0, 1


@dataclass(frozen=True, slots=True)
class Place:
    """Where a panel is, in columns (24 a row) and rows of Grafana's grid."""

    x: int
    y: int
    w: int
    h: int


@dataclass(frozen=True, slots=True)
class Panel:
    """What every panel has. `id` stays as it is for good: alerts and links name it."""

    id: int
    title: str
    place: Place
    query: Query
    empty: str
    """What to do when there is nothing to show."""


def stat(
    panel: Panel, unit: str, *, decimals: int | None = None, steps: Sequence[Json] = (), overrides: Sequence[Json] = ()
) -> Json:
    """One row of numbers, in large letters. `steps` colours the number by its value."""
    defaults: Json = {"unit": unit, "color": {"mode": "thresholds"}, "thresholds": _thresholds(steps)}
    if decimals is not None:
        defaults["decimals"] = decimals
    if steps:
        defaults["mappings"] = [_colourless_null(panel.empty)]
    options = {
        "reduceOptions": {"values": False, "calcs": ["lastNotNull"], "fields": "/.*/"},
        "orientation": "vertical",
        "textMode": "auto",
        "colorMode": "value",
        "graphMode": "none",
        "justifyMode": "auto",
        "wideLayout": True,
        "showPercentChange": False,
    }
    return _panel("stat", panel, _TABLE, defaults, overrides, options)


def bars_per_day(panel: Panel, unit: str, palette: str, overrides: Sequence[Json]) -> Json:
    """Stacked bars, one a day. `palette` is Grafana's colour mode for the series without an override."""
    defaults = {
        "unit": unit,
        "min": 0,
        "color": {"mode": palette},
        "custom": {
            "drawStyle": "bars",
            "barAlignment": 1,
            "barWidthFactor": 0.8,
            "fillOpacity": 80,
            "lineWidth": 0,
            "gradientMode": "none",
            "showPoints": "never",
            "spanNulls": False,
            "axisPlacement": "auto",
            "stacking": {"mode": "normal", "group": "A"},
            "hideFrom": {"legend": False, "tooltip": False, "viz": False},
        },
    }
    options = {
        "legend": {
            "showLegend": True, "displayMode": "table", "placement": "right", "calcs": ["sum"],
            "sortBy": "Total", "sortDesc": True,
        },
        "tooltip": {"mode": "multi", "sort": "desc", "hideZeros": False},
    }  # fmt: skip
    return _panel("timeseries", panel, _TIME_SERIES, defaults, overrides, options)


def table(panel: Panel, overrides: Sequence[Json], sort_by: str) -> Json:
    """Rows with a column each for what the query selects."""
    defaults: Json = {
        "color": {"mode": "thresholds"},
        "thresholds": _thresholds(()),
        "custom": {"align": "auto", "cellOptions": {"type": "auto"}, "filterable": False, "minWidth": 60},
    }
    options = {
        "showHeader": True,
        "cellHeight": "sm",
        "footer": {"show": False, "reducer": ["sum"], "countRows": False, "fields": ""},
        "sortBy": [{"displayName": sort_by, "desc": True}],
    }
    return _panel("table", panel, _TABLE, defaults, overrides, options)


def override(name: str, **properties: Any) -> Json:
    """Settings for the series or column of that name; `custom__width` stands for `custom.width`."""
    return {
        "matcher": {"id": "byName", "options": name},
        "properties": [{"id": key.replace("__", "."), "value": value} for key, value in properties.items()],
    }


def step(color: str, from_value: float | None = None) -> Json:
    """A colour from a value on; without a value, from minus infinity on."""
    return {"color": color, "value": from_value}


def link(title: str, url: str) -> Json:
    """A link on the values of a column."""
    return {"title": title, "url": url, "targetBlank": False}


def _panel(kind: str, panel: Panel, result: int, defaults: Json, overrides: Sequence[Json], options: Json) -> Json:
    place, query = panel.place, panel.query
    return {
        "id": panel.id,
        "type": kind,
        "title": panel.title,
        "description": _description(query),
        "datasource": dict(DATASOURCE),
        "gridPos": {"x": place.x, "y": place.y, "w": place.w, "h": place.h},
        "targets": [target(query, result)],
        "fieldConfig": {"defaults": {**defaults, "noValue": panel.empty}, "overrides": list(overrides)},
        "options": options,
        "links": [],
        "transparent": False,
    }


def target(query: Query, result: int) -> Json:
    """A query as the ClickHouse plugin keeps it; `result` 0 is a time series, 1 a table."""
    return {
        "refId": "A",
        "datasource": dict(DATASOURCE),
        "editorType": "sql",
        "rawSql": query.sql,
        "format": result,
        "queryType": "timeseries" if result == _TIME_SERIES else "table",
        "pluginVersion": PLUGIN_VERSION,
        "meta": {},
    }


def _description(query: Query) -> str:
    return " ".join(part for part in (query.question, query.caveat, f"Source: {', '.join(query.views)}.") if part)


def _colourless_null(text: str) -> Json:
    """Without it, what is unknown takes the colour of the lowest step, as if it were good or bad."""
    return {"type": "special", "options": {"match": "null", "result": {"text": text, "color": "text", "index": 0}}}


def _thresholds(steps: Sequence[Json]) -> Json:
    return {"mode": "absolute", "steps": list(steps) or [step("text")]}
