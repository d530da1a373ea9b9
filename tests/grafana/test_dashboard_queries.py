"""What the panels answer, asked of the embedded engine through the endpoint's fence, against sums by plain Python."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from grafana_macros import TimeRange
from grafana_rows import (
    ADJUSTMENTS,
    BILL,
    CALLS,
    FIRST,
    RANGE,
    SHIFT,
    SINCE,
    UNTIL,
    Amount,
    between,
    by,
    spans_ledger,
    total,
)

from spancost.store.wire import Answered

Json = dict[str, Any]
Ask = Callable[..., pa.Table]
RANGES = {
    "everything": TimeRange(FIRST - timedelta(days=40), UNTIL, 3600),
    "one call": TimeRange(CALLS[0].start_time - timedelta(minutes=1), CALLS[0].start_time + timedelta(minutes=1), 1),
    "nothing": TimeRange(datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 2, 1, tzinfo=UTC), 3600),
}
IN_RANGE = between(SINCE, UNTIL)
CALLS_IN_RANGE = between(SINCE, UNTIL, CALLS)


@pytest.mark.parametrize("time_range", RANGES.values(), ids=RANGES)
def test_an_answer_has_the_shape_that_grafana_needs(panel: Json, time_range: TimeRange, ask: Ask) -> None:
    """A chart gets ascending times, one label and one number; a stat one row; and no number is NaN or infinite."""
    answer = ask(panel["targets"][0]["rawSql"], time_range)
    kinds = [_kind(column.type) for column in answer.columns]
    if panel["type"] == "timeseries":
        assert kinds == ["time", "text", "number"]
        assert answer.column_names[2] == "Value"
        times = answer["time"].to_pylist()
        assert times == sorted(times)
        assert answer.group_by(answer.column_names[:2]).aggregate([]).num_rows == answer.num_rows
    if panel["type"] == "stat":
        assert (answer.num_rows, set(kinds)) == (1, {"number"})
    numbers = [value for column in answer.columns if _kind(column.type) == "number" for value in column.to_pylist()]
    assert all(value is None or math.isfinite(value) for value in numbers)


@pytest.mark.parametrize("time_range", RANGES.values(), ids=RANGES)
def test_a_variable_offers_what_occurs(variable: Json, time_range: TimeRange, ask: Ask) -> None:
    """Each value of the time range once, in order, with a name for what is not set."""
    amounts = between(time_range.since, time_range.until)
    expected = sorted({getattr(amount, variable["name"]) or "(not set)" for amount in amounts})
    assert ask(variable["query"], time_range).to_pydict() == {"value": expected}


class TestMoney:
    """Spend, pace and forecast."""

    def test_spend_is_the_whole_bill_of_the_range(self, overview: dict[str, str], ask: Ask) -> None:
        """Calls once each, in their newest version, and adjustments; to the last decimal."""
        assert _row(ask(overview["Spend"], RANGE))["Spend"] == total(IN_RANGE)

    def test_the_change_is_against_the_same_hours_whole_days_earlier(self, overview: dict[str, str], ask: Ask) -> None:
        """The range touches eight days, so it moves by eight."""
        now, before = _known(total(IN_RANGE)), _known(total(between(SINCE - SHIFT, UNTIL - SHIFT)))
        assert float(_row(ask(overview["Spend"], RANGE))["Change"]) == pytest.approx(float(now / before - 1), abs=1e-9)

    def test_the_change_is_unknown_when_the_last_period_is_not_covered(
        self, overview: dict[str, str], ask: Ask
    ) -> None:
        """The store's first call lies in the middle of the last period."""
        since = FIRST + timedelta(days=8)
        row = _row(ask(overview["Spend"], TimeRange(since, since + timedelta(days=15))))
        assert row["Spend"] is not None
        assert row["Change"] is None

    def test_the_run_rate_is_the_mean_of_seven_days(self, overview: dict[str, str], ask: Ask) -> None:
        """It looks at the end of the range only."""
        expected = _known(total(between(UNTIL - timedelta(days=7) + timedelta(microseconds=1), UNTIL))) / 7
        for since in (SINCE, UNTIL - timedelta(hours=1)):
            assert _row(ask(overview["Run rate per day"], TimeRange(since, UNTIL)))["Run rate"] == _near(expected)

    def test_a_young_store_has_the_pace_of_its_own_days(self, overview: dict[str, str], ask: Ask) -> None:
        """Three days after the first call, the sum is divided by three."""
        until = FIRST + timedelta(days=3)
        row = _row(ask(overview["Run rate per day"], TimeRange(FIRST, until)))
        assert row["Run rate"] == _near(_known(total(between(FIRST, until))) / 3)

    def test_the_month_is_what_it_has_cost_and_the_pace_for_what_is_left(
        self, overview: dict[str, str], ask: Ask
    ) -> None:
        """March has 16 days and 14 hours left after the 15th, 10:00."""
        so_far = _known(total(between(datetime(2026, 3, 1, tzinfo=UTC), UNTIL)))
        pace = _known(total(between(UNTIL - timedelta(days=7) + timedelta(microseconds=1), UNTIL))) / 7
        expected = so_far + pace * (16 + Decimal(14) / 24)
        assert _row(ask(overview["Month forecast"], RANGE))["Forecast"] == _near(expected)

    @pytest.mark.parametrize("title", ["Run rate per day", "Month forecast"])
    def test_less_than_a_day_makes_no_pace(self, title: str, overview: dict[str, str], ask: Ask) -> None:
        """Twenty hours after the first call the pace is unknown, not a guess."""
        young = TimeRange(FIRST - timedelta(days=1), FIRST + timedelta(hours=20))
        assert _only(ask(overview[title], young)) is None


class TestCoverage:
    """How much of it is known."""

    def test_calls_are_counted_once(self, overview: dict[str, str], ask: Ask) -> None:
        """Duplicates and older versions are no calls."""
        assert _only(ask(overview["Calls"], RANGE)) == len(CALLS_IN_RANGE)

    def test_the_unpriced_share_leaves_out_calls_that_failed_before_they_used_anything(
        self, overview: dict[str, str], ask: Ask
    ) -> None:
        """Partial prices count as missing."""
        judged = [call for call in CALLS_IN_RANGE if call.unpriced_reason != "failed_no_usage"]
        expected = sum(call.is_unpriced for call in judged) / len(judged)
        assert _only(ask(overview["Unpriced"], RANGE)) == _near(expected)

    def test_the_attributed_share_is_of_the_money(self, overview: dict[str, str], ask: Ask) -> None:
        """What calls with a team cost, over what all calls cost."""
        expected = _known(total(call for call in CALLS_IN_RANGE if call.team)) / _known(total(CALLS_IN_RANGE))
        assert _only(ask(overview["Spend with a team"], RANGE)) == _near(expected)

    def test_money_without_any_team_is_attributed_to_nought(self, overview: dict[str, str], ask: Ask) -> None:
        """That share is known."""
        assert _only(ask(overview["Spend with a team"], RANGE, team=["(not set)"])) == 0

    @pytest.mark.parametrize("title", ["Spend", "Run rate per day", "Month forecast", "Unpriced", "Spend with a team"])
    def test_nothing_is_unknown_and_not_zero(self, title: str, overview: dict[str, str], ask: Ask) -> None:
        """Without rows no sum and no share has a value."""
        assert set(_row(ask(overview[title], RANGES["nothing"])).values()) == {None}

    def test_only_unpriced_calls_make_no_spend_of_zero(self, overview: dict[str, str], ask: Ask) -> None:
        """A range with calls whose cost is unknown has no cost, in the numbers and in the tables."""
        call = next(call for call in CALLS_IN_RANGE if call.cost is None and call.is_unpriced)
        alone = TimeRange(call.start_time - timedelta(minutes=2), call.start_time + timedelta(minutes=2))
        assert _row(ask(overview["Spend"], alone))["Spend"] is None
        assert _only(ask(overview["Unpriced"], alone)) == 1
        assert _only(ask(overview["Spend with a team"], alone)) is None
        assert ask(overview["Spend per day by model"], alone).num_rows == 0
        agents = _row(ask(overview["Top agents"], alone))
        assert (agents["Spend"], agents["Share"], agents["Cost per task"], agents["Unpriced"]) == (None, None, None, 1)


class TestDays:
    """Spend per day by whom."""

    @pytest.mark.parametrize("dimension", ["team", "model", "agent", "provider"])
    def test_every_day_adds_up(self, dimension: str, overview: dict[str, str], ask: Ask) -> None:
        """The six largest by name and the rest together, each day to the last decimal."""
        answer = ask(overview[f"Spend per day by {dimension}"], RANGE).to_pylist()
        groups = by(lambda amount: str(getattr(amount, dimension)), IN_RANGE)
        ranked = sorted(groups, key=lambda name: (-(total(groups[name]) or 0), name))
        expected: dict[tuple[str, datetime], list[Amount]] = {}
        for place, name in enumerate(ranked):
            for amount in groups[name]:
                day = amount.start_time.replace(hour=0, minute=0, second=0, microsecond=0)
                expected.setdefault((name if place < 6 else "other", day), []).append(amount)
        sums = {key: cost for key, amounts in expected.items() if (cost := total(amounts)) is not None}
        assert {(row[dimension], _moment(row["time"])): row["Value"] for row in answer} == sums


class TestTables:
    """Agents, teams, and models without a price."""

    def test_agents_by_what_they_cost(self, overview: dict[str, str], ask: Ask) -> None:
        """With their share, and per task that has a price."""
        rows = ask(overview["Top agents"], RANGE).to_pylist()
        groups = by(lambda call: call.agent, CALLS_IN_RANGE)
        everything = _known(total(CALLS_IN_RANGE))
        assert [row["Agent"] for row in rows] == sorted(groups, key=lambda name: (-(total(groups[name]) or 0), name))
        for row in rows:
            calls = groups[row["Agent"]]
            cost = _known(total(calls))
            assert row["Spend"] == cost
            assert row["Share"] == _near(cost / everything)
            assert row["Calls"] == len(calls)
            assert row["Tasks"] == len({call.task_id for call in calls})
            priced = {call.task_id for call in calls if call.cost is not None}
            assert row["Cost per task"] == _near(cost / len(priced))
            assert row["Unpriced"] == sum(call.is_unpriced for call in calls)

    def test_teams_then_and_now(self, overview: dict[str, str], ask: Ask) -> None:
        """Adjustments count; the difference in dollars and as a share."""
        now = by(lambda amount: amount.team, IN_RANGE)
        before = by(lambda amount: amount.team, between(SINCE - SHIFT, UNTIL - SHIFT))
        rows = ask(overview["Teams against last period"], RANGE).to_pylist()
        assert {row["Team"] for row in rows} == set(now) | set(before)
        for row in rows:
            spend, last = _known(total(now[row["Team"]])), _known(total(before[row["Team"]]))
            assert (row["Spend"], row["Last period"], row["Change"]) == (spend, last, spend - last)
            assert row["Change %"] == _near((spend - last) / last)

    def test_models_without_a_price(self, overview: dict[str, str], ask: Ask) -> None:
        """By model and reason, the latest first; a count that nobody told stays unknown."""
        rows = ask(overview["Models without a price, latest first"], RANGE).to_pylist()
        missing = [call for call in CALLS_IN_RANGE if call.is_unpriced]
        groups = by(lambda call: f"{call.model or call.request_model or '(not set)'}|{call.unpriced_reason}", missing)
        assert {f"{row['Model']}|{row['Reason']}" for row in rows} == set(groups)
        assert [row["Last seen"] for row in rows] == sorted((row["Last seen"] for row in rows), reverse=True)
        for row in rows:
            calls = groups[f"{row['Model']}|{row['Reason']}"]
            told = [call.input_tokens for call in calls if call.input_tokens is not None]
            assert row["Calls"] == len(calls)
            assert row["Last seen"] == max(call.start_time for call in calls)
            assert row["Input tokens"] == (sum(told) if told else None)
            assert row["Agents"].split(", ") == sorted({call.agent or "(not set)" for call in calls})


class TestFilters:
    """What is chosen at the top."""

    @pytest.mark.parametrize("name", ["environment", "team", "agent", "model"])
    def test_a_choice_leaves_the_rest_out(self, name: str, overview: dict[str, str], ask: Ask) -> None:
        """One value, two values, and what is not set; names with quotes and brackets too."""
        values = sorted({getattr(amount, name) or "(not set)" for amount in IN_RANGE})
        for chosen in ([value] for value in values):
            picked = [amount for amount in IN_RANGE if (getattr(amount, name) or "(not set)") in chosen]
            assert _row(ask(overview["Spend"], RANGE, **{name: chosen}))["Spend"] == total(picked)
        two = [amount for amount in IN_RANGE if (getattr(amount, name) or "(not set)") in values[:2]]
        assert _row(ask(overview["Spend"], RANGE, **{name: values[:2]}))["Spend"] == total(two)

    def test_a_choice_changes_no_one_else_s_history(self, overview: dict[str, str], ask: Ask) -> None:
        """Whether the last period is covered is a matter of the store, not of the agent that is chosen."""
        row = _row(ask(overview["Spend"], RANGE, agent=["agent-4"]))
        now, before = (
            _known(total(amount for amount in amounts if amount.agent == "agent-4"))
            for amounts in (IN_RANGE, between(SINCE - SHIFT, UNTIL - SHIFT))
        )
        assert row["Change"] == _near(now / before - 1)

    @pytest.mark.parametrize("value", ["x') OR (1=1", "' UNION SELECT 1 --", "'); DROP VIEW spancost.calls"])
    def test_a_hostile_value_finds_nothing(self, value: str, overview: dict[str, str], ask: Ask) -> None:
        """A quote does not end the value."""
        assert _only(ask(overview["Calls"], RANGE, team=[value])) == 0

    def test_a_value_that_does_end_early_changes_nothing(self, overview: dict[str, str], ask: Ask) -> None:
        """Grafana does not escape a backslash, so such a value runs on into the next; the fence refuses what comes."""
        with pytest.raises(Answered):
            ask(overview["Calls"], RANGE, team=["\\", ")); DROP VIEW spancost.calls --"])
        assert _only(ask(overview["Calls"], RANGE)) == len(CALLS_IN_RANGE)


def test_the_rows_exercise_what_they_should() -> None:
    """More agents than are shown by name, unknown costs, credits, and rows that must not count."""
    assert len({call.agent for call in CALLS_IN_RANGE}) > 6
    assert any(call.cost is None for call in CALLS_IN_RANGE)
    assert any(_known(row.cost) < 0 for row in ADJUSTMENTS if SINCE <= row.start_time <= UNTIL)
    assert spans_ledger().num_rows == 3 * len(CALLS)
    assert len(BILL) == len(CALLS) + len(ADJUSTMENTS)


def _kind(kind: pa.DataType) -> str:
    if pa.types.is_timestamp(kind) or pa.types.is_uint32(kind):
        return "time"
    if pa.types.is_decimal(kind) or pa.types.is_floating(kind) or pa.types.is_integer(kind):
        return "number"
    return "text"


def _moment(seconds: int) -> datetime:
    # ClickHouse writes a DateTime to Arrow as a number.
    return datetime.fromtimestamp(seconds, UTC)


def _row(answer: pa.Table) -> dict[str, Any]:
    [row] = answer.to_pylist()
    return dict(row)


def _only(answer: pa.Table) -> Any:
    [value] = _row(answer).values()
    return value


def _known(cost: Decimal | None) -> Decimal:
    assert cost is not None
    return cost


class _near:  # noqa: N801 - reads as a function does
    """Equal to nine digits: ratios are floats, or decimals cut at the twelfth digit."""

    def __init__(self, expected: Decimal | float) -> None:
        self.expected = float(expected)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Decimal | float | int) and math.isclose(
            float(other), self.expected, rel_tol=1e-9, abs_tol=1e-11
        )

    def __hash__(self) -> int:
        return hash(self.expected)

    def __repr__(self) -> str:
        return f"about {self.expected}"
