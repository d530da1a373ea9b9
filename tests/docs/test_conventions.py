"""conventions/README.md describes the files as the loader reads them: its example is a dialect that works."""

import re
from decimal import Decimal

import pytest
import yaml
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from pages import blocks_of, links_of

from spancost.normalise import dialect_check
from spancost.normalise.fields import COUNTS, FIELDS, TEXTS
from spancost.testing import Collector

ASKED = {
    "llama.kind": "ask",
    "llama.vendor": "openai",
    "llama.options": '{"engine": {"name": "gpt-4o"}}',
    "llama.answer": '{"id": "resp-1", "text": "a secret"}',
    "llama.question": "a secret",
    "llama.history.0": "a secret",
    "llama.history.length": "1",
    "llama.tokens.in": 600,
    "llama.tokens.cached": 400,
    "llama.tokens.out": 300,
    "llama.first_chunk_ms": 250,
    "llama.retries": 1,
    "llama.noise": "of no use",
    "llama.mood": "calm",
}
"""600 plain and 400 cached tokens in, which this tracer counts apart, and 300 out."""


@pytest.fixture(scope="module")
def page(root):
    return (root / "conventions" / "README.md").read_text()


@pytest.fixture(scope="module")
def example(page):
    """The dialect that the page shows, as text."""
    (block,) = (block for block in blocks_of(page) if block.language == "yaml")
    return block.text


@pytest.fixture(scope="module")
def collector(example, tmp_path_factory):
    """A collector with the page's dialect in its extra folder, which an agent of that tracer has reported to."""
    extra = tmp_path_factory.mktemp("extra")
    (extra / "llamatrace.yaml").write_text(example)
    data = tmp_path_factory.mktemp("conventions") / "data"
    with Collector(data, {"SPANCOST_CONVENTIONS__EXTRA_DIR": str(extra)}) as running:
        _report(running.grpc_endpoint)
        running.eventually("SELECT toInt32(sum(calls)) AS calls FROM spancost.tasks", [{"calls": 3}])
        yield running


def _report(endpoint):
    provider = TracerProvider(resource=Resource.create({"service.name": "invented"}))
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    tracer = provider.get_tracer("llamatrace.client")
    with tracer.start_as_current_span("night shift", attributes={"llama.kind": "run", "llama.title": "counter"}):
        tracer.start_span("ask", attributes=ASKED).end()
        tracer.start_span("ask", attributes=_inclusive()).end()
        tracer.start_span("ask.dry_run", attributes={"llama.kind": "ask"}).end()
        tracer.start_span("internal", attributes={"llama.kind": "ask", "llama.internal": "yes"}).end()
        tracer.start_span("embed", attributes=_embedding()).end()
    provider.shutdown()


def _inclusive():
    """The same usage, counted OpenTelemetry's way, by the names that the dialect inherits."""
    ours = {key: value for key, value in ASKED.items() if "tokens" not in key and key != "llama.answer"}
    usage = {"input_tokens": 1000, "cache_read.input_tokens": 400, "output_tokens": 300}
    named = {f"gen_ai.usage.{name}": count for name, count in usage.items()}
    return ours | named | {"llama.tokens.inclusive": "yes", "llama.answer": '{"id": "resp-2"}'}


def _embedding():
    return {
        "llama.kind": "embed_all", "llama.vendor": "openai", "gen_ai.request.model": "text-embedding-3-small",
        "llama.tokens.in": 1000,
    }  # fmt: skip


def test_the_example_is_billed_right(collector):
    """Usage told apart or together costs the same: 600 x 2.50 + 400 x 1.25 + 300 x 10.00 per million is 0.005."""
    sql = """
        SELECT operation, usage_basis, provider, model, input_tokens, cost FROM spancost.calls
        WHERE dialect = 'llamatrace' ORDER BY operation, usage_basis
    """
    gpt = {"operation": "chat", "provider": "openai", "model": "gpt-4o", "input_tokens": 1000, "cost": Decimal("0.005")}
    embedding = {
        "operation": "embeddings", "usage_basis": "exclusive:dialect", "provider": "openai",
        "model": "text-embedding-3-small", "input_tokens": 1000, "cost": Decimal("0.00002"),
    }  # fmt: skip

    assert collector.query(sql) == [
        {**gpt, "usage_basis": "exclusive:dialect"},
        {**gpt, "usage_basis": "inclusive"},
        embedding,
    ]


def test_the_forms_of_a_source_are_read(collector):
    """`json`, `pattern`, `scale`, `when`, `attempts_are_retries`: each gives its column."""
    sql = """
        SELECT request_model, response_id, agent, time_to_first_chunk, attempts FROM spancost.calls
        WHERE usage_basis = 'exclusive:dialect' AND operation = 'chat'
    """

    assert collector.query(sql) == [
        {
            "request_model": "gpt-4o",
            "response_id": "resp-1",
            "agent": "counter",
            "time_to_first_chunk": Decimal("0.25"),
            "attempts": 2,
        }
    ]


def test_content_is_reduced_and_noise_is_dropped(collector):
    """What is kept of a span is what the page says: no message, nothing dropped, the rest readable."""
    sql = """
        SELECT attributes, prompt_hash IS NOT NULL AS hashed, prompt_chars FROM spancost.calls
        WHERE usage_basis = 'exclusive:dialect' AND operation = 'chat'
    """
    (row,) = collector.query(sql)

    assert row == {
        "attributes": {"llama.history.length": "1", "llama.mood": "calm"},
        "hashed": 1,
        "prompt_chars": 2 * len("a secret"),
    }


def test_what_is_no_call_is_not_billed(collector):
    """`not_calls` and `unless` keep spans out of the calls; three are left."""
    names = collector.query("SELECT name, toInt32(count()) AS n FROM spancost.calls GROUP BY name ORDER BY name")

    assert names == [{"name": "ask", "n": 2}, {"name": "embed", "n": 1}]


def test_every_key_of_the_loader_is_described_and_shown(page, example):
    """The table of keys is the loader's own list, and the example uses every one of them."""
    assert _first_column(page, "| key | means |\n|---|---|\n| `dialect`") == dialect_check.KEYS
    assert set(yaml.safe_load(example)) == dialect_check.KEYS


def test_every_form_of_a_source_and_a_rule_is_described(page, root):
    """What a source, an operation, a rule and `content` may say is what the tables list, and what the loader takes."""
    code = (root / "src" / "spancost" / "normalise" / "dialects.py").read_text()
    tables = {
        "_source": ("| key | means |\n|---|---|\n| `from` | The attribute. |\n| `json`", dialect_check.SOURCE_KEYS),
        "_operation": ("| key of `operation`", dialect_check.OPERATION_KEYS),
        "_rules": ("| key | means |\n|---|---|\n| `scope` |", dialect_check.RULE_KEYS),
    }

    for function, (table, known) in tables.items():
        assert _first_column(page, table) == known == _taken(code, function)
    assert _first_column(page, "| key of `content`") == dialect_check.CONTENT_KEYS


def test_every_canonical_field_is_described(page, root):
    """The fields of the page are those that the normaliser reads."""
    code = (root / "src" / "spancost" / "normalise" / "stage.py").read_text()
    read = {*COUNTS, *TEXTS, *re.findall(r'groups\.of\("(\w+)"\)', code)}

    assert _first_column(page, "| fields | hold |") == read == FIELDS


@pytest.mark.parametrize("name", ["operations", "attribution", "content"])
def test_every_key_of_the_other_files_is_described(page, root, name):
    """These files have the keys that the page lists, and no others."""
    keys = set(yaml.safe_load((root / "conventions" / f"{name}.yaml").read_text()))
    section = page[page.index(f"## {name}.yaml") :]

    assert _first_column(section, "| key | means |") == keys


def test_links_lead_somewhere(page, root):
    """Every file that the page sends its reader to is there."""
    assert [link for link in links_of(page) if not (root / "conventions" / link).is_file()] == []


def _first_column(page, start):
    """The code-quoted names in the first column of the table that starts so."""
    table = page[page.index(start) :].split("\n\n", 1)[0]
    rows = table.splitlines()[2:]
    return {name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])}


def _taken(code, function):
    """The keys that a function of the loader asks its mapping for."""
    body = re.search(rf"^def {function}\(.*?(?=^def |\Z)", code, re.MULTILINE | re.DOTALL)
    assert body is not None
    asked = re.findall(r'\b(?:entry|e|content)(?:\.get\(|\[)"(\w+)"|"(\w+)" in entry', body[0])
    return {name for pair in asked for name in pair if name}
