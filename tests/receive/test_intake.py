"""What a request is, and which of its spans are refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from spancost.errors import Malformed, Overloaded
from spancost.receive.ids import bad_id
from spancost.receive.intake import Intake, Receipt
from spancost.receive.scan import SpanCount, count_data_points, count_log_records, count_spans

TRACE, SPAN = b"t" * 16, b"s" * 8
BAD = [(b"", SPAN), (TRACE, b""), (TRACE[:2], SPAN), (TRACE, SPAN * 2), (bytes(16), SPAN), (TRACE, bytes(8))]


def request_of(*ids: tuple[bytes, bytes]) -> bytes:
    request = ExportTraceServiceRequest()
    for trace_id, span_id in ids:
        span = request.resource_spans.add().scope_spans.add().spans.add(trace_id=trace_id, span_id=span_id)
        span.attributes.add(key="k").value.array_value.values.add().string_value = "v"
    return request.SerializeToString()


@pytest.mark.parametrize("ids", BAD)
def test_a_bad_id_is_counted(ids: tuple[bytes, bytes]) -> None:
    """Ids that are missing, too short, too long or all zero are bad, one span at a time."""
    assert bad_id(*ids)
    assert count_spans(request_of((TRACE, SPAN), ids)) == SpanCount(2, 1)


def test_a_request_with_a_good_span_is_kept_unchanged() -> None:
    """The bytes go on as they came, bad spans included, and the receipt says how many were refused."""
    kept: list[bytes] = []
    body = request_of((TRACE, SPAN), (b"", b""), (TRACE, b""))
    receipt = Intake(kept.append).accept(body)
    assert (receipt.spans, receipt.rejected, receipt.taken) == (3, 2, 1)
    assert receipt.message.startswith("2 of 3 spans refused")
    assert kept == [body]


@pytest.mark.parametrize(("body", "spans"), [(b"", 0), (request_of(), 0), (request_of((b"", b"")), 1)])
def test_a_request_without_a_good_span_is_not_kept(body: bytes, spans: int) -> None:
    """An empty request is a success, one of bad spans a success with all refused; neither takes room."""
    kept: list[bytes] = []
    receipt = Intake(kept.append).accept(body)
    assert (receipt.spans, receipt.rejected) == (spans, spans)
    assert kept == []


@pytest.mark.parametrize("body", [b"\xff\xff", b"not protobuf at all", request_of((TRACE, SPAN))[:-1]])
def test_what_is_no_request_is_malformed(body: bytes) -> None:
    """Garbage and a truncated request are told apart from a request with bad spans."""
    with pytest.raises(Malformed):
        Intake(lambda _: None).accept(body)


def test_the_error_of_the_append_comes_through() -> None:
    """A request that could not be made durable has no receipt."""

    def full(_: bytes) -> None:
        raise Overloaded("full")

    with pytest.raises(Overloaded):
        Intake(full).accept(request_of((TRACE, SPAN)))


def test_an_accepted_request_has_no_message() -> None:
    """Nothing refused, nothing to say."""
    assert Intake(lambda _: None).accept(request_of((TRACE, SPAN))) == Receipt(1, 0, "")


@given(st.lists(st.tuples(st.binary(max_size=17), st.binary(max_size=9)), max_size=5))
def test_the_scan_counts_what_the_full_decoder_sees(ids: list[tuple[bytes, bytes]]) -> None:
    """The scan that skips everything else agrees with the whole message."""
    body = request_of(*ids)
    parsed = ExportTraceServiceRequest.FromString(body)
    spans = [s for r in parsed.resource_spans for sc in r.scope_spans for s in sc.spans]
    assert count_spans(body) == SpanCount(len(spans), sum(bad_id(s.trace_id, s.span_id) for s in spans))


@given(st.binary(max_size=300))
def test_no_bytes_break_the_scan(body: bytes) -> None:
    """Anything at all is either counted or malformed."""
    for count in (count_spans, count_log_records, count_data_points):
        try:
            count(body)
        except Malformed:
            continue


def test_log_records_are_counted() -> None:
    """Across resources and scopes."""
    request = ExportLogsServiceRequest()
    for records in (2, 0, 3):
        scope = request.resource_logs.add().scope_logs.add()
        for _ in range(records):
            scope.log_records.add().body.string_value = "hello"
    assert count_log_records(request.SerializeToString()) == 5


def test_data_points_of_every_kind_are_counted() -> None:
    """Gauges, sums, both histograms and summaries."""
    request = ExportMetricsServiceRequest()
    metrics = request.resource_metrics.add().scope_metrics.add().metrics
    for kind in ("gauge", "sum", "histogram", "exponential_histogram", "summary"):
        points = getattr(metrics.add(name=kind), kind).data_points
        points.add()
        points.add()
    assert count_data_points(request.SerializeToString()) == 10
