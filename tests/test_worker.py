"""The worker moves spans from the spool into the ledger, through faults of the store and of its own code."""

import time
from collections import Counter
from dataclasses import replace

import pytest
import structlog

from ledger_by_hand import RecordingLedger, pipeline_over, shipped_pricer
from otlp_by_hand import CALL, agent, field, request, span
from spancost.errors import Overloaded
from spancost.metrics import Metrics
from spancost.spool.spool import Spool
from spancost.tail import Tail
from spancost.worker import Limits, Worker

PATIENCE = 20


class FailingLedger(RecordingLedger):
    """Refuses the operations named in `refusals` as often as they are counted there."""

    def __init__(self, **refusals):
        super().__init__()
        self.refusals = Counter(refusals)

    def write_spans(self, rows):
        self._perhaps("write_spans")
        super().write_spans(rows)

    def write_tasks(self, rows):
        self._perhaps("write_tasks")
        super().write_tasks(rows)

    def stored(self, *arguments):
        self._perhaps("stored")
        return super().stored(*arguments)

    def recent(self, *arguments):
        self._perhaps("recent")
        return super().recent(*arguments)

    def _perhaps(self, operation):
        if self.refusals[operation]:
            self.refusals[operation] -= 1
            raise Overloaded(f"{operation} is refused", 1)


@pytest.fixture(autouse=True)
def logs():
    """What is logged, unprinted: tracebacks in colour take seconds."""
    with structlog.testing.capture_logs() as captured:
        yield captured


@pytest.fixture
def metrics():
    made = Metrics()
    yield made
    made.close()


@pytest.fixture
def spool(tmp_path):
    made = Spool(tmp_path / "spool", quota_bytes=1 << 30)
    yield made
    made.close()


@pytest.fixture
def start(spool, metrics):
    """`start(ledger)`: a running worker over the spool, stopped when the test ends."""
    running = []

    def run(ledger, spool=spool, max_spans=1_000_000, pricer=None):
        limits = Limits(max_spans=max_spans, max_age_ns=900 * 10**9, reload_spans=250_000)
        pipeline = pipeline_over(ledger, max_spans=max_spans, pricer=pricer, settle_ns=50_000_000)
        worker = Worker(pipeline, spool, metrics, Tail(), limits)
        running.append(worker)
        worker.start()
        return worker

    yield run
    for worker in running:
        worker.stop(PATIENCE)


def eventually(holds):
    """Whether a condition holds before patience ends."""
    deadline = time.monotonic() + PATIENCE
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.01)
    return holds()


def spool_is_empty(spool):
    return lambda: spool.status(time.time()).records == 0


def test_spans_are_stored_and_the_spool_is_emptied(start, spool):
    """What was appended becomes rows, a task, and a checkpoint."""
    ledger = RecordingLedger()
    start(ledger)

    spool.append(request(span(1, agent("a")), span(2, CALL, parent=1)))

    assert eventually(spool_is_empty(spool))
    assert (len(ledger.rows), ledger.span(2)["agent"]) == (2, "a")
    assert eventually(lambda: ledger.task_rows)
    assert ledger.task()["calls"] == 1


@pytest.mark.parametrize(("operation", "times"), [("write_spans", 2), ("write_tasks", 1)])
def test_a_store_that_refuses_for_a_while_loses_and_doubles_nothing(start, spool, operation, times):
    """Every span lands, and the checkpoint moves only when its row is stored."""
    ledger = FailingLedger(**{operation: times})
    worker = start(ledger)

    for n in range(1, 6):
        spool.append(request(span(n, CALL, trace=n)))

    assert eventually(spool_is_empty(spool))
    worker.stop(PATIENCE)
    assert (len(ledger.rows), len(ledger.task_rows)) == (5, 5)
    assert {row["calls"] for row in ledger.task_rows.values()} == {1}


def test_nothing_leaves_the_spool_before_it_is_stored(start, spool):
    """While the store refuses, the spool keeps every record, and readiness has a reason."""
    ledger = FailingLedger(write_spans=10**9)
    worker = start(ledger)

    spool.append(request(span(1, CALL)))

    assert eventually(lambda: "write_spans is refused" in worker.trouble)
    assert spool.status(time.time()).records == 1
    ledger.refusals.clear()
    assert eventually(lambda: worker.trouble == "")
    assert eventually(spool_is_empty(spool))


def test_spans_whose_trace_could_not_be_read_back_are_not_lost(start, spool):
    """A store that refuses to read while a batch is taken in gets the same batch again."""
    ledger = FailingLedger()
    start(ledger, max_spans=1)
    for n in range(1, 4):
        spool.append(request(span(1, agent("a") | {"team": f"t{n}"}, trace=n)))
        assert eventually(spool_is_empty(spool))

    ledger.refusals["stored"] = 2
    for n in range(1, 4):
        spool.append(request(span(2, CALL, parent=1, trace=n)))

    assert eventually(lambda: len(ledger.rows) == 6)
    assert [ledger.span(2, trace=n)["team"] for n in range(1, 4)] == ["t1", "t2", "t3"]


def test_it_is_ready_once_the_window_is_loaded(start):
    """While the store refuses to be read there is trouble; then the worker begins."""
    worker = start(FailingLedger(recent=1))

    assert eventually(lambda: worker.ready)
    assert eventually(lambda: worker.trouble == "")


def broken_for(model):
    """A pricer with a fault that nobody foresaw: it fails for one model."""
    sound = shipped_pricer()

    def plan(key):
        if key.request_model == model:
            raise ZeroDivisionError(model)
        return sound.plan(key)

    return replace(sound, plan=plan)


def test_an_unforeseen_error_costs_only_the_span_that_causes_it(start, spool, metrics):
    """The other spans of the batch are stored, the lost one is counted, and the checkpoint moves on."""
    ledger = RecordingLedger()
    worker = start(ledger, pricer=broken_for("broken"))
    bad = CALL | {"gen_ai.request.model": "broken"}

    spool.append(request(span(1, CALL), span(2, bad), span(3, CALL, parent=2)))

    assert eventually(spool_is_empty(spool))
    assert sorted(span_id for _, span_id in ledger.rows) == [f"{n:016x}" for n in (1, 3)]
    assert worker.trouble == ""
    assert b'spancost_not_calls_total{reason="could not be processed"} 1.0' in metrics.text()


def test_an_unforeseen_error_costs_only_its_span_in_a_damaged_request_too(start, spool):
    """Good spans beside a damaged one and beside one that fails are stored."""
    good = request(span(1, CALL), span(2, CALL | {"gen_ai.request.model": "broken"}))
    cut_short = b"\x0a\x10abc"
    damaged = good + field(1, field(2, field(2, cut_short)))
    ledger = RecordingLedger()
    start(ledger, pricer=broken_for("broken"))

    spool.append(damaged)

    assert eventually(spool_is_empty(spool))
    assert {span_id for _, span_id in ledger.rows} == {f"{1:016x}"}


def test_what_waits_is_written_when_it_is_told_to_stop(start, spool):
    """Stopping writes the rows that have not settled, and moves the checkpoint past them."""
    ledger = RecordingLedger()
    worker = start(ledger)
    assert eventually(lambda: worker.ready)
    spool.append(request(span(1, CALL)))
    assert eventually(lambda: worker._pipeline.waiting or ledger.rows)

    worker.stop(PATIENCE)

    assert len(ledger.rows) == 1
    assert spool_is_empty(spool)()


def test_a_new_worker_goes_on_with_what_the_old_one_left(start, tmp_path):
    """What was not stored is read again after a restart; what was stored is not doubled."""
    ledger = FailingLedger()
    old_spool = Spool(tmp_path / "kept", quota_bytes=1 << 30)
    old = start(ledger, spool=old_spool)
    old_spool.append(request(span(1, agent("a"))))
    assert eventually(spool_is_empty(old_spool))
    ledger.refusals["write_spans"] = 10**9
    old_spool.append(request(span(2, CALL, parent=1)))
    assert eventually(lambda: old.trouble)
    old.stop(PATIENCE)
    old_spool.close()
    ledger.refusals.clear()

    new_spool = Spool(tmp_path / "kept", quota_bytes=1 << 30)
    new = start(ledger, spool=new_spool)
    assert eventually(spool_is_empty(new_spool))
    new.stop(PATIENCE)
    new_spool.close()

    assert (len(ledger.rows), ledger.span(2)["agent"], ledger.task()["calls"]) == (2, "a", 1)
