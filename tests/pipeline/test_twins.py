"""Two spans with the same response id describe one call: it is billed once, whatever traces they are in."""

import pytest
from random_traces import at_once, in_pieces, random_delivery, random_traces

from ledger_by_hand import NOW, SECOND, RecordingLedger, differences, finish, pipeline_over, rows_of
from otlp_by_hand import CALL, START, agent, request, span

MINUTE = 60 * SECOND
ID = {"gen_ai.response.id": "chatcmpl-1"}
FRAMEWORK = [
    span(1, agent("a") | {"team": "t"}, trace=1),
    span(2, {"gen_ai.operation.name": "chat", "gen_ai.system": "openai"} | ID, parent=1, trace=1),
]
NATIVE = [span(1, CALL | ID, trace=2)]
OTHERS = [span(1, CALL, trace=n, start=START + n) for n in range(10, 20)]


@pytest.mark.parametrize("seed", range(8))
def test_twins_in_pieces_give_the_rows_of_one_batch(seed):
    """Pairs of spans with one response id, in the same and in other traces, in any order."""
    made = random_traces(seed, twins=2, most=20)

    assert differences(in_pieces(random_delivery(seed, made)), at_once(made)) == []


@pytest.mark.parametrize("first", ["framework", "native"])
def test_the_description_with_usage_is_billed_for_whom_the_other_knows(first):
    """The native span in a trace of its own knows the usage, the framework's span the team and the task."""
    spans = [FRAMEWORK, NATIVE] if first == "framework" else [NATIVE, FRAMEWORK]
    ledger = RecordingLedger()
    pipeline = pipeline_over(ledger)

    for position, batch in enumerate(spans):
        pipeline.take([request(*batch)], position, NOW + position * 10 * SECOND)
        pipeline.flush(NOW + position * 10 * SECOND, everything=True)
    finish(pipeline, NOW + MINUTE)

    billed, other = ledger.span(1, trace=2), ledger.span(2, trace=1)
    assert (billed["billing_role"], billed["team"], billed["agent"]) == ("call", "t", "a")
    assert (other["billing_role"], other["duplicate_of"]) == ("duplicate", f"{2:032x}:{1:016x}")
    tasks = ledger.said()[1]
    assert {task: row["calls"] for task, row in tasks.items()} == {f"{1:032x}": 1}


@pytest.mark.parametrize("first", ["framework", "native"])
def test_the_sweep_finds_a_twin_whose_trace_has_left_the_window(first):
    """Both are billed until the sweep; after it only one is, and the other names it."""
    spans = [FRAMEWORK, NATIVE] if first == "framework" else [NATIVE, FRAMEWORK]
    ledger = RecordingLedger()
    pipeline = pipeline_over(ledger, max_spans=5)
    for position, batch in enumerate((spans[0], OTHERS, spans[1])):
        pipeline.take([request(*batch)], position, NOW + position * MINUTE)
        pipeline.flush(NOW + position * MINUTE, everything=True)
        pipeline.evict(NOW + position * MINUTE)

    finish(pipeline, NOW + 3 * MINUTE)

    billed, other = ledger.span(1, trace=2), ledger.span(2, trace=1)
    assert (billed["billing_role"], billed["team"]) == ("call", "t")
    assert (other["billing_role"], other["duplicate_of"]) == ("duplicate", f"{2:032x}:{1:016x}")


def test_a_duplicate_stays_one_when_the_window_has_let_its_original_go():
    """A late span in the duplicate's trace does not make it a call again."""
    ledger = RecordingLedger()
    pipeline = pipeline_over(ledger, max_spans=6)
    pipeline.take([request(*NATIVE)], 0, NOW)
    pipeline.take([request(*FRAMEWORK)], 1, NOW + SECOND)
    pipeline.flush(NOW + SECOND, everything=True)
    pipeline.take([request(*OTHERS[:4])], 2, NOW + MINUTE)
    pipeline.flush(NOW + MINUTE, everything=True)
    pipeline.evict(NOW + MINUTE)

    pipeline.take([request(span(9, CALL, parent=2, trace=1))], 3, NOW + 2 * MINUTE)
    finish(pipeline, NOW + 3 * MINUTE)

    other = ledger.span(2, trace=1)
    assert (other["billing_role"], other["duplicate_of"]) == ("duplicate", f"{2:032x}:{1:016x}")


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_three_descriptions_of_a_call_are_billed_once(order):
    """The one with the most usage is billed, and both others name it, in whatever order they came."""
    bare = {"gen_ai.operation.name": "chat", "gen_ai.system": "openai"} | ID
    told = [bare, bare | {"gen_ai.usage.input_tokens": 1000}, CALL | ID]
    spans = [span(1, attributes, trace=n + 1) for n, attributes in enumerate(told)]
    ledger = RecordingLedger()
    pipeline = pipeline_over(ledger)

    for position, n in enumerate(order):
        pipeline.take([request(spans[n])], position, NOW + position * SECOND)
        pipeline.flush(NOW + position * SECOND, everything=True)
    finish(pipeline, NOW + MINUTE)

    best = f"{3:032x}:{1:016x}"
    assert [ledger.span(1, trace=n)["duplicate_of"] for n in (1, 2, 3)] == [best, best, ""]
    assert differences(ledger.said(), rows_of(request(*spans)).said()) == []


def test_spans_an_hour_apart_are_two_calls():
    """Test doubles and caches repeat response ids; a provider does not within the same hour."""
    ledger = rows_of(request(span(1, CALL | ID), span(1, CALL | ID, trace=2, start=START + 3601 * SECOND)))

    assert {row["billing_role"] for row in ledger.rows.values()} == {"call"}


def test_the_same_id_of_two_providers_is_two_calls():
    """Response ids are unique within a provider only."""
    ledger = rows_of(request(span(1, CALL | ID), span(1, CALL | ID | {"gen_ai.provider.name": "anthropic"}, trace=2)))

    assert {row["billing_role"] for row in ledger.rows.values()} == {"call"}
