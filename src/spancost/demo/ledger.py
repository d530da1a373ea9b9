"""What the month must add up to, counted from the story and not from the spans."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np

from spancost.demo.columns import FAILURE, SUCCESS, Block, Story
from spancost.demo.company import AGENTS, CUSTOMERS, ENVIRONMENTS, FEATURES, MODELS, TEAMS
from spancost.demo.dice import Bool, Int64
from spancost.demo.incidents import KINDS
from spancost.demo.index import AGENT_SERVICE
from spancost.demo.plan import DAY_NS, Plan
from spancost.demo.prices import METERS, PRICES, cost

MAX_TRACE_IDS = 1000

_CALLS, _FAILED, _SILENT, _FIRST_METER = 0, 1, 2, 3
_WIDTH = _FIRST_METER + len(METERS)


@dataclass(frozen=True, slots=True)
class Sum:
    """Calls counted together. Every call is priced, or unpriced for one of the three reasons."""

    calls: int
    failed: int
    """Failed, and so without usage."""
    no_usage: int
    unknown_model: int
    tokens: tuple[int, ...]
    """By meter, as in `prices.METERS`."""
    cost: Decimal
    """Of the priced calls."""

    @property
    def unpriced(self) -> int:
        return self.failed + self.no_usage + self.unknown_model


@dataclass(slots=True)
class Incident:
    """What one planted thing came to."""

    days: set[int] = field(default_factory=set)
    traces: int = 0
    trace_ids: list[str] = field(default_factory=list)
    """The first thousand."""
    tally: Int64 = field(default_factory=lambda: np.zeros((len(MODELS), _WIDTH), np.int64))
    excess: Int64 = field(default_factory=lambda: np.zeros((len(MODELS), _WIDTH), np.int64))

    @property
    def sum(self) -> Sum:
        return _sum(self.tally)

    @property
    def excess_cost(self) -> Decimal:
        return _sum(self.excess).cost


class Ledger:
    """Adds up the blocks of one plan. Tokens are summed as integers, and dollars made from the sums."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._tallies = {
            name: np.zeros((size, len(MODELS), _WIDTH), np.int64)
            for name, size in {**_SIZES, "day": len(plan.days)}.items()
        }
        self.incidents = {kind.name: Incident() for kind in KINDS}
        self.spans = self.tasks = 0
        self.outcomes = {"success": 0, "failure": 0}

    def add(self, block: Block) -> None:
        """Count one day."""
        calls, tally = block.story.calls, _tally(block.story)
        for name, position in self._positions(block).items():
            np.add.at(self._tallies[name], (position, calls.model), tally)
        self._add_incidents(block, tally)
        self.spans += block.spans
        self.tasks += len(block.story.runs.size)
        self.outcomes["success"] += int((block.story.runs.outcome == SUCCESS).sum())
        self.outcomes["failure"] += int((block.story.runs.outcome == FAILURE).sum())

    def total(self) -> Sum:
        """Everything."""
        return _sum(self._tallies["environment"].sum(axis=0))

    def by(self, name: str) -> dict[str, Sum]:
        """Sums by `team`, `agent`, `feature`, `customer`, `environment` or `day`."""
        names = [str(day.date) for day in self._plan.days] if name == "day" else _NAMES[name]
        return {label: _sum(tally) for label, tally in zip(names, self._tallies[name], strict=True)}

    def by_model(self) -> dict[str, Sum]:
        """Sums by the model that was asked for."""
        tally = self._tallies["environment"].sum(axis=0)
        rows = np.eye(len(MODELS), dtype=np.int64)[:, :, None] * tally
        return {model.name: _sum(row) for model, row in zip(MODELS, rows, strict=True)}

    def _positions(self, block: Block) -> dict[str, Int64]:
        runs, calls = block.story.runs, block.story.calls
        return {
            "team": AGENT_SERVICE[calls.agent],
            "agent": calls.agent,
            "feature": runs.feature[calls.trace],
            "customer": runs.customer[calls.trace],
            "environment": runs.staging[calls.trace],
            "day": self._days(block),
        }

    def _days(self, block: Block) -> Int64:
        return (block.starts.calls - self._plan.days[0].start_ns) // DAY_NS

    def _add_incidents(self, block: Block, tally: Int64) -> None:
        for kind in KINDS:
            chosen, incident = kind.calls(block.story), self.incidents[kind.name]
            wasted = np.zeros_like(tally)
            wasted[:, _FIRST_METER:] = kind.excess(block.story, tally[:, _FIRST_METER:])
            model = block.story.calls.model[chosen]
            np.add.at(incident.tally, model, tally[chosen])
            np.add.at(incident.excess, model, wasted[chosen])
            incident.days.update(np.unique(self._days(block)[chosen]).tolist())
            _add_traces(incident, block, chosen)


def _add_traces(incident: Incident, block: Block, chosen: Bool) -> None:
    traces = np.unique(block.story.calls.trace[chosen])
    incident.traces += len(traces)
    wanted = traces[: MAX_TRACE_IDS - len(incident.trace_ids)]
    incident.trace_ids += [row.tobytes().hex() for row in block.ids.traces[wanted]]


def _tally(story: Story) -> Int64:
    """What every call counts for, as the columns of a tally."""
    usage = story.usage
    read, write, output = (np.maximum(column, 0) for column in (usage.cache_read, usage.cache_write, usage.output))
    plain = np.maximum(usage.input, 0) - read - write
    silent = (usage.input < 0) & ~story.calls.failed
    return np.stack([np.ones_like(plain), story.calls.failed, silent, plain, read, write, output], axis=1)


def _sum(tally: Int64) -> Sum:
    """From a tally by model."""
    total = [int(value) for value in tally.sum(axis=0)]
    costs = [cost(model.name, row[_FIRST_METER:].tolist()) for model, row in zip(MODELS, tally, strict=True)]
    unknown = sum(int(tally[at, _CALLS] - tally[at, _FAILED] - tally[at, _SILENT]) for at in _UNKNOWN)
    priced = sum((amount for amount in costs if amount is not None), Decimal(0))
    return Sum(total[_CALLS], total[_FAILED], total[_SILENT], unknown, tuple(total[_FIRST_METER:]), priced)


_UNKNOWN = [position for position, model in enumerate(MODELS) if model.name not in PRICES]
_NAMES = {
    "team": list(TEAMS),
    "agent": [agent.name for agent in AGENTS],
    "feature": [feature.name for feature in FEATURES],
    # The calls that serve no customer stand at -1, which is the last row.
    "customer": [*CUSTOMERS, ""],
    "environment": list(ENVIRONMENTS),
}
_SIZES = {name: len(names) for name, names in _NAMES.items()}
