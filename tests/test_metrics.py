"""The collector's own metrics."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from spancost.metrics import Metrics
from spancost.receive.observe import Observe


def _samples(metrics: Metrics) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    families = text_string_to_metric_families(metrics.text().decode())
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def _value(metrics: Metrics, name: str, **labels: str) -> float:
    return _samples(metrics)[name, frozenset(labels.items())]


def test_receivers_count_into_the_collectors_names() -> None:
    """What the receivers tell comes out under the Collector's names with the prefix spancost_."""
    metrics = Metrics()
    observe: Observe = metrics
    observe.accepted("grpc", 512)
    observe.accepted("grpc", 0)
    observe.refused("grpc", "bad_id", spans=2)
    observe.refused("http", "too_large", requests=1)
    observe.dropped("logs", 7)

    name = "spancost_receiver_"
    assert _value(metrics, f"{name}accepted_spans_total", transport="grpc") == 512
    assert _value(metrics, f"{name}refused_spans_total", transport="grpc", reason="bad_id") == 2
    assert _value(metrics, f"{name}requests_total", transport="grpc", outcome="accepted") == 2
    assert _value(metrics, f"{name}requests_total", transport="http", outcome="too_large") == 1
    assert _value(metrics, f"{name}dropped_records_total", signal="logs", reason="signal_not_supported") == 7


def test_the_pipeline_counts_by_stage_table_status_and_reason() -> None:
    """A batch's way through the pipeline is counted once a batch."""
    metrics = Metrics()
    metrics.processed("decode", incoming=512, outgoing=500, cpu_seconds=0.25)
    metrics.sent(500, {"spans_ledger": 500, "tasks_ledger": 40})
    metrics.send_failed(12)
    metrics.calls({"priced": 300, "unpriced": 5})
    metrics.not_calls({"no_ai_attributes": 195})

    assert _value(metrics, "spancost_processor_incoming_items_total", processor="decode") == 512
    assert _value(metrics, "spancost_processor_outgoing_items_total", processor="decode") == 500
    assert _value(metrics, "spancost_processor_cpu_seconds_total", processor="decode") == 0.25
    assert _value(metrics, "spancost_exporter_sent_spans_total") == 500
    assert _value(metrics, "spancost_exporter_sent_rows_total", table="tasks_ledger") == 40
    assert _value(metrics, "spancost_exporter_send_failed_spans_total") == 12
    assert _value(metrics, "spancost_calls_total", cost_status="unpriced") == 5
    assert _value(metrics, "spancost_not_calls_total", reason="no_ai_attributes") == 195


def test_a_gauge_is_read_when_asked() -> None:
    """A gauge shows what its source says at that moment, and nothing when it does not know."""
    held = [3.0, None]
    metrics = Metrics()
    metrics.gauge("exporter_queue_size", "Bytes that wait for the store", lambda: held[0])
    metrics.gauge("window_age", "Age of the oldest trace", lambda: held[1], "s")
    before = _value(metrics, "spancost_exporter_queue_size")
    held[0] = 4.0

    assert (before, _value(metrics, "spancost_exporter_queue_size")) == (3, 4)
    assert b"spancost_window_age" not in metrics.text()


def test_the_process_is_measured() -> None:
    """CPU time, memory and uptime of the process are there, uptime by the clock that was given."""
    now = [100.0]
    metrics = Metrics(lambda: now[0])
    now[0] = 160.0

    assert _value(metrics, "spancost_process_uptime_seconds_total") == 60
    assert _value(metrics, "spancost_process_cpu_seconds_total") > 0
    assert _value(metrics, "spancost_process_memory_rss_bytes") > 1_000_000


def test_two_collectors_in_a_process_do_not_mix() -> None:
    """There is no global meter: what one counts the other does not see."""
    one, other = Metrics(), Metrics()
    one.send_failed(1)

    assert b"send_failed" not in other.text()
    one.close()
    other.close()
