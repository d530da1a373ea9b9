"""The runs of one day: which agent, for which customer, how many calls."""

from __future__ import annotations

import numpy as np

from spancost.demo.columns import FAILURE, NO_OUTCOME, SUCCESS, Runs
from spancost.demo.company import CUSTOMERS
from spancost.demo.dice import Bool, Dice, Int64
from spancost.demo.incidents import ORDINARY, REGRESSION, RUNAWAY, Planting
from spancost.demo.index import AGENT_INTERNAL, CUSTOMER_WEIGHTS, FEATURE_WEIGHTS, PROMPT_AGENT
from spancost.demo.plan import Day

STAGING_PER_MILLE = 200
USERS_A_CUSTOMER = 25
STAFF = 900
"""Users of internal agents, numbered after the customers' own."""

_FEWEST, _USUAL, _MOST = 3, 7, 30


def make_runs(dice: Dice, day: Day) -> Runs:
    """The day's runs: planted ones first, then ordinary ones until the day has its calls."""
    planted = [_planted_sizes(dice, planting) for planting in day.plantings]
    size = np.concatenate([*planted, _sizes(dice, day.calls - sum(int(part.sum()) for part in planted))])
    number, counts = len(size), [len(part) for part in planted]
    feature = _with(dice.pick(FEATURE_WEIGHTS, number), counts, [planting.feature for planting in day.plantings])
    code = _with(np.full(number, ORDINARY), counts, [planting.code for planting in day.plantings])
    staging = _staging(dice, size, sum(counts))
    agent = PROMPT_AGENT[feature]
    code = _spread_regression(code, feature, staging)
    failed = dice.chance(20, number) & (code != RUNAWAY)
    wanted = [-1 if planting.customer is None else planting.customer for planting in day.plantings]
    customer = _customers(dice, day, agent, staging, _with(np.full(number, -1), counts, wanted))
    return Runs(
        feature=feature,
        agent=agent,
        staging=staging,
        customer=customer,
        user=_users(dice, customer),
        size=size,
        planted=code,
        looping=dice.chance(20, number) | (code == RUNAWAY),
        variant=dice.below(2, number),
        failed=failed,
        outcome=_outcomes(dice, failed | (code == RUNAWAY), staging),
    )


def _planted_sizes(dice: Dice, planting: Planting) -> Int64:
    if planting.sizes is None:
        return np.clip(dice.spread(_USUAL, planting.traces), _FEWEST, _MOST)
    fewest, most = planting.sizes
    return fewest + dice.below(most - fewest + 1, planting.traces)


def _sizes(dice: Dice, calls: int) -> Int64:
    """Sizes of usual runs that add up to `calls`."""
    drawn = np.clip(dice.spread(_USUAL, calls // _FEWEST + 1), _FEWEST, _MOST)
    sums = np.cumsum(drawn)
    last = int(np.searchsorted(sums, calls))
    sizes = drawn[: last + 1]
    sizes[last] -= sums[last] - calls
    return _mended(sizes)


def _mended(sizes: Int64) -> Int64:
    """A last run that is too short takes calls from the one before, or joins it."""
    short = _FEWEST - int(sizes[-1])
    if short <= 0 or len(sizes) == 1:
        return sizes
    if sizes[-2] >= _FEWEST + short:
        return np.concatenate([sizes[:-2], [sizes[-2] - short, _FEWEST]])
    return np.concatenate([sizes[:-2], [sizes[-2] + sizes[-1]]])


def _with(column: Int64, counts: list[int], values: list[int]) -> Int64:
    """`column` with its first rows replaced: `values[0]` for `counts[0]` of them, and so on."""
    head = np.repeat(np.array(values, np.int64), counts)
    return np.concatenate([head, column[len(head) :]])


def _staging(dice: Dice, size: Int64, planted: int) -> Int64:
    """A fifth of all calls; what is planted is all production, so of the others it is a little more."""
    ordinary = int(size[planted:].sum())
    share = STAGING_PER_MILLE * int(size.sum()) // max(ordinary, 1)
    staging = dice.chance(share, len(size)).astype(np.int64)
    staging[:planted] = 0
    return staging


def _spread_regression(code: Int64, feature: Int64, staging: Int64) -> Int64:
    """On its day the regressed prompt serves every production run of its feature."""
    regressed = np.unique(feature[code == REGRESSION])
    return np.where(np.isin(feature, regressed) & (staging == 0), REGRESSION, code)


def _customers(dice: Dice, day: Day, agent: Int64, staging: Int64, wanted: Int64) -> Int64:
    """Large customers more often; every second run takes the next one in turn, so that small ones occur at all."""
    serves: Bool = ~AGENT_INTERNAL[agent] & (staging == 0)
    number = np.cumsum(serves)
    in_turn = (number // 2 + day.calls_before // _CALLS_A_TURN) % len(CUSTOMERS)
    drawn = np.where(number % 2 == 0, in_turn, dice.pick(CUSTOMER_WEIGHTS, len(agent)))
    return np.where(wanted >= 0, wanted, np.where(serves, drawn, -1))


_CALLS_A_TURN = 45
"""More calls than one run in turn stands for on any day, so that the days leave no customer out between them."""


def _users(dice: Dice, customer: Int64) -> Int64:
    drawn = dice.below(USERS_A_CUSTOMER, len(customer))
    staff = len(CUSTOMERS) * USERS_A_CUSTOMER + dice.below(STAFF, len(customer))
    return np.where(customer >= 0, customer * USERS_A_CUSTOMER + drawn, staff)


def _outcomes(dice: Dice, failed: Bool, staging: Int64) -> Int64:
    """Told for nine of ten tasks in production, and for none in staging."""
    bad = failed | dice.chance(60, len(failed))
    told = dice.chance(900, len(failed)) & (staging == 0)
    return np.where(told, np.where(bad, FAILURE, SUCCESS), NO_OUTCOME)
