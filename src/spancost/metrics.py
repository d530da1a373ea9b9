"""What a collector measures of itself, with the names of the OpenTelemetry Collector under the prefix `spancost_`.

One meter of the OpenTelemetry SDK, read as Prometheus text on /metrics, where counters end in `_total` and names with a
unit in that unit. Counting is per batch or request, never per span.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterable, Mapping

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.metrics import CallbackOptions, Counter, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.resources import Resource
from prometheus_client import CollectorRegistry, generate_latest

from spancost.receive.observe import SIGNAL_NOT_SUPPORTED, Signal, Transport

_STATM = "/proc/self/statm"
_PAGE = resource.getpagesize()


class Metrics:
    """Counters to add to, gauges that are read when somebody asks. Thread-safe; an `Observe` for the receivers."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` gives seconds; uptime counts from here."""
        self._registry = CollectorRegistry()
        reader = PrometheusMetricReader(disable_target_info=True, scope_info_enabled=False, registry=self._registry)
        self._provider = MeterProvider([reader], resource=Resource({}), shutdown_on_exit=False)
        self._meter = self._provider.get_meter("spancost")
        add = self._counter
        self._accepted = add("receiver_accepted_spans", "Spans taken and made durable, by transport")
        self._refused = add("receiver_refused_spans", "Spans refused from requests that were taken, by reason")
        self._requests = add("receiver_requests", "Requests by transport and outcome: accepted, or why refused")
        self._dropped = add("receiver_dropped_records", "Records that were answered but not kept, by signal and reason")
        self._incoming = add("processor_incoming_items", "Items that came into a stage")
        self._outgoing = add("processor_outgoing_items", "Items that came out of a stage")
        self._stage_cpu = self._meter.create_counter("spancost_processor_cpu", "s", "CPU time of a stage")
        self._sent_spans = add("exporter_sent_spans", "Spans whose rows are stored")
        self._sent_rows = add("exporter_sent_rows", "Rows written, by table; a row written again counts again")
        self._send_failed = add("exporter_send_failed_spans", "Spans of inserts that failed; they are tried again")
        self._calls = add("calls", "Calls by cost status, restatements included")
        self._not_calls = add("not_calls", "Spans that are no calls, by reason")
        self._watch_process(clock, clock())

    def accepted(self, transport: Transport, spans: int) -> None:
        """A trace request was acknowledged, `spans` of it taken."""
        self._accepted.add(spans, {"transport": transport})
        self._requests.add(1, {"transport": transport, "outcome": "accepted"})

    def refused(self, transport: Transport, reason: str, *, spans: int = 0, requests: int = 0) -> None:
        """Spans of a request that was taken, or whole requests, were refused."""
        if spans:
            self._refused.add(spans, {"transport": transport, "reason": reason})
        if requests:
            self._requests.add(requests, {"transport": transport, "outcome": reason})

    def dropped(self, signal: Signal, records: int) -> None:
        """One request of a signal that is not kept was acknowledged."""
        self._dropped.add(records, {"signal": signal, "reason": SIGNAL_NOT_SUPPORTED})

    def processed(self, stage: str, *, incoming: int, outgoing: int, cpu_seconds: float) -> None:
        """A stage of the pipeline turned a batch into another."""
        label = {"processor": stage}
        self._incoming.add(incoming, label)
        self._outgoing.add(outgoing, label)
        self._stage_cpu.add(cpu_seconds, label)

    def sent(self, spans: int, rows: Mapping[str, int]) -> None:
        """A batch is stored: so many spans, and so many rows by table."""
        self._sent_spans.add(spans)
        for table, count in rows.items():
            self._sent_rows.add(count, {"table": table})

    def send_failed(self, spans: int) -> None:
        """The store refused a batch, which will be tried again."""
        self._send_failed.add(spans)

    def calls(self, by_status: Mapping[str, int]) -> None:
        """Calls were priced, or not: how many by cost status."""
        for status, count in by_status.items():
            self._calls.add(count, {"cost_status": status})

    def not_calls(self, by_reason: Mapping[str, int]) -> None:
        """Spans are no calls: how many by reason."""
        for reason, count in by_reason.items():
            self._not_calls.add(count, {"reason": reason})

    def gauge(self, name: str, description: str, read: Callable[[], float | None], unit: str = "") -> None:
        """Show under `spancost_<name>` what `read` returns whenever somebody asks; None shows nothing.

        `read` runs on the thread that serves /metrics.
        """
        self._meter.create_observable_gauge(f"spancost_{name}", [_observed(read)], unit, description)

    def text(self) -> bytes:
        """Everything, in Prometheus' text format."""
        return generate_latest(self._registry)

    def close(self) -> None:
        """Stop measuring."""
        self._provider.shutdown()

    def _counter(self, name: str, description: str) -> Counter:
        return self._meter.create_counter(f"spancost_{name}", "1", description)

    def _watch_process(self, clock: Callable[[], float], started: float) -> None:
        cpu, meter = _observed(_cpu_seconds), self._meter
        meter.create_observable_counter("spancost_process_cpu_seconds", [cpu], "s", "CPU time of the process")
        uptime = _observed(lambda: clock() - started)
        meter.create_observable_counter("spancost_process_uptime", [uptime], "s", "Time since the start")
        self.gauge("process_memory_rss", "Resident memory of the process", _resident_bytes, "By")


def _observed(read: Callable[[], float | None]) -> Callable[[CallbackOptions], Iterable[Observation]]:
    def observe(_: CallbackOptions) -> Iterable[Observation]:
        value = read()
        return [] if value is None else [Observation(value)]

    return observe


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _resident_bytes() -> float | None:
    """Unknown where there is no /proc."""
    try:
        with open(_STATM, encoding="ascii") as statm:
            return int(statm.read().split()[1]) * _PAGE
    except OSError:
        return None
