"""OpenTelemetry's own gen_ai instrumentations, over gRPC."""

from anthropic_calls import anthropic_message
from openai_calls import openai_agent, openai_chat
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.genai.anthropic import AnthropicInstrumentor
from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor
from tracing import Tracing

tracing = Tracing(OTLPSpanExporter())
OpenAIInstrumentor().instrument()
AnthropicInstrumentor().instrument()
openai_chat()
anthropic_message()
openai_agent()
tracing.finish()
