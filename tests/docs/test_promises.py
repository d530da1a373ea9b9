"""docs/promises.md can be checked: its queries are answered, and those that must find nothing find nothing."""

import re
import urllib.request

import pytest
from pages import ask, blocks_of, links_of, run, settings_for

from spancost.runtime import find_running


@pytest.fixture(scope="module")
def page(root):
    return (root / "docs" / "promises.md").read_text()


@pytest.fixture(scope="module")
def company(collector):
    """The collector with a small month of the demo company in it, all of it stored."""
    said = run(["spancost", "demo", "--calls", "3000", "--until", "2026-11-20"], settings_for(collector))
    sent = re.search(r"sent ([\d,]+) calls", said)
    assert sent is not None
    stored = [{"calls": int(sent[1].replace(",", ""))}]
    assert collector.eventually("SELECT toInt32(sum(calls)) AS calls FROM spancost.tasks", stored) == stored
    return collector


def test_there_are_eight_promises_and_each_can_be_checked(page):
    """Every promise has a query or a command of its own."""
    promises = re.split(r"^## (\d)\. ", page, flags=re.MULTILINE)

    assert promises[1::2] == list("12345678")
    assert all(blocks_of(text) for text in promises[2::2])


def test_every_query_is_answered(page, company):
    """Each SQL block is taken as it stands and finds what its comment says: rows, or none."""
    queries = [block.text for block in blocks_of(page) if block.language == "sql"]

    assert queries
    for sql in queries:
        assert bool(ask(company, sql)) is not sql.rstrip().endswith("-- no rows"), sql


def test_a_kill_changes_nothing(page, company):
    """The commands of promise 5, in their order: the sums before and after `kill -9` are the same."""
    (block,) = (block for block in blocks_of(page) if "kill -9" in block.text)
    before, _kill, up, after = block.commands
    running = find_running(company.data_dir)
    known = run(before, settings_for(company))

    assert running is not None
    assert (company.data_dir / "lock").read_text().strip() == str(running.pid)
    assert up == ["make", "up"]
    company.kill()
    company.start()
    assert run(after, settings_for(company)) == known


def test_the_explanation_is_given(page, company):
    """`price explain` of promise 3 names the price and its source."""
    (block,) = (block for block in blocks_of(page) if "price explain" in block.text)
    (words,) = block.commands

    assert {"price", "source"} <= set(run(words, settings_for(company)).split())


def test_the_counter_of_refused_spans_is_named(page, company):
    """The metric that promise 7 sends its reader to is there as soon as a span is refused."""
    name = re.search(r"`(spancost_\w+)` there counts", page)
    _send_a_span_without_ids(company)
    with urllib.request.urlopen(f"http://{company.endpoints['admin']}/metrics", timeout=10) as answer:
        metrics = answer.read().decode()

    assert name is not None
    assert f"\n{name[1]}{{" in metrics


def test_links_lead_somewhere(page, root):
    """Every file that the page sends its reader to is there."""
    links = links_of(page)

    assert links
    assert [link for link in links if not (root / "docs" / link).is_file()] == []


def _send_a_span_without_ids(collector):
    file = collector.data_dir.with_name("bad.json")
    file.write_text('{"resourceSpans": [{"scopeSpans": [{"spans": [{"name": "nobody"}]}]}]}')
    run(["spancost", "send", str(file)], settings_for(collector))
