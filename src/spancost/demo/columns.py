"""The spans of one day as columns. Everything is a position or a whole number; -1 is "none" or "unknown".

A run is one trace: a root span, its calls, the tool steps between them, and inner spans that gather some of the calls.
"""

from __future__ import annotations

from dataclasses import dataclass

from spancost.demo.dice import Bool, Int64, UInt8

NO_OUTCOME, SUCCESS, FAILURE = 0, 1, 2


@dataclass(frozen=True, slots=True, eq=False)
class Runs:
    """One row a trace: for whom it was, and how it went."""

    feature: Int64
    agent: Int64
    staging: Int64
    """0 production, 1 staging: position in `company.ENVIRONMENTS`."""
    customer: Int64
    user: Int64
    size: Int64
    """How many calls."""
    planted: Int64
    """`incidents.ORDINARY` or another of its codes."""
    looping: Bool
    """Its tools are called with the same arguments over and over."""
    variant: Int64
    failed: Bool
    """Its last call failed, and so did the run."""
    outcome: Int64
    """What became of the task: one of the constants above."""


@dataclass(frozen=True, slots=True, eq=False)
class Calls:
    """One row a request to a model, in order, trace after trace."""

    trace: Int64
    turn: Int64
    """Which step of the run it is; a retry is the same step again."""
    source: Int64
    """Position of the first call of that step: what it asked is what every retry of it asks."""
    helping: Bool
    """Made by the agent's helper."""
    agent: Int64
    prompt: Int64
    model: Int64
    failed: Bool
    repeated: Bool
    """The step had been answered, and paid for, before."""


@dataclass(frozen=True, slots=True, eq=False)
class Usage:
    """Tokens of every call."""

    input: Int64
    """With the cached part; -1 when no usage is known, and then all the others but `excess` too."""
    cache_read: Int64
    cache_write: Int64
    output: Int64
    """-1 for embeddings too."""
    reasoning: Int64
    """Part of the output."""
    excess: Int64
    """Part of the input: what a regressed prompt added."""

    @property
    def known(self) -> Bool:
        return self.input >= 0


@dataclass(frozen=True, slots=True, eq=False)
class Tools:
    """One row a tool step, which follows the call that asked for it."""

    call: Int64
    tool: Int64
    argument: Int64


@dataclass(frozen=True, slots=True, eq=False)
class Inner:
    """One row a span between the root and calls `first` to `last`: a helper's run, or what the Vercel AI SDK adds."""

    trace: Int64
    agent: Int64
    first: Int64
    last: Int64


@dataclass(frozen=True, slots=True, eq=False)
class Times:
    """Starts or ends of all spans, in nanoseconds since the epoch."""

    runs: Int64
    calls: Int64
    tools: Int64
    inner: Int64


@dataclass(frozen=True, slots=True, eq=False)
class Ids:
    """Rows of 16 bytes for traces, 12 for responses, 8 for everything else."""

    traces: UInt8
    runs: UInt8
    calls: UInt8
    tools: UInt8
    inner: UInt8
    call_parents: UInt8
    tool_parents: UInt8
    responses: UInt8


@dataclass(frozen=True, slots=True, eq=False)
class Story:
    """What happens in the traces that begin on one day."""

    runs: Runs
    calls: Calls
    usage: Usage
    tools: Tools
    inner: Inner


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """One day's story, and the spans that tell it."""

    story: Story
    starts: Times
    ends: Times
    ids: Ids

    @property
    def spans(self) -> int:
        return sum(len(part) for part in (self.ids.runs, self.ids.calls, self.ids.tools, self.ids.inner))
