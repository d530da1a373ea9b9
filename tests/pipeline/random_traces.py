"""Random traces as lists of spans, and random ways in which they may arrive. The same seed gives the same ones."""

from random import Random

from ledger_by_hand import NOW, SECOND, RecordingLedger, finish, pipeline_over
from otlp_by_hand import CALL, START, agent, group, request_of, span, tool

AI_KINDS = (
    CALL,
    CALL | {"gen_ai.usage.input_tokens": 7, "gen_ai.usage.output_tokens": 3},
    {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o"},
    CALL | {"gen_ai.agent.name": "carried"},
    agent("planner"),
    agent("writer"),
    agent("checker") | {"gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 300},
    tool("search"),
)
"""Attributes of spans of every class that has rows: calls that differ in usage, agents, tools."""
KINDS = (*AI_KINDS, {"http.route": "/"}, {"http.route": "/", "team": "web"})
"""The same, and spans that no tracer claims."""
_DIMENSIONS = (
    {},
    {},
    {"team": "a"},
    {"team": "b", "feature": "f"},
    {"customer.id": "c"},
    {"spancost.tag.plan": "gold"},
    {"spancost.tag.plan": "free", "variant": "v"},
)
_RESOURCES = (
    {},
    {"service.name": "s"},
    {"service.name": "t", "team": "r", "deployment.environment.name": "p"},
    {"service.name": "u", "feature": "rf"},
)
_TASKS = ({}, {}, {}, {"spancost.task_id": "t1"}, {"spancost.task_id": "t2"})


def random_traces(seed, *, most=40, cycles=False, twins=0, tasks=False, kinds=KINDS):
    """Groups of one span each, in up to three traces. Parents come first in the list, unless `cycles` lets any span be
    any span's parent. `twins` response ids are shared by two spans each."""
    dice = Random(seed)  # noqa: S311 (nothing secret is made)
    count = dice.randint(2, most)
    trace_of = [dice.randint(1, 3) for _ in range(count)]
    ids = dict(enumerate(dice.sample(range(count), min(2 * twins, count // 2 * 2))))
    response_of = {at: f"id-{n // 2}" for n, at in ids.items()}
    made = []
    for at in range(count):
        attributes = dice.choice(kinds) | dice.choice(_DIMENSIONS)
        if tasks:
            attributes = attributes | dice.choice(_TASKS)
        if at in response_of:
            attributes = attributes | {"gen_ai.response.id": response_of[at]}
        there = [n for n in range(count) if trace_of[n] == trace_of[at] and (cycles or n < at)]
        parent = dice.choice([*there, *there, -1, 998]) + 1
        start = START + dice.randint(0, 20) * SECOND
        one = span(at + 1, attributes, trace=trace_of[at], parent=parent, start=start, name=f"n{at % 5}")
        made.append(group(one, resource=dice.choice(_RESOURCES)))
    return made


def random_delivery(seed, made):
    """The groups in any order, some of them twice, cut into batches anywhere, each with a pause after it."""
    dice = Random(seed)  # noqa: S311 (nothing secret is made)
    order = dice.sample(range(len(made)), len(made)) + [dice.randrange(len(made)) for _ in range(dice.randint(0, 5))]
    cuts = sorted(dice.sample(range(1, len(order)), min(dice.randint(0, 6), len(order) - 1)))
    bounds = zip([0, *cuts], [*cuts, len(order)], strict=True)
    return [([made[i] for i in order[a:b]], dice.choice((0, SECOND // 2, 3 * SECOND))) for a, b in bounds]


def at_once(made):
    """What the ledger says when everything comes in one batch."""
    ledger = RecordingLedger()
    pipeline = pipeline_over(ledger)
    pipeline.take([request_of(*made)], 1, NOW)
    finish(pipeline, NOW + 2 * SECOND)
    return ledger.said()


def in_pieces(delivery, restart_after=(), max_spans=1_000_000):
    """What the ledger says when batches come one by one. After the batches in `restart_after` everything that waits is
    written and a new pipeline takes over; with small `max_spans` the window lets traces go."""
    ledger, now = RecordingLedger(), NOW
    pipeline = pipeline_over(ledger, max_spans=max_spans)
    for position, (groups, pause) in enumerate(delivery):
        pipeline.take([request_of(*groups)], position, now)
        now += pause
        pipeline.flush(now)
        pipeline.evict(now)
        if position in restart_after:
            pipeline.flush(now, everything=True)
            now += SECOND
            pipeline = pipeline_over(ledger, max_spans=max_spans)
            pipeline.reload(now, 900 * SECOND, 250_000)
    finish(pipeline, now + 2 * SECOND)
    return ledger.said()
