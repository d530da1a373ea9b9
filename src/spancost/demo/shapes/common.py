"""What the shapes share: the pieces that do not depend on the tracer."""

from __future__ import annotations

import numpy as np

from spancost.demo.columns import Block
from spancost.demo.company import CUSTOMERS, FEATURES, TIERS
from spancost.demo.dice import Int64
from spancost.demo.index import CUSTOMER_TIER
from spancost.demo.plan import DAY_NS
from spancost.demo.usage import MAX_OUTPUT
from spancost.demo.wire import Pieces, attribute, attributes, looked_up, span_end, span_ids, span_times, text_attributes

_VARIANTS = (attribute("app.variant", "control"), attribute("app.variant", "short-answers"))
_OUTCOMES = (b"", attribute("spancost.outcome", "success"), attribute("spancost.outcome", "failure"))
_FEATURES = tuple(attribute("app.feature", feature.name) for feature in FEATURES)
_CUSTOMERS = (
    *(
        attributes({"app.customer.id": customer, "app.customer_tier": TIERS[tier]})
        for customer, tier in zip(CUSTOMERS, CUSTOMER_TIER.tolist(), strict=True)
    ),
    b"",
)
_RUN_ENDS = (span_end(), span_end(2, "the run was given up"))


def run_heads(block: Block, rows: Int64, names: Pieces) -> list[Pieces]:
    """Ids, names and times of root spans."""
    ids = block.ids
    times = span_times(block.starts.runs[rows], block.ends.runs[rows])
    return [span_ids(ids.traces[rows], ids.runs[rows]), names, times]


def call_heads(block: Block, rows: Int64, names: Pieces) -> list[Pieces]:
    """Ids, names and times of calls."""
    traces = block.ids.traces[block.story.calls.trace[rows]]
    return [
        span_ids(traces, block.ids.calls[rows], block.ids.call_parents[rows]),
        names,
        span_times(block.starts.calls[rows], block.ends.calls[rows]),
    ]


def tool_heads(block: Block, rows: Int64, names: Pieces) -> list[Pieces]:
    """Ids, names and times of tool steps."""
    story, ids = block.story, block.ids
    traces = ids.traces[story.calls.trace[story.tools.call[rows]]]
    return [
        span_ids(traces, ids.tools[rows], ids.tool_parents[rows]),
        names,
        span_times(block.starts.tools[rows], block.ends.tools[rows]),
    ]


def inner_heads(block: Block, rows: Int64, names: Pieces) -> list[Pieces]:
    """Ids, names and times of inner spans, which stand right below the root."""
    trace = block.story.inner.trace[rows]
    return [
        span_ids(block.ids.traces[trace], block.ids.inner[rows], block.ids.runs[trace]),
        names,
        span_times(block.starts.inner[rows], block.ends.inner[rows]),
    ]


def attribution(block: Block, rows: Int64) -> list[Pieces]:
    """Whom a run is for, as the application sets it on the root span; everything below inherits it."""
    runs = block.story.runs
    return [
        looked_up(_FEATURES, runs.feature[rows]),
        looked_up(_CUSTOMERS, runs.customer[rows]),
        looked_up(_VARIANTS, runs.variant[rows]),
        looked_up(_OUTCOMES, runs.outcome[rows]),
        text_attributes("user.id", [b"u-%05d" % user for user in runs.user[rows].tolist()]),
    ]


def run_ends(block: Block, rows: Int64) -> Pieces:
    """Status of root spans."""
    return looked_up(_RUN_ENDS, block.story.runs.failed[rows].astype("i8"))


def conversations(block: Block, key: str, rows: Int64) -> Pieces:
    """A user's runs of one day are one conversation. `rows` are traces."""
    days = (block.starts.runs[rows] // DAY_NS).tolist()
    users = block.story.runs.user[rows].tolist()
    return text_attributes(key, [b"conv-%05d-%05d" % pair for pair in zip(days, users, strict=True)])


def tool_arguments(block: Block, key: str, rows: Int64) -> Pieces:
    """JSON arguments of tool steps: the same in every turn of a loop, different otherwise."""
    story = block.story
    traces = story.calls.trace[story.tools.call[rows]]
    cases = case_numbers(block, traces)
    arguments = story.tools.argument[rows].tolist()
    texts = [b'{"case": "%s", "part": %d}' % (case, 10_000 + part) for case, part in zip(cases, arguments, strict=True)]
    return text_attributes(key, texts)


def case_numbers(block: Block, traces: Int64) -> list[bytes]:
    """Eight hex digits that stand for what a run is about."""
    text = block.ids.traces[:, :4].tobytes().hex().encode()
    return [text[8 * trace : 8 * trace + 8] for trace in traces.tolist()]


STOP, ASKS_TOOL, CUT, FAILED = range(4)


def finishes(block: Block, rows: Int64) -> Int64:
    """How calls ended: one of the constants above."""
    story = block.story
    code = np.where(story.usage.output >= MAX_OUTPUT, CUT, STOP)
    code[story.tools.call] = ASKS_TOOL
    return np.where(story.calls.failed, FAILED, code)[rows]


def totals(block: Block, runs: Int64) -> tuple[Int64, Int64]:
    """Input and output of runs, as far as they are known."""
    usage, size = block.story.usage, block.story.runs.size
    first = np.cumsum(size) - size
    sums = [np.add.reduceat(np.maximum(column, 0), first)[runs] for column in (usage.input, usage.output)]
    return sums[0], sums[1]


def positive(values: Int64) -> Int64:
    """Counts that tracers leave out when they are 0."""
    return np.where(values > 0, values, -1)
