"""Tasks against a roll-up that walks the rows one by one."""

from decimal import Decimal

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from spancost.attribute.tasks import DIMENSION_COLUMNS, roll_up

TIME, MONEY = pa.timestamp("ns", "UTC"), pa.decimal128(18, 12)
TEXTS = ("task_id", "trace_id", "span_id", "parent_span_id", "name", "kind", "billing_role", "model", "tool", "error",
         "cost_status", "unpriced_reason", *DIMENSION_COLUMNS)  # fmt: skip
TOKENS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")
TYPES = {
    **dict.fromkeys(TEXTS, pa.string()),
    **dict.fromkeys(TOKENS, pa.int64()),
    "start_time": TIME,
    "end_time": TIME,
    "args_hash": pa.uint64(),
    "attempts": pa.uint16(),
    "list_cost": MONEY,
    "cost": MONEY,
    "agent_path": pa.list_(pa.string()),
}
EMPTY = {name: "" for name in TEXTS} | dict.fromkeys((*TOKENS, "args_hash", "attempts", "list_cost", "cost"))


def table(rows):
    return pa.table({name: pa.array([row[name] for row in rows], kind) for name, kind in TYPES.items()})


def row(number, **what):
    """A call of task t unless `what` says otherwise."""
    times = {"start_time": number, "end_time": number + 10, "agent_path": []}
    names = {"task_id": "t", "trace_id": "x", "span_id": f"{number:016x}", "billing_role": "call", "kind": "call"}
    return EMPTY | times | names | what


def rolled(*rows):
    return {found["task_id"]: found for found in roll_up(table(rows)).cast(_plain_times(rows)).to_pylist()}


def _plain_times(rows):
    schema = roll_up(table(rows)).schema
    return pa.schema([f.with_type(pa.int64()) if pa.types.is_timestamp(f.type) else f for f in schema])


@st.composite
def any_rows(draw):
    """Up to forty spans of up to three tasks."""
    some = st.sampled_from
    return [
        row(
            number,
            task_id=draw(some("abc")),
            trace_id=draw(some("xyz")),
            parent_span_id=draw(some(["", "p"])),
            start_time=(start := draw(st.integers(0, 50))),
            end_time=start + draw(st.integers(0, 50)),
            name=f"n{number}",
            billing_role=(role := draw(some(["call", "duplicate", "aggregate", "step"]))),
            kind="call" if role != "step" else draw(some(["tool", "agent"])),
            model=draw(some(["", "m1", "m2"])),
            tool=draw(some(["", "t1", "t2"])),
            error=draw(some(["", "", "boom"])),
            team=draw(some(["", "red", "blue"])),
            agent=draw(some(["", "a", "b"])),
            args_hash=draw(some([None, 1, 2, 2**64 - 1])),
            attempts=draw(some([None, 1, 4])),
            cost_status=draw(some(["priced", "partial", "free", "unpriced"])),
            unpriced_reason=draw(some(["", "failed_no_usage"])),
            cost=draw(st.none() | st.decimals("0", "900", places=12)),
            agent_path=draw(some([[], ["a"], ["a", "b"]])),
            **{name: draw(st.none() | st.integers(0, 10**9)) for name in TOKENS},
        )
        for number in range(1, draw(st.integers(1, 40)) + 1)
    ]


def naive(rows):
    """What one task's row must say."""
    root = min(rows, key=lambda r: (r["parent_span_id"] != "", r["start_time"], r["span_id"]))
    calls = [r for r in rows if r["billing_role"] == "call"]
    steps = [r for r in rows if r["billing_role"] == "step"]
    tools = [r for r in steps if r["kind"] == "tool"]
    in_order = sorted(rows, key=lambda r: (r["parent_span_id"] != "", r["start_time"], r["span_id"]))
    argued = [(r["tool"], r["args_hash"]) for r in tools if r["args_hash"] is not None]
    return {
        "name": root["name"],
        "team": next((r["team"] for r in in_order if r["team"]), ""),
        "start_time": min(r["start_time"] for r in rows),
        "end_time": max(r["end_time"] for r in rows),
        "traces": len({r["trace_id"] for r in rows}),
        "calls": len(calls),
        "steps": len(steps),
        "tool_calls": len(tools),
        "agents": sorted({r["agent"] for r in calls + steps} - {""}),
        "models": sorted({r["model"] for r in calls} - {""}),
        "tools": sorted({r["tool"] for r in steps} - {""}),
        "depth": max(len(r["agent_path"]) for r in rows),
        "errors": sum(r["error"] != "" for r in calls + steps),
        "failed_calls": sum(r["error"] != "" for r in calls),
        "loops": len(argued) - len(set(argued)) if argued else None,
        "retries": added(None if r["attempts"] is None else r["attempts"] - 1 for r in calls),
        **{name: added(r[name] for r in calls) for name in TOKENS},
        "cost": added(r["cost"] for r in calls),
        "unpriced_calls": sum(
            r["cost_status"] == "unpriced" and r["unpriced_reason"] != "failed_no_usage" for r in calls
        ),
        "status": "unset" if root["parent_span_id"] else "error" if root["error"] else "ok",
    }


def added(values):
    """The sum of what is known, None when nothing is."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


@settings(max_examples=25, deadline=None, derandomize=True)
@given(any_rows())
def test_a_roll_up_says_what_walking_the_rows_says(rows):
    """Every column of every task, for spans of several tasks mixed together."""
    found = rolled(*rows)

    assert set(found) == {r["task_id"] for r in rows}
    for task, says in found.items():
        expected = naive([r for r in rows if r["task_id"] == task])
        assert {name: says[name] for name in expected} == expected


def test_sums_of_nothing_known_are_null():
    """Calls without usage and cost make no task of 0 tokens and 0 USD."""
    says = rolled(row(1), row(2))["t"]

    assert [says[name] for name in (*TOKENS, "cost", "list_cost")] == [None] * 6


def test_duplicates_and_aggregates_cost_and_count_nothing():
    """Only calls do."""
    known = {"cost": Decimal(1), "input_tokens": 5}
    says = rolled(row(1, **known), row(2, billing_role="duplicate", **known), row(3, billing_role="aggregate", **known))

    assert (says["t"]["calls"], says["t"]["cost"], says["t"]["input_tokens"]) == (1, Decimal(1), 5)


def test_money_is_added_exactly():
    """The largest amounts that a row can hold lose no digit."""
    tiny, large = Decimal("0.000000000001"), Decimal("499999.999999999999")
    says = rolled(row(1, cost=tiny), row(2, cost=large))["t"]

    assert says["cost"] == Decimal("500000.000000000000")


def test_no_rows_are_no_tasks():
    """A task that lost all its spans has no row here."""
    assert roll_up(table([])).num_rows == 0
