"""No span can keep the rows of others from being written."""

import pytest

from ledger_by_hand import rows_of
from otlp_by_hand import CALL, START, agent, request, span, tool

ODD = {
    "a reported cost with many digits": CALL | {"gen_ai.usage.cost": 0.1 + 0.2},
    "a tiny reported cost": CALL | {"gen_ai.usage.cost": "1e-30"},
    "a huge reported cost": CALL | {"gen_ai.usage.cost": "1e300"},
    "a reported cost that is no number": CALL | {"gen_ai.usage.cost": "sNaN"},
    "half a surrogate pair in JSON": CALL | {"gen_ai.response.finish_reasons": '["\\ud800"]'},
    "half a surrogate pair in a dimension": CALL | {"metadata": '{"team": "\\udfff"}'},
    "half a surrogate pair in a response id": CALL | {"gen_ai.response.id": '["\\ud800"]'},
    "half a surrogate pair in a tag": CALL | {"spancost.tag.x": '["\\ud800"]'},
    "half a surrogate pair in an agent's name": agent('["\\udc00"]'),
    "half a surrogate pair in a service": CALL | {"service.name": '["\\ud800"]'},
    "NUL characters": {key: f"{value}\0" for key, value in CALL.items() if isinstance(value, str)} | {"team": "\0"},
    "deeply nested JSON": CALL
    | {"metadata": "[" * 100_000, "gen_ai.response.finish_reasons": "[" * 50_000 + "]" * 50_000},
    "JSON numbers without end": CALL | {"metadata": '{"team": 1' + "0" * 10_000 + "}"},
    "tokens beyond any number": CALL | {"gen_ai.usage.input_tokens": "9" * 400, "gen_ai.usage.output_tokens": 1e308},
    "all counts at their limit": CALL
    | {
        f"gen_ai.usage.{name}": 10**9
        for name in ("input_tokens", "output_tokens", "cache_read.input_tokens", "cache_creation.input_tokens")
    },
    "a time to first chunk of infinity": CALL | {"gen_ai.response.time_to_first_chunk": float("inf")},
    "attempts beyond 16 bits": CALL | {"http.request.resend_count": 10**8},
    "lists of lists": CALL | {"team": [[["deep"]]], "app.x": [{"a": [1, b"\xff"]}], "spancost.tag.y": []},
    "maps and bytes where texts belong": {**CALL, "gen_ai.request.model": b"\xff", "gen_ai.system": {"a": 1}},
    "a model of a megabyte": CALL | {"gen_ai.request.model": "m" * 2**20},
    "a tool without a name": tool(""),
    "an explicit task that is no id": CALL | {"spancost.task_id": "f" * 32},
}


@pytest.mark.parametrize("what", ODD)
def test_an_odd_span_gets_a_row_and_its_neighbours_get_theirs(what):
    """Whatever an attribute holds, the span and those beside it are written."""
    odd = span(1, ODD[what])

    ledger = rows_of(request(odd, span(2, CALL, parent=1), span(1, CALL, trace=2)))

    assert set(ledger.rows) == {(f"{trace:032x}", f"{n:016x}") for trace, n in ((1, 1), (1, 2), (2, 1))}
    assert ledger.span(1, trace=2)["cost"] is not None


@pytest.mark.parametrize(
    "times", [(0, 0), (2**64 - 1, 2**64 - 1), (START, START - 1), (1, 2), (0, START), (START, 2**63)], ids=str
)
def test_odd_times_never_cost_a_row(times):
    """Times of nothing, of the far future and in the wrong order give a row."""
    ledger = rows_of(request(span(1, CALL, start=times[0], end=times[1]), span(2, CALL)))

    assert len(ledger.rows) == 2


def test_reported_costs_are_kept_to_a_millionth_of_a_dollar():
    """The double 0.1 + 0.2 is 0.30 USD; what rounds to nothing is not reported as 0."""
    costs = {1: 0.1 + 0.2, 2: "0.0000001", 3: 0.0}

    ledger = rows_of(request(*(span(n, CALL | {"gen_ai.usage.cost": cost}) for n, cost in costs.items())))

    assert [str(ledger.span(n)["reported_cost"]).rstrip("0") for n in (1, 2, 3)] == ["0.3", "None", "None"]


def test_totals_stay_exact_where_a_column_of_32_bits_would_not():
    """A wrapper over calls with absurd counts still repeats their sum."""
    big = CALL | {"gen_ai.usage.input_tokens": 10**9, "gen_ai.usage.cache_read.input_tokens": 10**9 - 1}
    exclusive = big | {"gen_ai.usage.cache_creation.input_tokens": 10**9}
    ledger = rows_of(request(span(1, exclusive), span(2, exclusive, parent=1)))

    assert [ledger.span(n)["billing_role"] for n in (1, 2)] == ["duplicate", "call"]
    assert ledger.span(2)["input_tokens"] == 2_999_999_999
