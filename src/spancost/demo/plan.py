"""Which day gets how many calls, and what goes wrong when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from spancost.demo.incidents import Planting, days_of_incidents, plantings
from spancost.errors import ConfigError

MIN_DAYS, MIN_CALLS_A_DAY = 7, 100
DAY_NS = 86_400_000_000_000

_WEEKDAY, _WEEKEND, _GROWTH = 1000, 350, 8
_FEW = 60
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Day:
    """One UTC day of the month; `end_ns` is midnight, or `until` on the last one."""

    index: int
    date: date
    start_ns: int
    end_ns: int
    calls: int
    calls_before: int
    """On the days before it."""
    plantings: tuple[Planting, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What decides every row: the same plan gives the same bytes."""

    seed: int
    until: datetime
    days: tuple[Day, ...]
    calls: int

    @property
    def until_ns(self) -> int:
        return self.days[-1].end_ns

    def key(self, day: Day) -> tuple[int, ...]:
        """What the draws of one day start from."""
        return (self.seed, self.until_ns, len(self.days), self.calls, day.index)


def make_plan(seed: int, until: datetime, days: int = 30, calls: int = 100_000) -> Plan:
    """The `days` UTC days up to `until` (the last one as far as it has come) with `calls` calls in all.

    Raises ConfigError for a naive `until`, a negative seed, fewer than 7 days or fewer than 100 calls a day.
    """
    _check(seed, until, days, calls)
    until_ns = _nanoseconds(until)
    last = (until_ns - 1) // DAY_NS
    numbers = range(last - days + 1, last + 1)
    shares = _shares(calls, [_weight(number, until_ns, number - numbers[0]) for number in numbers])
    incidents = days_of_incidents([_date(number).weekday() for number in numbers])
    made = [_day(numbers[0], number, until_ns, shares, incidents) for number in numbers]
    return Plan(seed, until, tuple(made), calls)


def _check(seed: int, until: datetime, days: int, calls: int) -> None:
    problems = []
    if until.tzinfo is None:
        problems.append("--until: a time without a time zone; end it with Z for UTC")
    if seed < 0:
        problems.append(f"--seed: {seed} is negative")
    if days < MIN_DAYS:
        problems.append(f"--days: {days} is too few to hold the planted incidents; at least {MIN_DAYS}")
    if calls < days * MIN_CALLS_A_DAY:
        least = f"at least {days * MIN_CALLS_A_DAY:,} ({MIN_CALLS_A_DAY} a day)"
        problems.append(f"--calls: {calls:,} is too few for {days} days; {least}")
    if problems:
        raise ConfigError(problems)


def _nanoseconds(time: datetime) -> int:
    since = time.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return (since // timedelta(microseconds=1)) * 1000


def _weight(number: int, until_ns: int, index: int) -> int:
    """A day's share: weekends are quiet, use grows, and a day that has hardly begun counts for nothing."""
    usual = _WEEKEND if _date(number).weekday() >= _SATURDAY else _WEEKDAY
    hours = min(until_ns - number * DAY_NS, DAY_NS) // (DAY_NS // 24)
    return usual * (1000 + _GROWTH * index) * hours // 24 if hours > 1 else 0


_SATURDAY = 5


def _shares(calls: int, weights: list[int]) -> list[int]:
    """`calls` cut by weight; a share below `_FEW` (the last day's, if any) goes to the day before."""
    total, done, cuts = sum(weights), 0, [0]
    for weight in weights:
        done += weight
        cuts.append(calls * done // total)
    if cuts[-1] - cuts[-2] < _FEW and weights[-1] < max(weights) // 4:
        cuts[-2] = cuts[-1]
    return [end - start for start, end in pairwise(cuts)]


def _day(first: int, number: int, until_ns: int, shares: list[int], incidents: tuple[int, int, int]) -> Day:
    index, start_ns = number - first, number * DAY_NS
    found = plantings(index, incidents, shares[index]) if shares[index] >= _FEW else ()
    end_ns = min(start_ns + DAY_NS, until_ns)
    return Day(index, _date(number), start_ns, end_ns, shares[index], sum(shares[:index]), found)


def _date(number: int) -> date:
    return _EPOCH + timedelta(days=number)
