"""Rows that are written again: only when something differs, with a higher version, and with the price they had."""

from dataclasses import replace
from decimal import Decimal

from ledger_by_hand import DECIDED_WHEN, NOW, SECOND, RecordingLedger, finish, pipeline_over, shipped_pricer
from otlp_by_hand import CALL, START, agent, request, span

PRICE_COLUMNS = ("list_cost", "cost", "cost_by_meter", "cost_status", "unpriced_reason", "price_id", "price_book")


def delivered(*requests, pricers=()):
    """A ledger after requests ten seconds apart, each priced by its own pricer where one is given."""
    ledger = RecordingLedger()
    for position, body in enumerate(requests):
        pricer = pricers[position] if pricers else None
        now = NOW + position * 10 * SECOND
        if position == 0 or pricers:
            pipeline = pipeline_over(ledger, pricer=pricer)
            pipeline.reload(now, 900 * SECOND, 1000)
        pipeline.take([body], position, now)
        pipeline.flush(now + 2 * SECOND)
    finish(pipeline, now + 3 * SECOND)
    return ledger


def writes_of(ledger, number, trace=1):
    """Every row that was written of a span, in order."""
    wanted = (f"{trace:032x}", f"{number:016x}")
    return [row for rows in ledger.span_writes for row in rows if (row["trace_id"], row["span_id"]) == wanted]


CHILD, ROOT = span(2, CALL, parent=1), span(1, agent("a") | {"team": "t"})


def test_a_repeated_span_writes_no_row():
    """However often it is sent, alone or with others."""
    ledger = delivered(request(ROOT, CHILD), request(CHILD), request(ROOT, CHILD))

    assert [len(writes_of(ledger, n)) for n in (1, 2)] == [1, 1]


def test_a_late_parent_writes_its_child_once_more():
    """With a higher version; nothing else but attribution changes."""
    ledger = delivered(request(CHILD), request(ROOT))

    first, second = writes_of(ledger, 2)
    assert second["version"] > first["version"]
    changed = {name for name in first if first[name] != second[name]} - set(DECIDED_WHEN)
    assert changed == {"team", "agent", "agent_path", "attribution_rule"}


def test_a_late_parent_that_knows_nothing_writes_its_child_not_again():
    """A row is written only if a column other than its version differs."""
    ledger = delivered(request(CHILD), request(span(1, {"http.route": "/"})))

    assert len(writes_of(ledger, 2)) == 1


def test_a_restated_row_keeps_the_price_that_it_had():
    """Another price book in the meantime changes nothing of what is decided."""
    other_book = replace(shipped_pricer(), book=replace(shipped_pricer().book, version="another"))
    ledger = delivered(request(CHILD), request(ROOT), pricers=(shipped_pricer(), other_book))

    first, second = writes_of(ledger, 2)
    assert second["team"] == "t"
    assert {name: second[name] for name in PRICE_COLUMNS} == {name: first[name] for name in PRICE_COLUMNS}


def test_a_span_that_says_more_but_used_the_same_keeps_its_price():
    """Only another usage, model or tier is priced anew."""
    other_book = replace(shipped_pricer(), book=replace(shipped_pricer().book, version="another"))
    more = span(2, CALL | {"team": "late"}, parent=1, end=START + 9 * SECOND)
    ledger = delivered(request(CHILD), request(more), pricers=(shipped_pricer(), other_book))

    first, second = writes_of(ledger, 2)
    assert second["team"] == "late"
    assert {name: second[name] for name in PRICE_COLUMNS} == {name: first[name] for name in PRICE_COLUMNS}


def test_a_span_that_says_more_is_priced_by_what_it_says():
    """The usage of the later version decides the cost; the row is replaced."""
    more = span(2, CALL | {"gen_ai.usage.output_tokens": 600}, parent=1, end=START + 9 * SECOND)
    ledger = delivered(request(CHILD), request(more))

    assert [row["cost"] for row in writes_of(ledger, 2)] == [Decimal("0.0055"), Decimal("0.0085")]


def test_versions_of_a_span_always_rise():
    """Through a late parent, a twin, a later version and a restart, in one and the same second."""
    ledger = RecordingLedger()
    pipeline = pipeline_over(ledger)
    twin = span(1, CALL | {"gen_ai.response.id": "x"}, trace=2)
    child = CALL | {"gen_ai.response.id": "x"}
    later = span(2, child | {"gen_ai.usage.output_tokens": 1}, end=START + 2**40)
    steps = [span(2, child, parent=1), ROOT, twin, later]
    for position, one in enumerate(steps):
        pipeline.take([request(one)], position, NOW)
        pipeline.flush(NOW, everything=True)
    finish(pipeline, NOW)

    versions = [row["version"] for row in writes_of(ledger, 2)]
    assert len(versions) > 2
    assert versions == sorted(set(versions))


def test_a_row_costs_at_most_about_two_writes_in_a_run_that_straddles_requests():
    """A run of forty spans in four requests, children first, is not written over and over."""
    run = [span(n, CALL, parent=1) for n in range(2, 41)]
    parts = [request(*run[at : at + 10]) for at in range(0, 40, 10)]
    ledger = delivered(*parts, request(span(1, agent("a"))))

    assert sum(len(rows) for rows in ledger.span_writes) <= 2.2 * 40
