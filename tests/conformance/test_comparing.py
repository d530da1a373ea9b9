"""The comparison itself sees every kind of difference, so that silence of it means agreement."""

import pytest
from captures import TRACERS, request_of, truth_of
from comparing import COUNTS, compare

CALL = 10
"""Position in the capture below of a call that two spans describe."""


def ideal_rows(tracer):
    """The rows that a capture should give, made from its truth."""
    truth = truth_of(tracer)
    traces = {
        span.span_id.hex(): span.trace_id.hex()
        for resource in request_of(tracer).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    }
    rows = [_row(call, span, traces) for call in truth["calls"] for span in call["span_ids"]]
    return rows + [
        {"trace_id": traces[span], "span_id": span, "billing_role": "step"}
        for span in truth["aggregate_spans"] + truth["not_calls"]
    ]


def _row(call, span, traces):
    billed = call["span_ids"][0]
    known = call.get("recoverable_attrs", call["recoverable"])
    of = billed if traces[billed] == traces[span] else f"{traces[billed]}:{billed}"
    return {
        "trace_id": traces[span],
        "span_id": span,
        "billing_role": "call" if span == billed else "duplicate",
        "duplicate_of": "" if span == billed else of,
        "agent": call["agent"] or "",
        "cost_status": "priced" if call["status"] == "ok" else "unpriced",
        "cost": None,
        **{column: call[column] or "" for column in ("provider", "request_model", "response_model")},
        **{column: known[name] for name, column in COUNTS.items()},
    }


@pytest.mark.parametrize("tracer", TRACERS)
def test_the_truth_agrees_with_itself(tracer):
    """Rows made from the truth differ in nothing."""
    assert compare(ideal_rows(tracer), truth_of(tracer)) == []


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ({"billing_role": "duplicate"}, "billed 0 times"),
        ({"cache_read_tokens": 0}, "cache_read_tokens is 0, not 400"),
        ({"reasoning_tokens": 0}, "reasoning_tokens is 0, not None"),
        ({"provider": ""}, "provider is '', not 'anthropic'"),
        ({"response_model": "claude"}, "response_model is 'claude', not 'claude-sonnet-4-5-20250929'"),
    ],
)
def test_a_wrong_column_of_a_call_is_seen(change, difference):
    """One changed column of the billed row is named with both values."""
    truth = truth_of("otel-genai-openai-anthropic")
    rows = {row["span_id"]: row for row in ideal_rows("otel-genai-openai-anthropic")}
    rows[truth["calls"][CALL]["span_ids"][0]] |= change

    assert compare(list(rows.values()), truth) == [f"call {CALL + 1}: {difference}"]


def test_a_call_billed_twice_is_seen():
    """A twin that is billed too is a difference."""
    truth = truth_of("traceloop")
    rows = [row | {"billing_role": "call"} for row in ideal_rows("traceloop")]

    assert "call 11: billed 2 times" in compare(rows, truth)


def test_a_twin_of_the_wrong_call_is_seen():
    """`duplicate_of` must name the billed span, with its trace where that is another one."""
    truth = truth_of("traceloop")
    rows = [row | {"duplicate_of": "feed"} for row in ideal_rows("traceloop")]
    first, twin = truth["calls"][CALL]["span_ids"]
    trace = next(row["trace_id"] for row in rows if row["span_id"] == first)

    expected = f"call {CALL + 1}: span {twin} is ('duplicate', 'feed'), not a duplicate of {trace}:{first}"
    assert expected in compare(rows, truth)


def test_a_missing_and_a_double_row_are_seen():
    """Every span of a call has one row."""
    truth = truth_of("vercel-ai-sdk-v5")
    first, *rest = ideal_rows("vercel-ai-sdk-v5")

    assert compare(rest, truth) == [f"call 1: span {first['span_id']} has no row", "call 1: billed 0 times"]
    assert compare([first, first, *rest], truth) == ["a span has more than one row"]


def test_a_priced_call_without_usage_is_seen():
    """What failed or never said its usage has no cost, and not a cost of 0."""
    truth = truth_of("contrib-openai-v2")
    rows = [row | {"cost_status": "priced", "cost": 0} for row in ideal_rows("contrib-openai-v2")]

    assert compare(rows, truth) == [
        "call 3: usage_missing, but priced with cost 0",
        "call 7: error, but priced with cost 0",
    ]


def test_a_billed_parent_is_seen():
    """Spans that repeat totals, and those that are no calls, are never billed."""
    truth = truth_of("vercel-ai-sdk-v7")
    rows = ideal_rows("vercel-ai-sdk-v7")
    rows = [row | {"billing_role": "call"} if row["billing_role"] == "step" else row for row in rows]

    assert compare(rows, truth) == [
        *(f"span {span} repeats totals, but is call" for span in truth["aggregate_spans"]),
        *(f"span {span} is no call, but is call" for span in truth["not_calls"]),
    ]


def test_another_agent_is_seen():
    """Where the truth names an agent, the row must name it."""
    rows = [row | {"agent": "someone"} for row in ideal_rows("otel-genai-openai-agents")]

    differences = compare(rows, truth_of("otel-genai-openai-agents"))
    assert differences[0] == "call 1: agent is 'someone', not 'weather_agent'"
    assert len(differences) == 3
