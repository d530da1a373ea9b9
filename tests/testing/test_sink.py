"""The sink keeps what the real OTLP exporters send."""

import urllib.error
import urllib.request
from http.client import HTTPConnection

import pytest
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcMetrics
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpans
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as HttpMetrics
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpans
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from spancost.testing import OtlpSink


@pytest.fixture
def sink():
    with OtlpSink() as running:
        yield running


@pytest.mark.parametrize("kind", ["grpc", "http", "http gzip"])
def test_spans_are_kept(sink, kind):
    """A span is there as soon as its exporter has the answer."""
    exporters = {
        "grpc": lambda: GrpcSpans(endpoint=sink.grpc_endpoint),
        "http": lambda: HttpSpans(endpoint=f"{sink.http_endpoint}/v1/traces"),
        "http gzip": lambda: HttpSpans(endpoint=f"{sink.http_endpoint}/v1/traces", compression=Compression.Gzip),
    }
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporters[kind]()))
    provider.get_tracer("t").start_span("hello").end()

    assert [span.name for span in sink.spans()] == ["hello"]
    provider.shutdown()


@pytest.mark.parametrize("kind", ["grpc", "http"])
def test_metrics_are_kept(sink, kind):
    """Metric requests have a list of their own."""
    exporter = (
        GrpcMetrics(endpoint=sink.grpc_endpoint)
        if kind == "grpc"
        else HttpMetrics(endpoint=f"{sink.http_endpoint}/v1/metrics")
    )
    provider = MeterProvider([PeriodicExportingMetricReader(exporter)])
    provider.get_meter("t").create_counter("things").add(3)
    provider.shutdown()

    assert sink.metrics[0].resource_metrics[0].scope_metrics[0].metrics[0].name == "things"


def test_a_chunked_body_is_read_whole(sink):
    """The exporter for JavaScript sends no Content-Length."""
    sent = ExportTraceServiceRequest()
    sent.resource_spans.add().scope_spans.add().spans.add().name = "x" * 1000
    body = sent.SerializeToString()
    connection = HTTPConnection(sink.http_endpoint.removeprefix("http://"))
    connection.request("POST", "/v1/traces", iter([body[:100], body[100:]]), encode_chunked=True)
    connection.getresponse().read()
    connection.close()

    assert sink.traces == [sent]


def test_logs_are_kept_and_other_paths_refused(sink):
    """A request is kept whole; what is no OTLP path is answered 404."""
    sent = ExportLogsServiceRequest()
    sent.resource_logs.add().scope_logs.add().log_records.add().body.string_value = "hello"
    urllib.request.urlopen(f"{sink.http_endpoint}/v1/logs", sent.SerializeToString()).close()

    assert sink.logs == [sent]
    with pytest.raises(urllib.error.HTTPError, match="404") as refused:
        urllib.request.urlopen(f"{sink.http_endpoint}/v1/other", b"")
    refused.value.close()
