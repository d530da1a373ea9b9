"""Spans made by hand with the plain OpenTelemetry SDK, through its real exporters, and read back with SQL."""

from decimal import Decimal
from uuid import uuid4

import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode

CALL = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.response.model": "gpt-4o-2024-08-06",
    "gen_ai.usage.input_tokens": 1000,
    "gen_ai.usage.cache_read.input_tokens": 400,
    "gen_ai.usage.output_tokens": 300,
}
AGENT = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "planner"}
TOOL = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search"}
FAILED_CALL = {key: value for key, value in CALL.items() if "usage" not in key and "response" not in key}


@pytest.fixture(params=["grpc", "http"])
def service(request, collector):
    """A service that has exported one agent run: two calls, of which one failed, around a tool."""
    name = f"plain-{request.param}-{uuid4().hex[:8]}"
    if request.param == "grpc":
        exporter = GrpcExporter(endpoint=collector.grpc_endpoint)
    else:
        exporter = HttpExporter(endpoint=f"{collector.http_endpoint}/v1/traces")
    provider = TracerProvider(
        resource=Resource.create({"service.name": name, "deployment.environment.name": "staging"})
    )
    provider.add_span_processor(BatchSpanProcessor(exporter))
    _agent_run(provider.get_tracer("by-hand"))
    provider.shutdown()
    return name


def _agent_run(tracer):
    with tracer.start_as_current_span("invoke_agent planner", attributes=AGENT):
        with tracer.start_as_current_span("chat gpt-4o", kind=SpanKind.CLIENT, attributes=CALL):
            pass
        with tracer.start_as_current_span("execute_tool search", attributes=TOOL):
            pass
        with tracer.start_as_current_span("chat gpt-4o", kind=SpanKind.CLIENT, attributes=FAILED_CALL) as failed:
            failed.set_attribute("error.type", "RateLimitError")
            failed.set_status(Status(StatusCode.ERROR))


def test_a_call_has_its_tokens_cost_agent_and_environment(collector, service):
    """600 x 2.50 + 400 x 1.25 + 300 x 10.00 = 5,000 per million tokens: 0.005 USD."""
    sql = f"""
        SELECT agent, environment, provider, response_model, input_tokens, cache_read_tokens, output_tokens, cost
        FROM spancost.calls WHERE service = '{service}' AND cost_status = 'priced'
    """
    expected = [
        {
            "agent": "planner",
            "environment": "staging",
            "provider": "openai",
            "response_model": "gpt-4o-2024-08-06",
            "input_tokens": 1000,
            "cache_read_tokens": 400,
            "output_tokens": 300,
            "cost": Decimal("0.005"),
        }
    ]

    assert collector.eventually(sql, expected) == expected


def test_a_failed_call_is_a_call_without_a_cost(collector, service):
    """What has no usage has no cost, and never a cost of 0."""
    sql = f"""
        SELECT agent, error, input_tokens, cost, unpriced_reason
        FROM spancost.calls WHERE service = '{service}' AND cost_status = 'unpriced'
    """
    expected = [
        {
            "agent": "planner",
            "error": "RateLimitError",
            "input_tokens": None,
            "cost": None,
            "unpriced_reason": "failed_no_usage",
        }
    ]

    assert collector.eventually(sql, expected) == expected


def test_agent_and_tool_are_steps(collector, service):
    """What is no model call is a step, with its kind."""
    sql = f"SELECT kind, tool FROM spancost.steps WHERE service = '{service}' ORDER BY kind"
    expected = [{"kind": "agent", "tool": ""}, {"kind": "tool", "tool": "search"}]

    assert collector.eventually(sql, expected) == expected


def test_the_trace_is_one_task(collector, service):
    """The task row counts calls, tool calls and failures, and its cost is that of the calls with a known one."""
    sql = f"""
        SELECT name, agents, calls, tool_calls, failed_calls, cost
        FROM spancost.tasks WHERE service = '{service}'
    """
    expected = [
        {
            "name": "invoke_agent planner",
            "agents": ["planner"],
            "calls": 2,
            "tool_calls": 1,
            "failed_calls": 1,
            "cost": Decimal("0.005"),
        }
    ]

    assert collector.eventually(sql, expected) == expected
