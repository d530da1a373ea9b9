"""The rows depend on which spans there are, not on the order or the pieces in which they come."""

import pytest
from random_traces import at_once, in_pieces, random_delivery, random_traces

from ledger_by_hand import NOW, SECOND, RecordingLedger, differences, finish, pipeline_over, rows_of
from otlp_by_hand import CALL, START, agent, request, span

SEEDS = range(8)


@pytest.mark.parametrize("seed", SEEDS)
def test_trees_in_pieces_give_the_rows_of_one_batch(seed):
    """Spans of every class, with dimensions, tags, resources and missing parents; some are sent twice."""
    made = random_traces(seed, most=60)

    assert differences(in_pieces(random_delivery(seed, made)), at_once(made)) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_cycles_in_pieces_give_the_rows_of_one_batch(seed):
    """Where any span may be any span's parent, its own included, the same links are cut and flagged."""
    made = random_traces(seed, cycles=True, most=12)

    assert differences(in_pieces(random_delivery(seed, made)), at_once(made)) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_explicit_tasks_in_pieces_give_the_rows_of_one_batch(seed):
    """Task ids that join traces give the same tasks, and no task is left over that lost its spans."""
    made = random_traces(seed, tasks=True)

    assert differences(in_pieces(random_delivery(seed, made)), at_once(made)) == []


@pytest.mark.parametrize("root_first", [True, False], ids=["root first", "leaf first"])
def test_a_chain_of_a_thousand_agents_inherits_from_its_root(root_first):
    """The call at the end has the root's team and all agents in its path, whichever end comes first."""
    agents = [span(n, agent(f"a{n}") | ({"team": "root"} if n == 1 else {}), parent=n - 1) for n in range(1, 1001)]
    chain = [*agents, span(1001, CALL, parent=1000)]
    chain = chain if root_first else chain[::-1]
    ledger = RecordingLedger()
    pipeline = pipeline_over(ledger)

    for position, at in enumerate(range(0, len(chain), 200)):
        pipeline.take([request(*chain[at : at + 200])], position, NOW + position * 2 * SECOND)
        pipeline.flush(NOW + position * 2 * SECOND + SECOND)
    finish(pipeline, NOW + 60 * SECOND)

    call = ledger.span(1001)
    assert (call["team"], call["agent"], len(call["agent_path"])) == ("root", "a1000", 1000)


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1), (2, 3, 1)])
def test_a_cycle_is_cut_at_the_smallest_span_id(order):
    """Of 1 -> 2 -> 3 -> 1 the first loses its parent and is flagged; the others inherit from it."""
    spans = {n: span(n, agent(f"a{n}"), parent=n % 3 + 1) for n in (1, 2, 3)}
    ledger = RecordingLedger()
    pipeline = pipeline_over(ledger)

    for n in order:
        pipeline.take([request(spans[n])], n, NOW)
        pipeline.flush(NOW, everything=True)
    finish(pipeline, NOW + SECOND)

    assert {n: (ledger.span(n)["agent_path"], ledger.span(n)["flags"]) for n in (1, 2, 3)} == {
        1: (["a1"], ["parent_cycle"]),
        3: (["a1", "a3"], []),
        2: (["a1", "a3", "a2"], []),
    }


def test_a_call_is_found_below_spans_that_came_in_other_batches():
    """A call that repeats the one call below it is a duplicate, also when spans of no interest lie between."""
    spans = [span(1, CALL), span(2, {"http.route": "/"}, parent=1), span(3, CALL, parent=2)]
    ledger = RecordingLedger()
    pipeline = pipeline_over(ledger)

    for position, one in enumerate(spans):
        pipeline.take([request(one)], position, NOW + position * 5 * SECOND)
        pipeline.flush(NOW + position * 5 * SECOND + 2 * SECOND)
    finish(pipeline, NOW + 60 * SECOND)

    assert [ledger.span(n)["billing_role"] for n in (1, 3)] == ["duplicate", "call"]


VERSIONS = {
    "a later end": (
        {"attributes": CALL | {"team": "a", "gen_ai.response.id": "x"}, "end": START + SECOND},
        {"attributes": CALL | {"gen_ai.usage.output_tokens": 500}, "end": START + 2 * SECOND},
    ),
    "another parent": ({"attributes": CALL, "parent": 7}, {"attributes": CALL, "parent": 8}),
    "another start": (
        {"attributes": CALL, "end": START + 9},
        {"attributes": CALL, "start": START + 1, "end": START + 9},
    ),
    "another response id": (
        {"attributes": CALL | {"gen_ai.response.id": "one"}, "end": START + SECOND},
        {"attributes": CALL | {"gen_ai.response.id": "two"}, "end": START + 2 * SECOND},
    ),
    "no call any more": (
        {"attributes": CALL | {"gen_ai.response.id": "one"}, "end": START + SECOND},
        {"attributes": agent("planner"), "end": START + 2 * SECOND},
    ),
}
AROUND = (
    span(7, agent("seven")),
    span(8, agent("eight")),
    span(2, {"gen_ai.operation.name": "chat", "gen_ai.response.id": "one", "gen_ai.system": "openai"}, trace=2),
    span(4, CALL, parent=3),
)


@pytest.mark.parametrize("difference", VERSIONS)
def test_of_two_versions_of_a_span_the_same_one_wins_in_any_order(difference):
    """A span sent again with something else in it gives the same rows whichever of the two came first."""
    versions = [span(3, **what) for what in VERSIONS[difference]]

    said = []
    for first, second in (versions, versions[::-1]):
        ledger = RecordingLedger()
        pipeline = pipeline_over(ledger)
        pipeline.take([request(*AROUND, first)], 1, NOW)
        pipeline.flush(NOW, everything=True)
        pipeline.take([request(second)], 2, NOW + SECOND)
        finish(pipeline, NOW + 2 * SECOND)
        said.append(ledger.said())

    assert differences(*said) == []


def test_a_span_that_comes_again_before_it_is_written_is_written_once():
    """Of two versions that wait together, the one that ends later is the row, and there is one write."""
    partial, full = (span(1, CALL | {"gen_ai.usage.output_tokens": n}, end=START + n) for n in (5, 900))

    ledger = rows_of(request(full), request(partial))

    assert ledger.span(1)["output_tokens"] == 900
    assert [len(rows) for rows in ledger.span_writes] == [1]
