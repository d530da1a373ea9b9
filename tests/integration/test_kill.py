"""What was acknowledged is there after kill -9, once."""

from decimal import Decimal

from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult

from spancost.testing import Collector

CALL = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.usage.input_tokens": 1000,
    "gen_ai.usage.cache_read.input_tokens": 400,
    "gen_ai.usage.output_tokens": 300,
}
SQL = "SELECT toInt32(count()) AS calls, toInt32(uniqExact(span_id)) AS spans, sum(cost) AS cost FROM spancost.calls"
CALLS = 1000


class _Watched(OTLPSpanExporter):
    """The real exporter, which remembers whether the collector acknowledged everything."""

    acknowledged = True

    def export(self, spans):
        result = super().export(spans)
        self.acknowledged = self.acknowledged and result is SpanExportResult.SUCCESS
        return result


def _export(endpoint):
    exporter = _Watched(endpoint=endpoint)
    provider = TracerProvider(resource=Resource.create({"service.name": "killed"}))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer("t")
    for _ in range(CALLS):
        tracer.start_span("chat gpt-4o", attributes=CALL).end()
    provider.shutdown()
    assert exporter.acknowledged


def test_acknowledged_spans_survive_kill_nine(tmp_path):
    """A collector killed right after the last answer, before its rows are stored, stores each of them once later; and
    killed again after that, it changes nothing."""
    expected = [{"calls": CALLS, "spans": CALLS, "cost": CALLS * Decimal("0.005")}]
    collector = Collector(tmp_path / "data")
    collector.start()
    _export(collector.grpc_endpoint)
    collector.kill()

    with collector:
        assert collector.eventually(SQL, expected) == expected
        collector.kill()

    with collector:
        assert collector.query(SQL) == expected
