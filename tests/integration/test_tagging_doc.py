"""docs/tagging.md does what it says: its program is run, and its queries give the tables below them."""

import os
import re
import subprocess
import sys
from decimal import Decimal

import pytest
import yaml

ASK_MODEL = """
def ask_model():
    attributes = {
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o",
        "gen_ai.usage.input_tokens": 1000, "gen_ai.usage.cache_read.input_tokens": 400,
        "gen_ai.usage.output_tokens": 300,
    }
    trace.get_tracer("client").start_span("chat gpt-4o", attributes=attributes).end()
"""
QUERY_AND_TABLE = re.compile(r"```sql\n(.*?)```\n\n((?:\|[^\n]*\n)+)", re.DOTALL)


@pytest.fixture(scope="module")
def page(root):
    return (root / "docs" / "tagging.md").read_text()


@pytest.fixture(scope="module")
def told(page, collector):
    """The collector, after the page's program has run against it."""
    program = "\n".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL))
    imports, rest = program.split("\n\n", 1)
    settings = os.environ | {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.grpc_endpoint}
    command = [sys.executable, "-c", f"{imports}\n{ASK_MODEL}\n{rest}"]
    done = subprocess.run(command, env=settings, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return collector


def test_every_query_of_the_page_gives_its_table(page, told):
    """Each SQL block answers with the rows printed under it."""
    examples = QUERY_AND_TABLE.findall(page)

    assert len(examples) == page.count("```sql")
    for sql, table in examples:
        expected = _rows(table)
        assert told.eventually(sql, expected) == expected, sql


def test_every_name_of_the_page_is_read(page, root):
    """The names in the last table are in the attribution rules, in the order of the page."""
    rules = yaml.safe_load((root / "conventions" / "attribution.yaml").read_text())["dimensions"]
    table = page[page.index("| dimension | say |") :]
    for dimension, said, others in re.findall(r"^\| (\w+) \| `([^`]+)` \| (.*) \|$", table, re.MULTILINE):
        names = [said, *re.findall(r"`([^`]+)`", others)]
        assert [name for name in rules[dimension] if name in names] == names


def _rows(table):
    head, _, *lines = ([cell.strip() for cell in line.strip("| \n").split("|")] for line in table.splitlines())
    return [dict(zip(head, map(_value, line), strict=True)) for line in lines]


def _value(cell):
    if re.fullmatch(r"\d+", cell):
        return int(cell)
    return Decimal(cell) if re.fullmatch(r"\d+\.\d+", cell) else cell
