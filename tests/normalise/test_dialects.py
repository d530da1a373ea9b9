"""What is particular about each tracer family, beyond the captures of tests/conformance."""

import json

import pytest

from ledger_by_hand import rows_of, shipped_conventions
from otlp_by_hand import CALL, request, span
from spancost.errors import ConfigError
from spancost.normalise.dialects import load_conventions


def row(attributes, *, scope="by-hand", name="span"):
    """The row of one span."""
    return rows_of(request(span(1, attributes, name=name), scope=scope)).rows.popitem()[1]


def says(attributes, expected, **options):
    """Whether the row of a span has these columns."""
    found = row(attributes, **options)
    assert {name: found[name] for name in expected} == expected


def test_a_scope_decides_before_attributes():
    """A span of a known library keeps its dialect though it carries another's attributes."""
    both = CALL | {"openinference.span.kind": "LLM"}

    assert row(both, scope="opentelemetry.instrumentation.openai.v1")["dialect"] == "openllmetry"
    assert row(both)["dialect"] == "openinference"


@pytest.mark.parametrize(
    "names",
    [
        ("gen_ai.system", "gen_ai.usage.prompt_tokens", "gen_ai.usage.completion_tokens"),
        ("gen_ai.system", "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"),
        ("gen_ai.provider.name", "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"),
    ],
)
def test_every_generation_of_opentelemetrys_names_is_read(names):
    """Of semantic conventions 1.28 and later."""
    provider, tokens_in, tokens_out = names
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o"}

    expected = {"provider": "openai", "input_tokens": 10, "output_tokens": 5, "dialect": "otel_genai"}
    says(attributes | {provider: "openai", tokens_in: 10, tokens_out: 5}, expected)


def test_openinference_finds_the_response_id_in_the_raw_answer():
    """And keeps nothing else of it."""
    answer = json.dumps({"id": "chatcmpl-42", "choices": ["a secret"], "service_tier": "flex"})
    attributes = {"openinference.span.kind": "LLM", "llm.model_name": "gpt-4o", "output.value": answer}

    says(attributes, {"response_id": "chatcmpl-42", "service_tier": "flex", "billing_role": "call"})
    assert "a secret" not in repr(row(attributes))


def test_openinference_names_agents_by_their_span():
    """Where no attribute does."""
    says({"openinference.span.kind": "AGENT"}, {"agent": "Writer", "kind": "agent"}, name="Writer")


def test_openinference_reads_the_requested_model_from_the_parameters():
    """The parameters themselves are dropped."""
    attributes = {
        "openinference.span.kind": "LLM",
        "llm.model_name": "gpt-4o-2024-08-06",
        "llm.invocation_parameters": '{"model": "gpt-4o", "stream": true}',
    }

    says(attributes, {"request_model": "gpt-4o", "response_model": "gpt-4o-2024-08-06", "streaming": True})
    assert row(attributes)["attributes"] == []


def test_openllmetry_counts_bedrocks_input_without_the_cache():
    """Bedrock's own numbers are copied; those of other libraries of the family are not touched."""
    attributes = CALL | {"gen_ai.usage.cache_read_input_tokens": 400}

    says(
        attributes,
        {"input_tokens": 1400, "cache_read_tokens": 400, "usage_basis": "exclusive:dialect"},
        scope="opentelemetry.instrumentation.bedrock",
    )
    says(attributes, {"input_tokens": 1000}, scope="opentelemetry.instrumentation.openai.v1")


def test_openllmetry_adds_geminis_thoughts_to_the_output():
    """Only the total reveals them."""
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.system": "vertexai",
        "gen_ai.request.model": "gemini-2.0-flash",
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 5,
        "llm.usage.total_tokens": 35,
    }

    says(attributes, {"output_tokens": 25, "reasoning_tokens": 20}, scope="opentelemetry.instrumentation.vertexai")


def test_openllmetry_names_the_entity_by_the_kind_of_the_span():
    """A tool's entity is its tool, an agent's its agent."""
    entity = {"traceloop.entity.name": "e"}

    says(entity | {"traceloop.span.kind": "tool"}, {"tool": "e", "kind": "tool", "agent": ""})
    says(entity | {"traceloop.span.kind": "agent"}, {"tool": "", "kind": "agent", "agent": "e"})
    says(entity | {"traceloop.span.kind": "workflow"}, {"kind": "workflow", "billing_role": "step"})


def test_the_vercel_sdk_passes_anthropics_input_on_without_the_cache():
    """Up to version 5; from version 6 on the details are there and the input includes it."""
    attributes = {
        "ai.operationId": "ai.generateText.doGenerate",
        "ai.model.provider": "anthropic.messages",
        "ai.model.id": "claude-3-5-haiku-latest",
        "ai.usage.inputTokens": 600,
        "ai.usage.outputTokens": 300,
        "ai.usage.cachedInputTokens": 400,
    }

    says(attributes, {"input_tokens": 1000, "provider": "anthropic", "dialect": "vercel_ai_sdk"}, scope="ai")
    says(attributes | {"ai.usage.inputTokenDetails.noCacheTokens": 200}, {"input_tokens": 600}, scope="ai")


@pytest.mark.parametrize(
    ("operation", "role", "kind"),
    [
        ("ai.generateText", "step", "workflow"),
        ("ai.generateText.doGenerate", "call", "call"),
        ("ai.streamObject.doStream", "call", "call"),
        ("ai.embedMany.doEmbed", "call", "call"),
        ("ai.toolCall", "step", "tool"),
    ],
)
def test_the_vercel_sdk_calls_models_in_its_inner_spans(operation, role, kind):
    """The outer ones repeat what happened inside."""
    says({"ai.operationId": operation, "ai.model.id": "gpt-4o"}, {"billing_role": role, "kind": kind}, scope="ai")


def test_the_vercel_sdk_tells_time_in_milliseconds():
    """The column is in seconds."""
    attributes = {"ai.operationId": "ai.streamText.doStream", "ai.response.msToFirstChunk": 250}

    says(attributes, {"time_to_first_chunk": 0.25}, scope="ai")


def test_anthropics_own_spans_count_resends():
    """A span that was sent again twice stands for three requests."""
    says(CALL | {"http.request.resend_count": 2}, {"attempts": 3}, scope="com.anthropic.sdk.python")


def test_anthropics_token_counting_is_no_call():
    """It is free."""
    ledger = rows_of(
        request(span(1, CALL, name="anthropic.messages.count_tokens"), scope="com.anthropic.sdk.python")
    )

    assert [found["billing_role"] for found in ledger.rows.values() if found["billing_role"] == "call"] == []


def test_anthropics_compaction_is_billed_on_top():
    """Its tokens are no part of the usage."""
    extra = {"anthropic.usage.compaction.input_tokens": 50, "anthropic.usage.compaction.output_tokens": 7}

    says(CALL | extra, {"input_tokens": 1050, "output_tokens": 307}, scope="com.anthropic.sdk.python")


def test_a_users_dialect_is_read_beside_the_shipped_ones(tmp_path):
    """A tracer is a file: no code knows it."""
    (tmp_path / "mine.yaml").write_text(
        "dialect: mine\nattributes: [mine.model]\noperation: [{from: mine.op}]\nfields: {request_model: [mine.model]}\n"
    )
    conventions = load_conventions(tmp_path)
    ledger = rows_of(request(span(1, {"mine.op": "chat", "mine.model": "gpt-4o"})), conventions=conventions)

    assert (ledger.span(1)["dialect"], ledger.span(1)["model"]) == ("mine", "gpt-4o")


def test_every_problem_of_every_dialect_file_is_named(tmp_path):
    """All at once, each with its file."""
    (tmp_path / "a.yaml").write_text("dialect: a\nscoops: []\nextends: nobody\n")
    (tmp_path / "b.yaml").write_text("- no mapping")
    (tmp_path / "c.yaml").write_text("dialect: [unclosed")

    with pytest.raises(ConfigError) as caught:
        load_conventions(tmp_path)

    problems = "\n".join(caught.value.problems)
    assert all(part in problems for part in ("a.yaml: unknown key `scoops`", "nobody", "b.yaml", "c.yaml"))


def test_shipped_dialects_are_tried_in_a_fixed_order():
    """The most particular first, OpenTelemetry's own last."""
    names = [dialect.name for dialect in shipped_conventions().dialects]

    assert names == ["anthropic_sdk", "openinference", "vercel_ai_sdk", "openllmetry", "otel_genai"]
