"""OpenInference's instrumentations, over HTTP."""

from anthropic_calls import anthropic_message
from openai_calls import openai_agent, openai_chat
from openinference.instrumentation.anthropic import AnthropicInstrumentor
from openinference.instrumentation.openai import OpenAIInstrumentor
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from tracing import Tracing

tracing = Tracing(OTLPSpanExporter())
OpenAIInstrumentor().instrument()
AnthropicInstrumentor().instrument()
openai_chat()
anthropic_message()
openai_agent()
tracing.finish()
