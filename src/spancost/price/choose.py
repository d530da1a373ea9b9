"""Which price sheet, and which context tier of it, each call of a batch takes: by key, time and size of the input."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from spancost.price.columns import Bools, CallColumns, Int64s, total_input
from spancost.price.pricer import Pricer
from spancost.price.resolve import FIRST_DAY, Plan, Sheet

_NANOSECONDS_PER_DAY = 86_400 * 10**9
_NO_THRESHOLD = 2**63 - 1


class Chosen(NamedTuple):
    """The sheets of the batch, the flat list of their tiers, and per call an index into each."""

    sheets: Sequence[Sheet]
    tiers: Sequence[tuple[Sheet, int]]
    sheet: Int64s
    tier: Int64s

    def of_sheets(self, values: Sequence[bool]) -> Bools:
        """A property of every sheet, spread over the calls."""
        spread: Bools = np.array(values or [False], dtype=np.bool_)[self.sheet]
        return spread


def choose(pricer: Pricer, calls: CallColumns) -> Chosen:
    """One search per distinct key; the rest is sorted lookups over the whole batch."""
    plans = [pricer.plan(key) for key in calls.keys]
    sheets = [sheet for plan in plans for row in plan.sheets for sheet in row]
    sheet = _sheet_of_each(plans, len(sheets), calls)
    return _with_tiers(sheets, sheet, total_input(calls))


def _sheet_of_each(plans: Sequence[Plan], sheets: int, calls: CallColumns) -> Int64s:
    if sheets == len(plans):
        return calls.key.astype(np.int64)
    day = calls.start_time // _NANOSECONDS_PER_DAY
    span = -2 * FIRST_DAY
    starts = np.array([k * span + d - FIRST_DAY for k, plan in enumerate(plans) for d in plan.days], dtype=np.int64)
    epoch: Int64s = np.searchsorted(starts, calls.key * np.int64(span) + day - FIRST_DAY, side="right") - 1
    if sheets == len(starts):
        return epoch
    return _by_second(plans, epoch, (calls.start_time - day * _NANOSECONDS_PER_DAY) // 10**9)


def _by_second(plans: Sequence[Plan], epoch: Int64s, second: Int64s) -> Int64s:
    windows = [plan.seconds for plan in plans for _ in plan.days]
    starts = np.array([e * 86_400 + s for e, seconds in enumerate(windows) for s in seconds], dtype=np.int64)
    found: Int64s = np.searchsorted(starts, epoch * 86_400 + second, side="right") - 1
    return found


def _with_tiers(sheets: Sequence[Sheet], sheet: Int64s, total: Int64s) -> Chosen:
    tiers = [(s, tier) for s in sheets for tier in range(len(s.tiers))]
    first = np.array([0, *accumulate(len(s.tiers) for s in sheets)], dtype=np.int64)
    chosen = first[sheet]
    for level in range(max((len(s.thresholds) for s in sheets), default=0)):
        starts = [s.thresholds[level] if level < len(s.thresholds) else _NO_THRESHOLD for s in sheets]
        chosen = chosen + (total > np.array(starts, dtype=np.int64)[sheet])
    return Chosen(sheets, tiers, sheet, chosen)
