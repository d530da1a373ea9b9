"""The older contrib instrumentation of OpenAI, which still says `gen_ai.system`. Over HTTP."""

from openai_calls import openai_agent, openai_chat
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.openai_v2 import OpenAIInstrumentor
from tracing import Tracing

tracing = Tracing(OTLPSpanExporter())
OpenAIInstrumentor().instrument()
openai_chat()
openai_agent()
tracing.finish()
