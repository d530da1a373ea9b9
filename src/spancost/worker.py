"""The loop between spool and store: one thread that reads, decides, writes, and moves the checkpoint."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import structlog

from spancost.decode.split import single_spans
from spancost.errors import SpancostError
from spancost.metrics import Metrics
from spancost.pipeline import Flushed, Pipeline, Taken
from spancost.spool.spool import Record, Spool
from spancost.tail import Tail

_log = structlog.get_logger(__name__)

_BATCH_BYTES = 16 << 20
_BATCH_SECONDS = 0.2
_MOST_WAITING = 120_000
_SWEEP_SECONDS = 60.0
_TIDY_SECONDS = 10.0
_PAUSES = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0)
_TAIL_COLUMNS = (
    "billing_role", "start_time", "service", "agent", "team", "feature", "operation", "kind", "name", "provider",
    "model",
    "request_model", "input_tokens", "output_tokens", "cache_read_tokens", "cost", "cost_status", "unpriced_reason",
    "error", "trace_id", "span_id", "duplicate_of", "role_reason", "dialect",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of the window."""

    max_spans: int
    max_age_ns: int
    reload_spans: int


class Worker:
    """Runs the pipeline. What fails for the moment is tried again, with pauses that grow; nothing is dropped."""

    def __init__(self, pipeline: Pipeline, spool: Spool, metrics: Metrics, tail: Tail, limits: Limits) -> None:
        self._pipeline, self._spool, self._metrics, self._tail, self._limits = pipeline, spool, metrics, tail, limits
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pipeline", daemon=True)
        self._not_calls: Counter[tuple[str, str, str]] = Counter()
        self._swept = self._tidied = time.monotonic()
        self._records: list[Record] = []
        self.ready = False
        """Whether the window is loaded and spans are being processed."""
        self.trouble = ""
        """What could not be done when it was last tried; '' when all is well."""

    def start(self) -> None:
        """Load the window and begin."""
        self._thread.start()

    def stop(self, grace: float) -> None:
        """Write what waits and end, within `grace` seconds; what is not stored then stays in the spool."""
        self._stop.set()
        self._thread.join(grace)

    def _run(self) -> None:
        self._persist("load the window", self._load)
        self.ready = True
        while not self._stop.is_set():
            self._persist("process spans", self._step)
        self._persist("write what waits", lambda: self._flush(everything=True), tries=1)

    def _load(self) -> None:
        spans = self._pipeline.reload(time.time_ns(), self._limits.max_age_ns, self._limits.reload_spans)
        _log.debug("window loaded", spans=spans)

    def _step(self) -> None:
        if self._pipeline.waiting < _MOST_WAITING:
            self._read()
        self._flush()
        if time.monotonic() - self._tidied > _TIDY_SECONDS or self._pipeline.window_spans > self._limits.max_spans:
            self._tidied = time.monotonic()
            self._pipeline.evict(time.time_ns())
        if time.monotonic() - self._swept > _SWEEP_SECONDS:
            self._swept = time.monotonic()
            self._pipeline.sweep(time.time_ns())

    def _read(self) -> None:
        """Take in what came within a batch's time, as one batch: every stage is cheaper by the thousand."""
        records = self._records
        deadline = time.monotonic() + _BATCH_SECONDS
        while (size := sum(len(record.body) for record in records)) < _BATCH_BYTES and not self._stop.is_set():
            left = deadline - time.monotonic()
            if left <= 0:
                break
            records += self._spool.read(_BATCH_BYTES - size, left)
        if not records:
            return
        began = time.thread_time()
        taken_in = self._take(records)
        self._records = []
        for taken in taken_in:
            self._not_calls.update(taken.not_calls)
            self._count_taken(taken, time.thread_time() - began)
            began = time.thread_time()

    def _take(self, records: Sequence[Record]) -> list[Taken]:
        """Take records in together; if that fails for a reason nobody foresaw, span by span, so that only what fails is
        lost, and counted."""
        bodies, position = [record.body for record in records], records[-1].position
        try:
            return [self._pipeline.take(bodies, position, time.time_ns())]
        except (SpancostError, OSError):
            raise
        except Exception:
            _log.exception("a batch could not be processed; trying its spans one by one")
        taken = []
        for span in (span for body in bodies for span in single_spans(body)):
            try:
                taken.append(self._pipeline.take([span], position, time.time_ns()))
            except (SpancostError, OSError):
                raise
            except Exception as error:
                self._metrics.not_calls({"could not be processed": 1})
                _log.error("a span could not be processed", error=type(error).__name__)
        self._pipeline.take([], position, time.time_ns())
        return taken

    def _flush(self, everything: bool = False) -> None:
        began = time.thread_time()
        flushed = self._pipeline.flush(time.time_ns(), everything)
        self._count_flushed(flushed, time.thread_time() - began)
        if flushed.position is not None:
            self._spool.commit(flushed.position)
        if self._tail.watched:
            self._tail.publish([] if flushed.rows is None else _for_people(flushed.rows), self._not_calls)
        self._not_calls = Counter()

    def _count_taken(self, taken: Taken, seconds: float) -> None:
        new = taken.spans - taken.repeated
        self._metrics.processed("admit", incoming=taken.spans, outgoing=new, cpu_seconds=seconds)
        reasons: Counter[str] = Counter()
        for (_, _, reason), spans in taken.not_calls.items():
            reasons[reason] += spans
        self._metrics.not_calls(reasons)

    def _count_flushed(self, flushed: Flushed, seconds: float) -> None:
        written = 0 if flushed.rows is None else len(flushed.rows)
        self._metrics.processed("write", incoming=written, outgoing=written + flushed.restated, cpu_seconds=seconds)
        if written or flushed.restated or flushed.tasks:
            self._metrics.sent(written, {"spans_ledger": written + flushed.restated, "tasks_ledger": flushed.tasks})
        if flushed.rows is not None:
            self._metrics.calls(_statuses(flushed.rows))

    def _persist(self, what: str, work: Callable[[], None], tries: int | None = None) -> None:
        """Do some work until it succeeds, or the worker is told to stop."""
        attempt = 0
        while tries is None or attempt < tries:
            try:
                work()
                self.trouble = ""
                return
            except Exception as error:
                pause = _PAUSES[min(attempt, len(_PAUSES) - 1)]
                attempt += 1
                self.trouble = f"could not {what}: {type(error).__name__}: {str(error)[:500]}"
                self._metrics.send_failed(self._pipeline.waiting)
                foreseen = isinstance(error, SpancostError | OSError)
                _log.warning(
                    self.trouble, attempt=attempt, next_try_seconds=pause, exc_info=not foreseen and attempt == 1
                )
                if self._stop.wait(pause):
                    return


def _for_people(rows: pa.Table) -> list[dict[str, Any]]:
    """Rows with the columns that a watcher sees; those that the rows leave out are unset."""
    there = [name for name in _TAIL_COLUMNS if name in rows.column_names]
    absent = {name: None if name.endswith("_tokens") else "" for name in _TAIL_COLUMNS if name not in there}
    return [{**absent, **row} for row in rows.select(there).to_pylist()]


def _statuses(rows: pa.Table) -> Counter[str]:
    status, role = rows["cost_status"].to_pylist(), rows["billing_role"].to_pylist()
    return Counter(s for s, r in zip(status, role, strict=True) if r == "call")
