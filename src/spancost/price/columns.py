"""What the pricing stage takes and gives, column by column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spancost.price.meters import meter_named
from spancost.price.resolve import CallKey

Int8s = NDArray[np.int8]
Int32s = NDArray[np.int32]
Int64s = NDArray[np.int64]
Bools = NDArray[np.bool_]

STATUSES = ("priced", "partial", "unpriced", "free")
PRICED, PARTIAL, UNPRICED, FREE = range(4)

#: From here on a count is no count: 2^53 tokens would take years to read.
USAGE_LIMIT = 2**53


@dataclass(frozen=True, slots=True, eq=False)
class CallColumns:
    """A batch of calls, all arrays of the same length.

    `key` indexes `keys`, the distinct keys of the batch. `start_time` is in ns since 1970-01-01 UTC. `usage` maps a
    meter to its quantities, disjoint, -1 where unknown. `input_total` and `output_total` are the inclusive totals
    (-1 unknown); the former decides the context tier, and where it is unknown the known input meters stand in for it.
    `failed` marks calls that ended in an error, `expects_output` those whose kind has output tokens (no embeddings).
    """

    key: Int32s
    keys: Sequence[CallKey]
    start_time: Int64s
    usage: Mapping[str, Int64s]
    input_total: Int64s
    output_total: Int64s
    failed: Bools
    expects_output: Bools


@dataclass(frozen=True, slots=True, eq=False)
class CostColumns:
    """What the calls cost, in 1e-12 USD, all arrays of the batch's length.

    Where `known` is false there is no cost (the numbers are 0 and must be stored as NULL). `by_meter` holds the meters
    that any call of the batch used, in their fixed order; its arrays add up to `list_cost`. `status`, `reason` and
    `price_id` are codes into the tables beside them; code 0 of the latter two is ''. `cost` is the user's own price:
    the list price where no contract says otherwise.
    """

    list_cost: Int64s
    cost: Int64s
    known: Bools
    by_meter: Mapping[str, Int64s]
    status: Int8s
    statuses: Sequence[str]
    reason: Int32s
    reasons: Sequence[str]
    price_id: Int32s
    price_ids: Sequence[str]


def column(calls: CallColumns, meter: str) -> Int64s:
    """A meter's quantities; unknown throughout when the batch has no such meter."""
    found = calls.usage.get(meter)
    return np.full(len(calls.key), -1, dtype=np.int64) if found is None else found


def bad_usage(calls: CallColumns) -> Bools:
    """Rows with a count that cannot be: below -1, or not below `USAGE_LIMIT`."""
    bad = np.zeros(len(calls.key), dtype=np.bool_)
    for counts in (*calls.usage.values(), calls.input_total, calls.output_total):
        if counts.size and (counts.min() < -1 or counts.max() >= USAGE_LIMIT):
            bad |= (counts < -1) | (counts >= USAGE_LIMIT)
    return bad


def without_usage(calls: CallColumns) -> Bools:
    """Rows with no usage at all: neither input nor output reported, and no other meter above zero."""
    unused = (column(calls, "input") < 0) & (column(calls, "output") < 0)
    for counts in calls.usage.values() if unused.any() else ():
        unused &= counts <= 0
    return unused


def total_input(calls: CallColumns) -> Int64s:
    """The size of each input, for the context tier: as reported, else the sum of the input meters that are known."""
    reported = calls.input_total
    if not reported.size or reported.min() >= 0:
        return reported
    parts = [counts for name, counts in calls.usage.items() if is_input_token(name)]
    summed = sum((np.maximum(counts, 0) for counts in parts), np.zeros_like(reported))
    return np.where(reported >= 0, reported, summed)


def is_input_token(name: str) -> bool:
    """Whether a meter counts tokens that the model reads."""
    meter = meter_named(name)
    return meter.is_token and meter.side == "input"
