"""What every app of this folder starts and ends with; it may import nothing of Spancost, which its environment has not.

Clients and exporter take their addresses from the environment variables that their vendors define.
"""

import json
import warnings

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult


class Tracing:
    """A global tracer provider over a real exporter; `finish` flushes it and prints how many spans were accepted."""

    def __init__(self, exporter):
        # The Anthropic SDK warns of models that will be retired, which is of no interest here.
        warnings.simplefilter("ignore", DeprecationWarning)
        self._exporter = _Counting(exporter)
        self._provider = TracerProvider()
        self._provider.add_span_processor(BatchSpanProcessor(self._exporter))
        trace.set_tracer_provider(self._provider)

    def finish(self):
        self._provider.shutdown()
        print(json.dumps({"spans": self._exporter.spans}))


def agent_span():
    """A span around the calls of an agent named `weather`, made by hand as an application would."""
    attributes = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "weather"}
    return trace.get_tracer("app").start_as_current_span("invoke_agent weather", attributes=attributes)


class _Counting(SpanExporter):
    def __init__(self, exporter):
        self.spans = 0
        self._exporter = exporter

    def export(self, spans):
        result = self._exporter.export(spans)
        if result is SpanExportResult.SUCCESS:
            self.spans += len(spans)
        return result

    def shutdown(self):
        self._exporter.shutdown()
