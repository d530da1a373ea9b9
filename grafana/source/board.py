"""What the dashboards have in common: variables, links, refresh, the time zone."""

from __future__ import annotations

from collections.abc import Sequence

from source.panels import DATASOURCE, Json
from source.queries import load

DATASOURCE_NAME, DATASOURCE_UID = "Spancost", "spancost"
TAG = "spancost"
_SCHEMA_VERSION = 41
_HIDDEN = 2
_ON_TIME_RANGE_CHANGE = 2


def board(uid: str, title: str, description: str, variables: Sequence[str], panels: Sequence[Json], since: str) -> Json:
    """A dashboard over the columns `variables` of spancost.spend, from `since` until now, in UTC."""
    return {
        "id": None,
        "uid": uid,
        "title": title,
        "description": description,
        "tags": [TAG],
        "schemaVersion": _SCHEMA_VERSION,
        "editable": False,
        "graphTooltip": 1,
        "timezone": "utc",
        "weekStart": "",
        "time": {"from": since, "to": "now"},
        "timepicker": {"refresh_intervals": ["1m", "5m", "15m", "1h"]},
        "refresh": "5m",
        "fiscalYearStartMonth": 0,
        "liveNow": False,
        "preload": False,
        "annotations": {"list": []},
        "links": [_to_the_others()],
        "templating": {"list": [_datasource(), *(_variable(name) for name in variables)]},
        "panels": list(panels),
    }


def _to_the_others() -> Json:
    return {
        "type": "dashboards",
        "title": "Spancost dashboards",
        "tooltip": "The other dashboards, with the same time range and filters",
        "tags": [TAG],
        "asDropdown": True,
        "keepTime": True,
        "includeVars": True,
        "targetBlank": False,
        "icon": "external link",
        "url": "",
    }


def _datasource() -> Json:
    return {
        "name": "ds",
        "type": "datasource",
        "label": "Data source",
        "description": "The ClickHouse data source that reads Spancost. Choose another with var-ds=UID in the address.",
        "query": DATASOURCE["type"],
        "current": {"text": DATASOURCE_NAME, "value": DATASOURCE_UID, "selected": False},
        "hide": _HIDDEN,
        "includeAll": False,
        "multi": False,
        "options": [],
        "refresh": 1,
        "regex": "",
        "skipUrlSync": False,
    }


def _variable(name: str) -> Json:
    query = load("variable", name)
    return {
        "name": name,
        "type": "query",
        "label": name.capitalize(),
        "description": f"{query.question} Source: {', '.join(query.views)}.",
        "datasource": dict(DATASOURCE),
        "query": query.sql,
        "definition": query.sql,
        "current": {"text": ["All"], "value": ["$__all"], "selected": True},
        "hide": 0,
        "includeAll": True,
        "multi": True,
        "options": [],
        "refresh": _ON_TIME_RANGE_CHANGE,
        "regex": "",
        "skipUrlSync": False,
        "sort": 0,
    }
