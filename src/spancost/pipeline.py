"""READ FIRST. The path of the data, stage by stage, from requests to rows.

    requests          bytes of ExportTraceServiceRequest, in the order of the spool   (`receive`, `spool`)
      decode          -> Spans        columns; message content reduced to hashes       (`decode.otlp`)
      normalise       -> Normalised   canonical columns, disjoint usage, dialect       (`normalise.stage`)
      price           -> Priced       cost of every call, with the price that gave it  (`price.stage`)
      window.admit                    role, agent, attribution in the light of the trace (`attribute.window`)
      settle                          rows of a trace wait a second and are written once
      ledger_rows     -> Arrow table  one row a span, into `spans_ledger`               (`ledger.rows`)
      restated_rows   -> Arrow table  rows that later spans changed, written again      (`ledger.restate`)
      roll_up         -> Arrow table  one row a task, into `tasks_ledger`               (`attribute.tasks`)

A `Pipeline` holds what lies between two stages: the window, and the rows that wait. It knows the store only as a
`Ledger`
and is told the time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from spancost.attribute.index import is_in, mix
from spancost.attribute.window import Moved, Window
from spancost.decode.otlp import decode
from spancost.ledger.prices import with_kept_prices
from spancost.ledger.protocol import Ledger
from spancost.ledger.recall import Recall
from spancost.ledger.restate import restated_rows
from spancost.ledger.rows import deleted_rows, ledger_rows
from spancost.ledger.task_rows import TaskRows
from spancost.model import CLS_CALL, CLS_OTHER, HOUR_NS, Int32, Int64, Normalised, Priced, UInt64, hex_ids
from spancost.normalise.dialects import Conventions
from spancost.normalise.stage import normalise
from spancost.price.pricer import Pricer
from spancost.price.stage import price
from spancost.tail import IS_STEP

_ROWS_AT_ONCE = 8_192
_LINGER_NS = 400_000_000
"""An insert costs ClickHouse the less a row the more rows it has: fewer than `_ROWS_AT_ONCE` wait so long for more."""
_RESTATED_AT_ONCE = 20_000


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of some requests on their way in."""

    spans: int
    """Spans with valid ids."""
    repeated: int
    """Spans that said nothing that was not known."""
    rejected: int
    """Spans without valid ids."""
    not_calls: Counter[tuple[str, str, str]]
    """(service, scope, reason) -> spans that are no model calls."""


@dataclass(frozen=True, slots=True)
class Flushed:
    """What a flush wrote."""

    rows: pa.Table | None
    """Rows of `spans_ledger` written for the first time, None when there were none."""
    restated: int
    tasks: int
    position: int | None
    """Everything up to this position of the spool is stored; None when nothing is known to be."""


@dataclass(slots=True)
class _Waiting:
    priced: Priced
    rows: Int64
    slots: Int32
    position: int
    arrived_ns: int


class Pipeline:
    """Requests in, rows out. One thread owns it."""

    def __init__(
        self, conventions: Conventions, pricer: Pricer, window: Window, ledger: Ledger, secret: bytes, settle_ns: int
    ) -> None:
        self._conventions, self._pricer, self._window, self._ledger = conventions, pricer, window, ledger
        self._secret, self._settle_ns = secret, settle_ns
        self._recall = Recall(window, ledger)
        self._tasks = TaskRows(ledger)
        self._waiting: list[_Waiting] = []
        self._stored_position: int | None = None
        self._version = 0

    @property
    def waiting(self) -> int:
        """Rows that wait to be written."""
        return sum(len(part.rows) for part in self._waiting)

    @property
    def window_spans(self) -> int:
        """Spans in the window."""
        return len(self._window)

    def take(self, requests: Sequence[bytes], position: int, now_ns: int) -> Taken:
        """Take requests in; `position` is that of the last of them in the spool."""
        spans = decode(requests, self._conventions.content, self._secret)
        batch = normalise(spans, self._conventions)
        priced = price(batch, self._pricer)
        self._recall.before(spans, now_ns)
        admitted = self._window.admit(batch, now_ns)
        self._waiting.append(_Waiting(priced, admitted.rows, admitted.slots, position, now_ns))
        return Taken(len(spans), admitted.repeated, spans.rejected, _not_calls(batch, self._conventions))

    def flush(self, now_ns: int, everything: bool = False) -> Flushed:
        """Write what has waited long enough, or everything; then restate and roll up what that changed.

        What raises an error is tried again by the next flush: nothing is taken off the waiting rows before it is
        stored.
        """
        self._tasks.expect(self._recall.take_tasks())
        written, tasks = self._write(now_ns, everything)
        restated = self._restate(now_ns)
        tasks += self._tasks.roll_up_due(self._next_version(now_ns), now_ns, everything)
        self._settle_position()
        return Flushed(written, restated, tasks, self._stored_position)

    def reload(self, now_ns: int, max_age_ns: int, limit: int) -> int:
        """Fill the window from the store after a start; returns the spans in it."""
        unsettled = self._recall.reload(now_ns, max_age_ns, limit)
        self._tasks.expect(self._recall.take_tasks())
        self._version = int(self._window.slots.version[: len(self._window)].max(initial=0))
        if len(unsettled):
            self._tasks.touched(unsettled, [], now_ns)
        return len(self._window)

    def sweep(self, now_ns: int) -> int:
        """Find and resolve again what the window could not see together; returns the traces looked at."""
        return self._recall.sweep(now_ns)

    def evict(self, now_ns: int) -> None:
        """Bring the window back to its bounds."""
        gone, moved = self._window.evict(now_ns)
        if moved is not None:
            self._recall.evicted(gone)
            for part in self._waiting:
                part.slots = moved[part.slots]
            self._tasks.forget(self._window.oldest_ns)

    def _write(self, now_ns: int, everything: bool) -> tuple[pa.Table | None, int]:
        due = self._due(now_ns, everything)
        if not due:
            return None, 0
        s = self._window.slots
        stored = max(int(s.version[part.slots[which]].max()) for part, which in due)
        version = self._next_version(max(now_ns, stored + 2))
        parts = [
            ledger_rows(part.priced, part.rows[which], part.slots[which], self._window, version, now_ns)
            for part, which in due
        ]
        table = pa.concat_tables(parts, promote_options="permissive").unify_dictionaries()
        again = np.concatenate([slots[s.version[slots] > 0] for slots in (part.slots[which] for part, which in due)])
        if len(again):
            table = with_kept_prices(table, self._stored(again))
        if len(self._window.moved):
            # First: a failure between the two leaves too few rows, which the spool brings again, and never too many.
            self._ledger.write_spans(deleted_rows(self._window.moved, version - 1, now_ns))
        self._ledger.write_spans(table)
        self._window.moved = Moved.none()
        tasks = self._tasks.after(table, version, now_ns)
        for part, which in due:
            self._recall.wrote(np.unique(part.priced.batch.spans.start[part.rows[which]] // HOUR_NS).tolist())
            self._window.written(part.slots[which], version)
        for part in self._waiting:
            left = np.flatnonzero(s.pending[part.slots])
            part.rows, part.slots = part.rows[left], part.slots[left]
        return table, tasks

    def _due(self, now_ns: int, everything: bool) -> list[tuple[_Waiting, Int64]]:
        """Parts of what waits that are to be written: rows old enough, and younger ones of the same traces. A span that
        came twice is written as it came last."""
        old = [part for part in self._waiting if everything or now_ns - part.arrived_ns >= self._settle_ns]
        rows = sum(len(part.rows) for part in old)
        lingers = rows < _ROWS_AT_ONCE and now_ns - old[0].arrived_ns < self._settle_ns + _LINGER_NS if old else True
        if not rows or (lingers and not everything):
            return []
        due_traces = np.unique(np.concatenate([self._trace_keys(part.slots) for part in old]))
        taken = np.zeros(len(self._window), np.bool_)
        due = []
        for part in reversed(self._waiting):
            which = np.flatnonzero(is_in(self._trace_keys(part.slots), due_traces) & ~taken[part.slots])
            taken[part.slots[which]] = True
            if len(which):
                due.append((part, which))
        return due[::-1]

    def _trace_keys(self, slots: Int32) -> UInt64:
        s = self._window.slots
        return mix(s.trace_hi[slots], s.trace_lo[slots])

    def _restate(self, now_ns: int) -> int:
        slots = self._window.restated()[:_RESTATED_AT_ONCE]
        if not len(slots):
            return 0
        s = self._window.slots
        version = self._next_version(max(now_ns, int(s.version[slots].max()) + 1))
        rows, left = restated_rows(self._stored(slots), slots, self._window, version, now_ns)
        if len(rows):
            self._ledger.write_spans(rows)
            self._tasks.touched(rows, left, now_ns)
        self._window.written(slots, version)
        return len(rows)

    def _stored(self, slots: Int32) -> pa.Table:
        """The rows of some slots as they are in the store, and others of their traces."""
        s = self._window.slots
        traces = sorted({text.decode() for text in hex_ids((s.trace_hi[slots], s.trace_lo[slots])).tolist()})
        first, last = int(s.start[slots].min()), int(s.start[slots].max())
        return self._ledger.stored(traces, first - HOUR_NS, last + HOUR_NS)

    def _settle_position(self) -> None:
        while self._waiting and not len(self._waiting[0].rows):
            self._stored_position = self._waiting.pop(0).position

    def _next_version(self, now_ns: int) -> int:
        self._version = max(now_ns, self._version + 1)
        return self._version


def _not_calls(batch: Normalised, conventions: Conventions) -> Counter[tuple[str, str, str]]:
    """Spans that are no calls, by service and scope, so that someone who sees nothing learns why."""
    rows = np.flatnonzero(batch.cls != CLS_CALL)
    service, spans = batch.strings["service"], batch.spans
    reason, reasons = _reasons(batch, conventions)
    packed = np.stack([service.codes[rows], spans.scope[rows], reason[rows]], axis=1)
    distinct, count = np.unique(packed, axis=0, return_counts=True)
    names = [*service.values, ""]
    return Counter(
        {
            (names[s], spans.scopes[scope].name, reasons[why]): number
            for (s, scope, why), number in zip(distinct.tolist(), count.tolist(), strict=True)
        }
    )


def _reasons(batch: Normalised, conventions: Conventions) -> tuple[Int64, list[str]]:
    """Why each span is no call, as a position in a list: what its dialect says of that name, else one of ours."""
    is_other, dialect, name = batch.cls == CLS_OTHER, batch.strings["dialect"].codes, batch.spans.name
    out = np.where(is_other, dialect >= 0, 2).astype(np.int64)
    reasons = list(_NO_CALL)
    for position, spoken in enumerate(conventions.dialects):
        for not_call, reason in spoken.not_calls:
            is_named = np.array([*(value == not_call for value in name.values), False], np.bool_)[name.codes]
            out[is_other & (dialect == position) & is_named] = len(reasons)
            reasons.append(reason)
    return out, reasons


_NO_CALL = ("carries no attribute of any known tracer", "names no model operation and no usage", IS_STEP)
