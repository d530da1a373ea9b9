"""The Overview: what do we spend, on what, what changed, and how much of it is known?"""

from __future__ import annotations

from source.board import board
from source.colours import colours, palette
from source.panels import Json, Panel, Place, bars_per_day, link, override, stat, step, table
from source.queries import load

UID = "spancost-overview"
VARIABLES = ("environment", "team", "agent", "model")
_USD = "currencyUSD"
_SEND = "No priced calls here: choose a longer time range, clear the filters, or point an OTLP exporter at port 4317."
_NONE, _UNKNOWN = "none known", "unknown"


def overview() -> Json:
    """The dashboard."""
    return board(
        UID,
        "Spancost / Overview",
        "What model calls cost, for whom, and what changed.",
        VARIABLES,
        [*_answers(), *_days(), *_tables()],
        since="now-13d/d",
    )


def _answers() -> list[Json]:
    """The row that is always in sight: the money, and beside it how much of it is known and has an owner."""
    pace = "Needs a day of priced calls"
    return [
        stat(
            Panel(1, "Spend", Place(0, 0, 6, 4), load("spend"), "No priced calls yet"),
            _USD,
            decimals=2,
            overrides=[override("Change", unit="percentunit", decimals=1, noValue="Needs a last period")],
        ),
        stat(Panel(2, "Run rate per day", Place(6, 0, 4, 4), load("run_rate"), pace), _USD, decimals=2),
        stat(Panel(3, "Month forecast", Place(10, 0, 4, 4), load("forecast"), pace), _USD, decimals=2),
        stat(Panel(4, "Calls", Place(14, 0, 3, 4), load("calls"), "No calls"), "short"),
        stat(
            Panel(5, "Unpriced", Place(17, 0, 3, 4), load("unpriced_share"), "No calls yet"),
            "percentunit",
            decimals=1,
            steps=[step("green"), step("yellow", 0.01), step("red", 0.05)],
        ),
        stat(
            Panel(6, "Spend with a team", Place(20, 0, 4, 4), load("attributed_share"), "No priced calls yet"),
            "percentunit",
            decimals=1,
            steps=[step("red"), step("yellow", 0.8), step("green", 0.95)],
        ),
    ]


def _days() -> list[Json]:
    return [
        _by_day(7, "team", Place(0, 4, 12, 8)),
        _by_day(8, "model", Place(12, 4, 12, 8)),
        _by_day(9, "agent", Place(0, 12, 12, 8)),
        _by_day(10, "provider", Place(12, 12, 12, 8)),
    ]


def _by_day(number: int, dimension: str, place: Place) -> Json:
    panel = Panel(number, f"Spend per day by {dimension}", place, load("spend_per_day", dimension), _SEND)
    return bars_per_day(panel, _USD, palette(dimension), colours(dimension))


def _tables() -> list[Json]:
    return [_teams(), _agents(), _unpriced()]


def _teams() -> Json:
    jump = {"mode": "absolute", "steps": [step("text"), step("orange", 0.25), step("red", 1)]}
    return table(
        Panel(11, "Teams against last period", Place(0, 20, 10, 12), load("teams_against_last_period"), _SEND),
        [
            override("Team", links=[_only("team", "Team")]),
            _money("Spend", 90),
            _money("Last period", 105),
            _money("Change", 90),
            override(
                "Change %",
                unit="percentunit",
                decimals=0,
                noValue=_UNKNOWN,
                custom__width=85,
                custom__cellOptions={"type": "color-text"},
                thresholds=jump,
            ),
        ],
        "Spend",
    )


def _agents() -> Json:
    return table(
        Panel(12, "Top agents", Place(10, 20, 14, 12), load("top_agents"), _SEND),
        [
            override("Agent", links=[_only("agent", "Agent")]),
            _money("Spend", 95),
            override("Share", unit="percentunit", decimals=0, noValue=_UNKNOWN, custom__width=80),
            _count("Calls", 85),
            _count("Tasks", 80),
            _money("Cost per task", 115, decimals=4),
            _count("Unpriced", 85),
        ],
        "Spend",
    )


def _unpriced() -> Json:
    empty = "No unpriced calls in this time range."
    return table(
        Panel(13, "Models without a price, latest first", Place(0, 32, 24, 6), load("unpriced_models"), empty),
        [
            override("Last seen", unit="dateTimeAsIso", custom__width=160),
            override("Provider", custom__width=120),
            _count("Calls", 90),
            _count("Input tokens", 120),
            _count("Output tokens", 120),
        ],
        "Last seen",
    )


def _money(column: str, width: int, decimals: int = 2) -> Json:
    return override(column, unit=_USD, decimals=decimals, noValue=_NONE, custom__width=width)


def _count(column: str, width: int) -> Json:
    return override(column, unit="locale", decimals=0, noValue=_NONE, custom__width=width)


def _only(variable: str, column: str) -> Json:
    """A link to this dashboard with one variable set to the row's value, the others and the time range kept."""
    kept = "".join(f"&${{{name}:queryparam}}" for name in ("ds", *VARIABLES) if name != variable)
    url = f"/d/{UID}?var-{variable}=${{__data.fields.{column}:percentencode}}{kept}&${{__url_time_range}}"
    return link(f"Show only this {variable}", url)
