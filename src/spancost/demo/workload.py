"""The month as blocks of spans, one block a day."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from spancost.demo.calls import make_calls, make_inner, make_tools
from spancost.demo.clock import make_times
from spancost.demo.columns import Block, Calls, Ids, Inner, Story
from spancost.demo.dice import Dice, UInt8
from spancost.demo.plan import Day, Plan
from spancost.demo.runs import make_runs
from spancost.demo.usage import make_usage


def blocks(plan: Plan) -> Iterator[Block]:
    """Every day of the month that has calls, in order."""
    return (make_block(plan, day) for day in plan.days if day.calls)


def make_block(plan: Plan, day: Day) -> Block:
    """One day, decided by the plan and the day alone."""
    dice = Dice(*plan.key(day))
    runs = make_runs(dice, day)
    calls = make_calls(dice, runs)
    usage = make_usage(dice, runs, calls)
    story = Story(runs, calls, usage, make_tools(dice, runs, calls), make_inner(runs, calls))
    starts, ends = make_times(dice, day, plan.until_ns, story)
    return Block(story, starts, ends, _ids(dice, story))


def _ids(dice: Dice, story: Story) -> Ids:
    runs, calls = len(story.runs.size), len(story.calls.trace)
    run, inner = dice.octets(runs, 8), dice.octets(len(story.inner.trace), 8)
    parents = _call_parents(run, inner, story.calls, story.inner)
    return Ids(
        traces=dice.octets(runs, 16),
        runs=run,
        calls=dice.octets(calls, 8),
        tools=dice.octets(len(story.tools.call), 8),
        inner=inner,
        call_parents=parents,
        tool_parents=parents[story.tools.call],
        responses=dice.octets(calls, 12),
    )


def _call_parents(runs: UInt8, inner_ids: UInt8, calls: Calls, inner: Inner) -> UInt8:
    parents = runs[calls.trace]
    counts = inner.last - inner.first + 1
    below = np.repeat(inner.first - (np.cumsum(counts) - counts), counts) + np.arange(counts.sum())
    parents[below] = np.repeat(inner_ids, counts, axis=0)
    return parents
