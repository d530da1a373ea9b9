"""No instrumentation at all: the Anthropic SDK traces itself. Over HTTP."""

from anthropic_calls import anthropic_agent, anthropic_message
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from tracing import Tracing

tracing = Tracing(OTLPSpanExporter())
anthropic_message()
anthropic_agent()
tracing.finish()
