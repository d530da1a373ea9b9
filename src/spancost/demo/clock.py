"""When every span starts and ends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spancost.demo.columns import Runs, Story, Times
from spancost.demo.dice import Dice, Int64
from spancost.demo.incidents import HOUR_NS
from spancost.demo.index import MODEL_OUTPUT_US
from spancost.demo.plan import Day

_HOURS = (2, 2, 1, 1, 2, 3, 6, 10, 16, 20, 22, 21, 19, 21, 23, 22, 20, 17, 13, 10, 8, 6, 4, 3)
"""How busy each hour of a day is, UTC."""

_FIRST_TOKEN_US, _FAILURE_US, _BACKOFF_US, _TOOL_US, _PAUSE_US = 350_000, 120_000, 900_000, 180_000, 3_000
_MARGIN_US, _LEAST_US = 1_000, 100_000
_US = 1_000


@dataclass(frozen=True, slots=True, eq=False)
class _Steps:
    """Microseconds of every call, of the tool after it (0 if none), and of the pause after both."""

    call: Int64
    tool: Int64
    pause: Int64

    @property
    def whole(self) -> Int64:
        return self.call + self.tool + self.pause + np.where(self.tool > 0, _PAUSE_US, 0)


def make_times(dice: Dice, day: Day, until_ns: int, story: Story) -> tuple[Times, Times]:
    """Starts and ends: one step of a run after the other, every span inside its parent, nothing after `until_ns`."""
    runs, calls, tools, inner = story.runs, story.calls, story.tools, story.inner
    steps = _steps(dice, story)
    sums = np.cumsum(steps.whole)
    last = np.cumsum(runs.size) - 1
    length = np.diff(sums[last], prepend=0) + 2 * _PAUSE_US
    begin = np.minimum(_begins(dice, day, runs), until_ns - (length + 1) * _US)
    offset = sums - steps.whole - (sums[last] - np.diff(sums[last], prepend=0))[calls.trace] + _PAUSE_US
    start = begin[calls.trace] + offset * _US
    end = start + steps.call * _US
    after = end + np.where(steps.tool > 0, steps.tool + _PAUSE_US, 0) * _US
    tool_start = end[tools.call] + _PAUSE_US * _US
    return (
        Times(begin, start, tool_start, start[inner.first] - _MARGIN_US * _US),
        Times(begin + length * _US, end, after[tools.call], after[inner.last] + _MARGIN_US * _US),
    )


def _steps(dice: Dice, story: Story) -> _Steps:
    calls, usage, tools = story.calls, story.usage, story.tools
    number = len(calls.trace)
    answer = np.maximum(usage.output, 0) * MODEL_OUTPUT_US[calls.model]
    length = dice.spread(np.where(calls.failed, _FAILURE_US, _FIRST_TOKEN_US + answer), number)
    tool = np.zeros(number, np.int64)
    tool[tools.call] = dice.spread(_TOOL_US, len(tools.call))
    pause = np.where(calls.failed, dice.spread(_BACKOFF_US, number), _PAUSE_US)
    return _Steps(np.maximum(length, _LEAST_US), tool, pause)


def _begins(dice: Dice, day: Day, runs: Runs) -> Int64:
    """Within the day as far as it goes, at busy hours more often; planted traces at the hour of their planting."""
    number = len(runs.size)
    minutes = (day.end_ns - day.start_ns) // (HOUR_NS // 60)
    weights = [busy * min(max(minutes - 60 * hour, 0), 60) for hour, busy in enumerate(_HOURS)]
    hour = dice.pick(tuple(weights), number)
    for planting in day.plantings:
        if planting.hour is not None:
            hour[runs.planted == planting.code] = planting.hour
    within = dice.below(np.minimum(minutes - 60 * hour, 60) * 60_000, number)
    return day.start_ns + hour * HOUR_NS + within * 1_000_000 + dice.below(1_000_000, number)
