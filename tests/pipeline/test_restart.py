"""A restart changes nothing: a new pipeline over the same ledger goes on where the old one stopped."""

import pytest
from random_traces import AI_KINDS, at_once, in_pieces, random_delivery, random_traces

from ledger_by_hand import HOUR, NOW, SECOND, RecordingLedger, differences, finish, pipeline_over
from otlp_by_hand import CALL, START, agent, group, request, request_of, span, tool

MINUTE = 60 * SECOND


def restarted(ledger, now, limit=250_000):
    pipeline = pipeline_over(ledger)
    pipeline.reload(now, 900 * SECOND, limit)
    return pipeline


def written(*requests, now=NOW, apart=0):
    """A ledger with these requests in it, `apart` nanoseconds from each other, each stored before the next comes."""
    ledger = RecordingLedger()
    pipeline = pipeline_over(ledger)
    for position, one in enumerate(requests):
        pipeline.take([one], position, now + position * apart)
        pipeline.flush(now + position * apart, everything=True)
    finish(pipeline, now + len(requests) * apart)
    return ledger


RUNS = {
    "an agent run": [span(1, agent("a")), span(2, CALL | {"team": "t"}, parent=1), span(3, tool("x"), parent=1)],
    "a wrapper around a span of no interest": [
        span(1, CALL),
        span(2, {"http.route": "/"}, parent=1),
        span(3, CALL, parent=2),
    ],
    "an agent above a span of no interest": [
        span(1, agent("a") | {"team": "t"}),
        span(2, {"http.route": "/", "feature": "f"}, parent=1),
        span(3, CALL, parent=2),
    ],
    "a carried agent below a tool": [span(1, tool("x")), span(2, CALL | {"gen_ai.agent.name": "c"}, parent=1)],
    "a missing parent": [span(2, CALL | {"team": "t", "variant": "v"}, parent=1)],
    "a cycle": [span(1, agent("a"), parent=2), span(2, agent("b"), parent=1)],
    "explicit tasks": [
        span(1, agent("a") | {"spancost.task_id": "t"}),
        span(2, CALL, parent=1),
        span(3, CALL | {"spancost.task_id": "t"}, trace=2),
    ],
    "twins in two traces": [
        span(1, agent("a") | {"team": "t"}),
        span(2, CALL | {"gen_ai.response.id": "r"}, parent=1),
        span(3, CALL | {"gen_ai.response.id": "r", "gen_ai.usage.cache_read.input_tokens": 1}, trace=2),
    ],
}


@pytest.mark.parametrize("run", RUNS)
def test_a_restart_alone_writes_no_row_again(run):
    """What is decided stays decided: neither a span nor a task says anything else after a restart."""
    ledger = written(request(*RUNS[run], resource={"service.name": "s", "feature": "from resource"}))
    before, writes = ledger.said(), len(ledger.span_writes)

    finish(restarted(ledger, NOW + MINUTE), NOW + MINUTE)

    assert differences(ledger.said(), before) == []
    assert ledger.span_writes[writes:] == []


@pytest.mark.parametrize("seed", range(8))
def test_restarts_between_batches_give_the_rows_of_one_batch(seed):
    """Late parents, children and repetitions find what was stored before the restart."""
    made = random_traces(seed, kinds=AI_KINDS, tasks=bool(seed % 2))

    pieces = in_pieces(random_delivery(seed, made), restart_after=set(range(seed % 7)))

    assert differences(pieces, at_once(made)) == []


def test_a_late_child_after_a_restart_finds_its_agent_and_joins_its_task():
    """The task row holds what was stored before the restart and what came after."""
    ledger = written(request(span(1, agent("a") | {"team": "t"}), span(2, CALL, parent=1)))

    later = NOW + 5 * MINUTE
    pipeline = restarted(ledger, later)
    pipeline.take([request(span(3, CALL, parent=1))], 9, later)
    finish(pipeline, later + SECOND)

    assert (ledger.span(3)["team"], ledger.span(3)["agent"]) == ("t", "a")
    assert (ledger.task()["calls"], ledger.task()["steps"], ledger.task()["name"]) == (2, 1, "span")


def test_a_task_that_grew_for_minutes_before_the_restart_keeps_all_its_calls():
    """Spans stored long before the last minute count in the task that is rolled up after the restart."""
    calls = [CALL | {"gen_ai.usage.output_tokens": n} for n in range(6)]
    run = [request(span(n, calls[n], parent=n - 1, start=START + n * MINUTE)) for n in range(1, 6)]
    ledger = written(*run, apart=MINUTE)

    finish(restarted(ledger, NOW + 6 * MINUTE), NOW + 6 * MINUTE)

    assert ledger.task()["calls"] == 5


def test_a_task_that_was_stored_but_not_rolled_up_is_rolled_up_after_the_restart():
    """The collector died between the rows of the spans and the row of their task."""
    ledger = written(request(span(1, agent("a")), span(2, CALL, parent=1)))
    ledger.task_rows.clear()

    finish(restarted(ledger, NOW + SECOND), NOW + 10 * SECOND)

    assert ledger.task()["calls"] == 1


def test_a_late_root_after_a_restart_puts_all_its_calls_in_its_light():
    """Calls stored before the restart are restated when the agent span above them arrives."""
    ledger = written(request(*(span(n, CALL, parent=1) for n in (2, 3, 4))))

    pipeline = restarted(ledger, NOW + 5 * MINUTE)
    pipeline.take([request(span(1, agent("a") | {"team": "t"}))], 9, NOW + 5 * MINUTE)
    finish(pipeline, NOW + 6 * MINUTE)

    assert {ledger.span(n)["team"] for n in (2, 3, 4)} == {"t"}
    assert (ledger.task()["calls"], ledger.task()["team"]) == (3, "t")


def test_a_late_child_finds_a_trace_that_the_reload_had_no_room_for():
    """Only the newest rows are loaded; an older trace is read back when a span of it comes."""
    first = request(span(1, agent("a") | {"team": "t"}))
    others = request(*(span(1, CALL, trace=n) for n in range(2, 12)))
    ledger = written(first, others, apart=MINUTE)

    pipeline = restarted(ledger, NOW + 3 * MINUTE, limit=5)
    pipeline.take([request(span(2, CALL, parent=1))], 9, NOW + 3 * MINUTE)
    finish(pipeline, NOW + 4 * MINUTE)

    assert ledger.span(2)["team"] == "t"
    assert (ledger.task()["calls"], ledger.task()["steps"]) == (1, 1)


def test_a_late_child_finds_a_trace_from_before_the_reloaded_time():
    """A trace stored an hour before the restart is read back when a span of it comes."""
    ledger = written(request(span(1, agent("a") | {"team": "t"})))

    pipeline = restarted(ledger, NOW + HOUR)
    pipeline.take([request(span(2, CALL, parent=1))], 9, NOW + HOUR)
    finish(pipeline, NOW + HOUR + MINUTE)

    assert ledger.span(2)["team"] == "t"
    assert (ledger.task()["calls"], ledger.task()["steps"]) == (1, 1)


def test_versions_rise_when_the_clock_went_back():
    """A span that says more after a restart replaces its row, and its task's, though the clock is an hour behind."""
    ledger = written(request(span(1, CALL)))

    pipeline = restarted(ledger, NOW - HOUR)
    pipeline.take([request(span(1, CALL | {"gen_ai.usage.output_tokens": 999}, end=START + 9 * SECOND))], 9, NOW - HOUR)
    finish(pipeline, NOW - HOUR + SECOND)

    assert ledger.span(1)["output_tokens"] == 999
    assert ledger.task()["output_tokens"] == 999


def test_a_repeated_span_after_a_restart_writes_nothing():
    """What was stored and is sent again, as after a crash before the checkpoint, changes no row."""
    run = request_of(group(span(1, agent("a")), span(2, CALL, parent=1), resource={"service.name": "s"}))
    ledger = written(run)
    before, writes = ledger.said(), len(ledger.span_writes)

    pipeline = restarted(ledger, NOW + SECOND)
    taken = pipeline.take([run], 9, NOW + SECOND)
    finish(pipeline, NOW + 2 * SECOND)

    assert taken.repeated == 2
    assert differences(ledger.said(), before) == []
    assert ledger.span_writes[writes:] == []


@pytest.mark.parametrize("idle", [1, 30, 26 * 60])
def test_a_trace_that_goes_on_after_a_restart_keeps_its_agent_and_its_task(idle):
    """However long it waited, and though its next span starts after the restart."""
    ledger = written(request(span(1, agent("a") | {"team": "t"}), span(2, CALL, parent=1)))
    later = NOW + idle * MINUTE

    pipeline = restarted(ledger, later)
    more = CALL | {"gen_ai.usage.output_tokens": 7}
    child = span(3, more, parent=1, start=later + SECOND, end=later + 2 * SECOND)
    pipeline.take([request(child)], 9, later + 3 * SECOND)
    finish(pipeline, later + 4 * SECOND)

    assert (ledger.span(3)["team"], ledger.span(3)["agent"]) == ("t", "a")
    assert ledger.task()["calls"] == 2
