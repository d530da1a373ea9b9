"""Which rows a month has is decided by its arguments and by nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from hashlib import blake2b

import pytest
from demo_months import UNTIL, Month
from hypothesis import given, settings
from hypothesis import strategies as st

from spancost.demo.encode import iter_requests
from spancost.demo.plan import make_plan
from spancost.demo.workload import blocks, make_block
from spancost.errors import ConfigError


def test_the_same_arguments_make_the_same_bytes(month: Month) -> None:
    """A month made again is the same, request by request."""
    assert list(iter_requests(make_plan(3, UNTIL, days=10, calls=12_000))) == month.bodies


@pytest.mark.parametrize(
    ("seed", "until", "days", "calls"),
    [
        (4, UNTIL, 7, 700),
        (3, UNTIL + timedelta(microseconds=1), 7, 700),
        (3, UNTIL, 8, 800),
        (3, UNTIL, 7, 701),
    ],
)
def test_any_other_argument_makes_another_month(seed: int, until: datetime, days: int, calls: int) -> None:
    """No trace id of one month occurs in another."""
    one, other = _trace_ids(3, UNTIL, 7, 700), _trace_ids(seed, until, days, calls)
    assert one
    assert other
    assert not one & other


def test_bytes_are_the_same_on_every_machine() -> None:
    """This digest changes when the company does, and never with the machine, the Python or the NumPy."""
    digest = blake2b(digest_size=16)
    for body in iter_requests(make_plan(1, UNTIL, days=7, calls=2_000)):
        digest.update(body)
    assert digest.hexdigest() == "b5ac92ef503530782ed4cfe96a30c3d8"


def test_until_is_a_moment_and_not_a_spelling() -> None:
    """The same moment in another time zone makes the same month."""
    elsewhere = UNTIL.astimezone(timezone(timedelta(hours=-7)))
    assert make_plan(1, elsewhere, 7, 700).days == make_plan(1, UNTIL, 7, 700).days


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 2**64),
    until=st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC)),
    days=st.integers(7, 40),
    more=st.integers(0, 3_000),
)
def test_every_month_has_its_calls_and_ends_in_time(seed: int, until: datetime, days: int, more: int) -> None:
    """Whatever the arguments, there are as many calls as asked for, and no span ends after `until`."""
    plan = make_plan(seed, until, days, days * 100 + more)
    found = list(blocks(plan))
    assert sum(len(block.story.calls.trace) for block in found) == days * 100 + more
    for block in found:
        assert block.story.runs.size.min() >= 3
        assert max(int(block.ends.runs.max()), int(block.ends.calls.max())) < plan.until_ns
        assert (block.ends.calls > block.starts.calls).all()


def test_runs_that_would_outlast_the_month_begin_earlier() -> None:
    """Even when all runs begin in the month's last minute, they end before `until`, in order and whole."""
    plan = make_plan(1, UNTIL, 7, 700)
    last = plan.days[-1]
    crowded = replace(last, end_ns=last.start_ns + 60_000_000_000, calls=500, plantings=())
    block = make_block(replace(plan, days=(*plan.days[:-1], crowded)), crowded)
    assert block.starts.runs.min() < last.start_ns
    assert block.ends.runs.max() < crowded.end_ns
    assert block.ends.runs.max() > crowded.end_ns - 1_000_000_000
    assert len(block.story.calls.trace) == 500


def test_all_that_is_wrong_is_said_at_once() -> None:
    """Arguments that make no month are refused, each with a line of its own."""
    with pytest.raises(ConfigError) as caught:
        make_plan(-1, datetime(2026, 11, 23), days=3, calls=10)
    assert [problem.split(":")[0] for problem in caught.value.problems] == ["--until", "--seed", "--days", "--calls"]


def _trace_ids(seed: int, until: datetime, days: int, calls: int) -> set[bytes]:
    found = blocks(make_plan(seed, until, days, calls))
    return {row.tobytes() for block in found for row in block.ids.traces}
