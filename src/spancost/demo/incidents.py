"""What is planted in the month, so that a report, a dashboard or an alert has something to find."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from spancost.demo.columns import Calls, Runs, Story
from spancost.demo.company import LOSING_CUSTOMER
from spancost.demo.dice import Bool, Int64
from spancost.demo.index import AGENT_REUSES_CACHE, model_at, prompt_at

ORDINARY, REGRESSION, RUNAWAY, STORM, LOSS = range(5)
"""What `Traces.planted` says of a trace."""

HOUR_NS = 3_600_000_000_000

REGRESSED_VERSION = "v8"
"""The version of the regressed prompt; its input is `REGRESSION_FACTOR` times as long."""
REGRESSION_FACTOR = 4


@dataclass(frozen=True, slots=True)
class Planting:
    """Production traces of one feature that one day holds on top of its ordinary ones."""

    code: int
    feature: int
    traces: int
    sizes: tuple[int, int] | None = None
    """Fewest and most calls of a trace; None for the usual."""
    hour: int | None = None
    """All begin within this hour of the day."""
    customer: int | None = None


def days_of_incidents(weekdays: Sequence[int]) -> tuple[int, int, int]:
    """Days of the regression, the storm and the runaway: three different working days, none of them the last day."""
    taken: list[int] = []
    for per_mille in (400, 650, 850):
        target = len(weekdays) * per_mille // 1000
        free = [day for day in range(len(weekdays) - 1) if weekdays[day] < _SATURDAY and day not in taken]
        taken.append(min(free, key=lambda day: (abs(day - target), day)))
    return (taken[0], taken[1], taken[2])


_SATURDAY = 5


def plantings(day: int, incidents: tuple[int, int, int], calls: int) -> tuple[Planting, ...]:
    """What one day of `calls` calls has planted; together never more than about half of them."""
    regression, storm, runaway = incidents
    found = [Planting(LOSS, _LOSS_FEATURE, max(1, calls // 600), (20, 30), customer=LOSING_CUSTOMER)]
    if day == regression:
        found.append(Planting(REGRESSION, _REGRESSION_FEATURE, max(3, calls // 80)))
    if day == storm:
        found.append(Planting(STORM, _STORM_FEATURE, max(2, calls // 120), (15, 40), hour=10))
    if day == runaway:
        traces = min(3, max(1, calls // 300))
        found.append(Planting(RUNAWAY, _RUNAWAY_FEATURE, traces, (max(35, calls // 5 // traces),) * 2, hour=2))
    return tuple(found)


_LOSS_FEATURE = prompt_at("contract-review")
_REGRESSION_FEATURE = prompt_at("ticket-triage")
_STORM_FEATURE = prompt_at("refund-decision")
_RUNAWAY_FEATURE = prompt_at("market-brief")


@dataclass(frozen=True, slots=True)
class Kind:
    """One planted thing, as the manifest names it and as the ledger finds it."""

    name: str
    team: str
    agent: str
    feature: str
    customer: int | None
    calls: Callable[[Story], Bool]
    """Which calls of a day it is."""
    what: str
    """What its excess is, in words."""
    excess: Callable[[Story, Int64], Int64]
    """Usage that bought nothing, for every call, in the meters given (input, read, write, output)."""


def regressed(runs: Runs, calls: Calls) -> Bool:
    """Which calls were sent with the prompt version that was a mistake."""
    planted = runs.planted[calls.trace] == REGRESSION
    return np.asarray(planted & (calls.prompt == runs.feature[calls.trace]))


def _planted(code: int) -> Callable[[Story], Bool]:
    return lambda story: np.asarray(story.runs.planted[story.calls.trace] == code)


def _of_customer(story: Story) -> Bool:
    return np.asarray(story.runs.customer[story.calls.trace] == LOSING_CUSTOMER)


def _cache_writers(story: Story) -> Bool:
    return np.asarray(~AGENT_REUSES_CACHE[story.calls.agent])


def _unpriceable(story: Story) -> Bool:
    return np.asarray(story.calls.model == model_at("acme-internal-70b"))


def _nothing(story: Story, meters: Int64) -> Int64:
    return np.zeros_like(meters)


def _everything(story: Story, meters: Int64) -> Int64:
    return meters


def _repeats(story: Story, meters: Int64) -> Int64:
    return np.asarray(meters * story.calls.repeated[:, None])


def _added_input(story: Story, meters: Int64) -> Int64:
    return np.stack([story.usage.excess, *np.zeros((3, len(meters)), np.int64)], axis=1)


def _dearer_input(story: Story, meters: Int64) -> Int64:
    written, none = meters[:, 2], np.zeros(len(meters), np.int64)
    return np.stack([-written, none, written, none], axis=1)


KINDS = (
    Kind(
        "prompt_regression",
        "support",
        "support-copilot",
        "ticket-triage",
        None,
        lambda story: regressed(story.runs, story.calls),
        f"the input that prompt version {REGRESSED_VERSION} added",
        _added_input,
    ),
    Kind(
        "retry_storm",
        "support",
        "refund-agent",
        "refund-decision",
        None,
        _planted(STORM),
        "calls made again after they had been answered",
        _repeats,
    ),
    Kind(
        "runaway_agent",
        "research",
        "research-analyst",
        "market-brief",
        None,
        _planted(RUNAWAY),
        "every call",
        _everything,
    ),
    Kind(
        "cache_never_read",
        "finance",
        "ledger-auditor",
        "",
        None,
        _cache_writers,
        "the surcharge for writing a cache, over plain input",
        _dearer_input,
    ),
    Kind("losing_customer", "", "", "", LOSING_CUSTOMER, _of_customer, "nothing; compare with revenue", _nothing),
    Kind(
        "unknown_model",
        "engineering",
        "code-reviewer",
        "release-notes",
        None,
        _unpriceable,
        "nothing; there is no price",
        _nothing,
    ),
)
