"""OpenLLMetry's (Traceloop's) instrumentations, over gRPC."""

from anthropic_calls import anthropic_message
from openai_calls import openai_agent, openai_chat
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.anthropic import AnthropicInstrumentor
from opentelemetry.instrumentation.openai import OpenAIInstrumentor
from tracing import Tracing

tracing = Tracing(OTLPSpanExporter())
OpenAIInstrumentor().instrument()
AnthropicInstrumentor().instrument()
openai_chat()
anthropic_message()
openai_agent()
tracing.finish()
