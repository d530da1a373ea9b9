"""What real instrumentation libraries export comes out of SQL as the calls that were made, each priced once.

Costs by hand, in USD per million tokens:
gpt-4o             600 x 2.50 + 400 x 1.25 + 300 x 10.00 = 5,000, so 0.005 a call
claude-sonnet-4-5  600 x 3.00 + 400 x 0.30 + 150 x 3.75 + 50 x 6.00 + 300 x 15.00 = 7,282.5, so 0.0072825 a call
gpt-4o without the cached part (the library does not report it)  1,000 x 2.50 + 300 x 10.00 = 5,500, so 0.0055 a call
"""

from decimal import Decimal
from functools import cache
from uuid import uuid4

import pytest
from virtualenvs import names

GPT = "gpt-4o"
CLAUDE = "claude-sonnet-4-5"
GPT_COST = Decimal("0.005")
GPT_COST_WITHOUT_CACHE = Decimal("0.0055")
CLAUDE_COST = Decimal("0.0072825")

BY_AGENT = """
SELECT agent, request_model, toInt32(count()) AS calls, sum(cost) AS cost
FROM spancost.calls WHERE service = '{service}' GROUP BY agent, request_model ORDER BY agent, request_model
"""
AI_SPANS = """
SELECT toInt32((SELECT count() FROM spancost.call_spans WHERE service = '{service}')
             + (SELECT count() FROM spancost.steps WHERE service = '{service}')) AS spans
"""
TASKS = """
SELECT name, calls, cost FROM spancost.tasks WHERE service = '{service}' AND name LIKE 'invoke_agent%'
"""


def row(agent, model, calls, cost):
    return {"agent": agent, "request_model": model, "calls": calls, "cost": calls * cost}


OPENAI_AND_ANTHROPIC = [
    row("", CLAUDE, 1, CLAUDE_COST),
    row("", GPT, 1, GPT_COST),
    row("weather", GPT, 2, GPT_COST),
]
OPENAI = [row("", GPT, 1, GPT_COST), row("weather", GPT, 2, GPT_COST)]
OPENAI_WITHOUT_CACHE = [row("", GPT, 1, GPT_COST_WITHOUT_CACHE), row("weather", GPT, 2, GPT_COST_WITHOUT_CACHE)]
ANTHROPIC = [row("", CLAUDE, 1, CLAUDE_COST), row("weather", CLAUDE, 2, CLAUDE_COST)]


APPS = {
    "OpenTelemetry": (("current", "genai", "grpc"), OPENAI_AND_ANTHROPIC),
    "OpenInference": (("current", "openinference", "http"), OPENAI_AND_ANTHROPIC),
    "OpenLLMetry": (("current", "traceloop", "grpc"), OPENAI_AND_ANTHROPIC),
    "Anthropic SDK alone": (("current", "anthropic_native", "http"), ANTHROPIC),
    "OpenTelemetry contrib openai-v2": (("openai_v2", "openai_v2", "http"), OPENAI_WITHOUT_CACHE),
    "Vercel AI SDK": (("vercel", "vercel", "http"), OPENAI_AND_ANTHROPIC),
}
RUNNABLE = {title: case for title, case in APPS.items() if case[0][0] in names()}


@pytest.fixture(scope="module")
def exported(collector, run_app):
    """`exported(environment, app, protocol, *arguments)`: the service of an app, every span of which is in SQL.

    An app is run once, however many tests look at it.
    """

    @cache
    def run(environment, app, protocol, *arguments):
        service = f"{app}-{uuid4().hex[:8]}"
        endpoint = collector.grpc_endpoint if protocol == "grpc" else collector.http_endpoint
        spans = run_app(environment, app, *arguments, service=service, endpoint=endpoint)
        assert collector.eventually(AI_SPANS.format(service=service), [{"spans": spans}]) == [{"spans": spans}]
        return service

    return run


@pytest.mark.parametrize(("app", "expected"), RUNNABLE.values(), ids=RUNNABLE)
def test_every_call_costs_what_was_worked_out_by_hand(collector, exported, app, expected):
    """Calls, agent and exact cost of each library are those of the calls made, also where the Anthropic SDK adds a
    span of its own to the framework's."""
    sql = BY_AGENT.format(service=exported(*app))

    assert collector.eventually(sql, expected) == expected


@pytest.mark.parametrize(
    "libraries",
    [("genai", "traceloop"), ("traceloop", "genai"), ("genai", "openinference", "traceloop")],
    ids=" and ".join,
)
def test_libraries_on_one_client_count_once(collector, exported, libraries):
    """A call that several instrumentations describe is billed once, whichever of them was applied first."""
    sql = BY_AGENT.format(service=exported("current", "together", "grpc", *libraries))

    assert collector.eventually(sql, OPENAI) == OPENAI


def test_an_agent_run_is_one_task(collector, exported):
    """The task row of the agent's trace sums its two calls."""
    expected = [{"name": "invoke_agent weather", "calls": 2, "cost": 2 * GPT_COST}]
    sql = TASKS.format(service=exported("current", "genai", "grpc"))

    assert collector.eventually(sql, expected) == expected
