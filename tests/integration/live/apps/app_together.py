"""Several libraries instrument the same client in one process, in the order of the arguments. Over gRPC."""

import sys

import openinference.instrumentation.openai as openinference
import opentelemetry.instrumentation.genai.openai as genai
import opentelemetry.instrumentation.openai as traceloop
from openai_calls import openai_agent, openai_chat
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from tracing import Tracing

LIBRARIES = {"genai": genai, "openinference": openinference, "traceloop": traceloop}

tracing = Tracing(OTLPSpanExporter())
for name in sys.argv[1:]:
    LIBRARIES[name].OpenAIInstrumentor().instrument()
openai_chat()
openai_agent()
tracing.finish()
