"""A window too small for all traces gives the same rows as one that holds them."""

import pytest
from random_traces import AI_KINDS, at_once, in_pieces, random_delivery, random_traces

from ledger_by_hand import NOW, SECOND, RecordingLedger, differences, finish, pipeline_over
from otlp_by_hand import CALL, agent, request, span

MINUTE = 60 * SECOND


@pytest.mark.parametrize("seed", range(8))
def test_a_window_of_a_few_spans_gives_the_rows_of_one_that_holds_all(seed):
    """Traces that left the window are read back when their next span comes."""
    made = random_traces(seed, most=60, kinds=AI_KINDS, tasks=bool(seed % 2))

    pieces = in_pieces(random_delivery(seed, made), max_spans=1 + seed * 2)

    assert differences(pieces, at_once(made)) == []


def test_a_late_child_of_an_evicted_trace_finds_its_agent_and_joins_its_task():
    """The task row holds what came before the trace left the window and what came after."""
    ledger = RecordingLedger()
    pipeline = pipeline_over(ledger, max_spans=4)
    for n in range(1, 6):
        root = span(1, agent("a") | {"team": f"t{n}"}, trace=n)
        pipeline.take([request(root, span(2, CALL, parent=1, trace=n))], n, NOW)
        pipeline.flush(NOW, everything=True)
        pipeline.evict(NOW)

    pipeline.take([request(span(3, CALL, parent=1))], 9, NOW + MINUTE)
    finish(pipeline, NOW + MINUTE)

    assert ledger.span(3)["team"] == "t1"
    assert (ledger.task()["calls"], ledger.task()["steps"]) == (2, 1)


def test_the_window_is_kept_within_its_bounds():
    """Spans beyond `max_spans` leave once their rows are stored."""
    pipeline = pipeline_over(RecordingLedger(), max_spans=10)
    for n in range(1, 100):
        pipeline.take([request(span(1, CALL, trace=n))], n, NOW + n)
        pipeline.flush(NOW + n, everything=True)
        pipeline.evict(NOW + n)

    assert pipeline.window_spans <= 10


def test_rows_that_wait_are_not_evicted():
    """A window that is too small never costs a row."""
    ledger = RecordingLedger()
    pipeline = pipeline_over(ledger, max_spans=2)

    pipeline.take([request(*(span(n, CALL, trace=n) for n in range(1, 21)))], 1, NOW)
    pipeline.evict(NOW)
    finish(pipeline, NOW + SECOND)

    assert len(ledger.rows) == 20


@pytest.mark.parametrize("quiet", [16, 20, 40])
def test_a_task_that_was_quiet_for_minutes_keeps_what_it_had(quiet):
    """A call that comes long after the others of its task is added to them."""
    ledger = RecordingLedger()
    pipeline = pipeline_over(ledger)
    pipeline.take([request(span(1, agent("a")), span(2, CALL, parent=1))], 1, NOW)
    pipeline.flush(NOW, everything=True)
    for minute in range(quiet):
        pipeline.flush(NOW + minute * MINUTE)
        pipeline.evict(NOW + minute * MINUTE)

    pipeline.take([request(span(3, CALL, parent=1))], 2, NOW + quiet * MINUTE)
    finish(pipeline, NOW + quiet * MINUTE + SECOND)

    assert (ledger.task()["calls"], ledger.task()["steps"]) == (2, 1)


def test_a_trace_that_goes_on_while_others_leave_keeps_its_task():
    """Its span waits to be written when the oldest trace goes; its task still has the call that was written before."""
    ledger = RecordingLedger()
    pipeline = pipeline_over(ledger, max_spans=2)
    for n in (1, 2):
        pipeline.take([request(span(1, CALL, trace=n))], n, NOW + n * SECOND)
        pipeline.flush(NOW + n * SECOND, everything=True)

    pipeline.take([request(span(2, CALL, trace=2))], 3, NOW + 5 * SECOND)
    pipeline.evict(NOW + 5 * SECOND)
    finish(pipeline, NOW + 10 * SECOND)

    assert ledger.task(trace=2)["calls"] == 2
