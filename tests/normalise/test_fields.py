"""What is read out of attributes: token values of any type, names, roles, dimensions, tags."""

import math
from decimal import Decimal

import pytest

from ledger_by_hand import rows_of, shipped_conventions
from otlp_by_hand import CALL, ERROR, agent, group, request, request_of, span, tool
from spancost.decode.otlp import decode
from spancost.model import CLS_CALL, CLS_OTHER, CLS_STEP, CLS_TOTALS, FLAGS
from spancost.normalise.dialects import load_conventions
from spancost.normalise.stage import normalise


def normalised(*attributes, resource=None):
    """A batch with one span for each dictionary of attributes."""
    spans = [span(n + 1, what) for n, what in enumerate(attributes)]
    rules = shipped_conventions()
    return normalise(decode([request(*spans, resource=resource)], rules.content, b"key"), rules)


def text(batch, name, row=0):
    return batch.strings[name].texts()[row]


def dimension(batch, name, row=0):
    column = batch.span_dimensions.get(name)
    return column.texts()[row] if column else ""


def flags(batch, row=0):
    return [name for bit, name in enumerate(FLAGS) if int(batch.flags[row]) >> bit & 1]


COUNTS = {
    "an integer": (1000, 1000),
    "zero": (0, 0),
    "a string": ("1000", 1000),
    "a string with spaces": (" 1000 ", 1000),
    "a whole double": (1000.0, 1000),
    "a string of a double": ("1000.0", 1000),
    "the largest count": (10**9, 10**9),
    "a broken double": (10.5, None),
    "true": (True, None),
    "a negative number": (-1, None),
    "minus two": (-2, None),
    "one above the largest": (10**9 + 1, None),
    "2^63 - 1": (2**63 - 1, None),
    "-2^63": (-(2**63), None),
    "NaN": (math.nan, None),
    "infinity": (math.inf, None),
    "a string of NaN": ("NaN", None),
    "text": ("many", None),
    "a string beyond any double": ("9" * 400, None),
    "a list": ([5], None),
    "bytes": (b"5", None),
}


@pytest.mark.parametrize("what", COUNTS)
def test_token_counts_of_any_type_are_read_or_flagged(what):
    """What is no count leaves the count unknown; it is never a 0."""
    value, expected = COUNTS[what]

    batch = normalised(CALL | {"gen_ai.usage.input_tokens": value}, CALL)

    assert batch.tokens["input_tokens"].tolist() == [-1 if expected is None else expected, 1000]
    assert ("bad_tokens" in flags(batch)) == (expected is None)
    assert flags(batch, 1) == []


def test_a_count_that_is_empty_is_unknown_and_not_bad():
    """Tracers write '' where a provider said nothing."""
    batch = normalised(CALL | {"gen_ai.usage.output_tokens": ""})

    assert (batch.tokens["output_tokens"].tolist(), flags(batch)) == ([-1], [])


def test_a_bad_count_gives_way_to_the_next_name_for_it():
    """An older name of the same field is read instead."""
    batch = normalised(CALL | {"gen_ai.usage.input_tokens": "?", "gen_ai.usage.prompt_tokens": 7})

    assert batch.tokens["input_tokens"].tolist() == [7]


@pytest.mark.parametrize(
    ("told", "model", "expected"),
    [
        ("openai", "gpt-4o", "openai"),
        ("OpenAI", "gpt-4o", "openai"),
        ("openai.chat", "gpt-4o", "openai"),
        ("anthropic.messages", "claude-3-5-haiku", "anthropic"),
        ("vertexai", "gemini-2.0-flash", "gcp.vertex_ai"),
        ("google.vertex.chat", "gemini-2.0-flash", "gcp.vertex_ai"),
        ("google.generative-ai", "gemini-2.0-flash", "gcp.gemini"),
        ("az.ai.openai", "gpt-4o", "azure.ai.openai"),
        ("azure-openai.chat", "gpt-4o", "azure.ai.openai"),
        ("amazon-bedrock", "anthropic.claude", "aws.bedrock"),
        ("aws.bedrock", "x", "aws.bedrock"),
        ("xai", "grok", "x_ai"),
        ("langchain", "claude-3-5-haiku", "anthropic"),
        ("langchain", "my-own", ""),
        (None, "gpt-4o-mini", "openai"),
        (None, "openai/o3-mini", "openai"),
        (None, "models/gemini-2.0-flash", "gcp.gemini"),
        (None, "my-own", ""),
        ("groq", "llama", "groq"),
    ],
)
def test_providers_are_spelled_as_opentelemetry_does(told, model, expected):
    """A framework is no provider; where none is told the model's name gives its maker away."""
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.request.model": model}

    batch = normalised(attributes | ({"gen_ai.system": told} if told else {}))

    assert text(batch, "provider") == expected


@pytest.mark.parametrize(
    ("asked", "answered", "expected"),
    [
        ("gpt-4o", "gpt-4o-2024-08-06", "gpt-4o-2024-08-06"),
        ("gpt-4o", "", "gpt-4o"),
        ("openai/gpt-4o", "", "gpt-4o"),
        ("models/gemini-2.0-flash", "", "gemini-2.0-flash"),
        ("", "claude", "claude"),
        (" gpt-4o ", "", "gpt-4o"),
        ("", "", ""),
    ],
)
def test_the_model_is_the_one_that_answered(asked, answered, expected):
    """Else the one asked for, without a vendor's prefix."""
    batch = normalised(CALL | {"gen_ai.request.model": asked, "gen_ai.response.model": answered})

    assert text(batch, "model") == expected


@pytest.mark.parametrize(
    ("operation", "cls", "kind"),
    [
        ("chat", CLS_CALL, "call"),
        ("text_completion", CLS_CALL, "call"),
        ("generate_content", CLS_CALL, "call"),
        ("embeddings", CLS_CALL, "call"),
        ("rerank", CLS_CALL, "call"),
        ("invoke_agent", CLS_STEP, "agent"),
        ("create_agent", CLS_STEP, "other"),
        ("execute_tool", CLS_STEP, "tool"),
        ("retrieval", CLS_STEP, "retrieval"),
        ("guardrail", CLS_STEP, "guardrail"),
        ("evaluation", CLS_STEP, "evaluation"),
        ("search_memory", CLS_STEP, "memory"),
        ("something_new", CLS_STEP, "other"),
    ],
)
def test_the_operation_decides_what_a_span_is(operation, cls, kind):
    """Model operations are calls, all others steps; one that nobody knows is never billed."""
    batch = normalised({"gen_ai.operation.name": operation})

    assert (batch.cls.tolist(), text(batch, "kind")) == ([cls], kind)


def test_a_step_with_usage_repeats_totals():
    """Agent spans that report the tokens of the calls below them are no calls."""
    batch = normalised(agent("a") | {"gen_ai.usage.input_tokens": 5}, agent("a") | {"gen_ai.usage.input_tokens": 0})

    assert batch.cls.tolist() == [CLS_TOTALS, CLS_STEP]


def test_a_model_with_usage_and_no_operation_is_a_call():
    """Early tracers name no operation; a span with neither is none of ours."""
    bare = {"gen_ai.system": "openai", "gen_ai.request.model": "gpt-4o"}
    batch = normalised(bare | {"gen_ai.usage.input_tokens": 5}, bare, {"http.route": "/"})

    assert batch.cls.tolist() == [CLS_CALL, CLS_OTHER, CLS_OTHER]
    assert text(batch, "operation") == "chat"


@pytest.mark.parametrize("value", [0, 0.0, "0", "0.000", -1, "NaN", "Infinity", "free", "", 10**7, True])
def test_a_reported_cost_that_is_no_amount_is_not_kept(value):
    """Tracers write 0 for models that they cannot price: that is no figure."""
    assert normalised(CALL | {"gen_ai.usage.cost": value}).reported_cost == {}


@pytest.mark.parametrize(("value", "expected"), [(0.5, "0.5"), ("0.25", "0.25"), (2, "2"), (0.1 + 0.2, "0.3")])
def test_a_reported_cost_is_kept_as_a_decimal(value, expected):
    """To a millionth of a dollar, as the column has it."""
    assert normalised(CALL | {"gen_ai.usage.cost": value}).reported_cost == {0: Decimal(expected)}


def test_a_reported_cost_in_another_currency_is_not_kept():
    """The column is in USD."""
    foreign, own = ({"gen_ai.usage.cost.amount": "1", "gen_ai.usage.cost.currency": c} for c in ("EUR", "usd"))

    assert normalised(CALL | foreign, CALL | own).reported_cost == {1: Decimal(1)}


def test_a_failed_span_has_an_error_even_if_it_names_none():
    """Its type, else the word `error`; a span that did not fail has none."""
    spans = [span(1, CALL | {"error.type": "Timeout"}), span(2, CALL, status=ERROR), span(3, CALL)]
    batch = normalise(decode([request(*spans)], shipped_conventions().content, b"k"), shipped_conventions())

    assert batch.strings["error"].texts() == ["Timeout", "error", ""]
    assert batch.failed.tolist() == [True, True, False]


def test_the_first_source_of_a_dimension_wins():
    """Spancost's own key before any other name for it; baggage that was copied to a span counts as the span's."""
    batch = normalised(
        {"team": "third", "team.id": "second", "spancost.team": "first"},
        {"team": "third", "team.id": "second"},
        {"team": "third"},
        {"metadata": '{"team": "in JSON"}'},
        {"team": ["in a list", "no"]},
        {"team": ""},
        {"team": 7},
    )

    told = [dimension(batch, "team", row) for row in range(7)]
    assert told == ["first", "second", "third", "in JSON", "in a list", "", "7"]


def test_keys_of_the_configuration_come_in_front():
    """`attribution.keys` are read before the shipped names, which still count where they are absent."""
    conventions = load_conventions(attribution={"team": ["acme.squad"]}, tags=["acme.*"])
    spans = [span(1, CALL | {"acme.squad": "own", "spancost.team": "x"}), span(2, CALL | {"team": "y", "acme.z": "1"})]
    ledger = rows_of(request(*spans), conventions=conventions)

    assert [ledger.span(n)["team"] for n in (1, 2)] == ["own", "y"]
    assert [ledger.span(n)["tags"] for n in (1, 2)] == [[], [("z", "1")]]


def test_a_resource_names_dimensions_of_its_own():
    """They are kept beside those of the span: which one counts is decided in the light of the trace."""
    batch = normalised({"team": "span"}, CALL, resource={"team": "resource", "deployment.environment": "prod"})

    assert [dimension(batch, "team", row) for row in range(2)] == ["span", ""]
    assert batch.resource_dimensions["team"].texts() == ["resource"] * 2
    assert batch.resource_dimensions["environment"].texts() == ["prod"] * 2


def test_tags_are_the_users_own_dimensions():
    """Prefixes go, bare names stay, and what is a dimension already is no tag."""
    tags = {"spancost.tag.plan": "gold", "tag.region": 5, "customer_tier": "a"}
    row = rows_of(request(span(1, CALL | tags | {"app.customer.id": "c", "tag.tags": "no"}))).span(1)

    assert row["tags"] == [("customer_tier", "a"), ("plan", "gold"), ("region", "5")]
    assert row["customer"] == "c"


def test_what_no_column_takes_is_kept_as_an_attribute():
    """Without what a column took, without tags and without content."""
    batch = normalised(CALL | {"mine": "x", "tag.mine": "t", "gen_ai.input.messages": "secret", "team": "t"})

    assert [key for key, _ in batch.rest] == ["mine"]


def test_service_and_version_come_from_the_resource():
    """A resource without them leaves them unset."""
    groups = [group(span(1), resource={"service.name": "s", "service.version": "1"}), group(span(2))]
    batch = normalise(decode([request_of(*groups)], shipped_conventions().content, b"k"), shipped_conventions())

    assert batch.strings["service"].texts() == ["s", ""]
    assert batch.strings["service_version"].texts() == ["1", ""]


@pytest.mark.parametrize(("value", "expected"), [(True, 1), (False, 0), ("true", 1), ("False", 0), (None, -1)])
def test_streaming_is_yes_no_or_unknown(value, expected):
    """Whatever type the tracer writes."""
    said = {} if value is None else {"gen_ai.request.stream": value}

    assert normalised(CALL | said).streaming.tolist() == [expected]


def test_an_empty_batch_is_normalised():
    """No spans give columns of length 0."""
    batch = normalise(decode([], shipped_conventions().content, b"k"), shipped_conventions())

    assert len(batch) == 0


def test_a_span_is_what_it_is_beside_any_other():
    """Spans of all dialects in one batch say what each says alone."""
    every = [CALL, agent("a"), tool("t"), {"openinference.span.kind": "LLM", "llm.model_name": "m"}, {"x": 1}]

    together = normalised(*every)

    for row, attributes in enumerate(every):
        alone = normalised(attributes)
        assert together.cls[row] == alone.cls[0]
        assert {name: text(together, name, row) for name in together.strings} == {
            name: text(alone, name) for name in alone.strings
        }
