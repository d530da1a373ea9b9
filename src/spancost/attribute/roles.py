"""The billing role of a span, from what it is, the calls below it, and other descriptions of the same call."""

from __future__ import annotations

import numpy as np

from spancost.attribute.index import SortedRuns, is_in
from spancost.attribute.slots import Slots
from spancost.model import CLS_CALL, CLS_STEP, CLS_TOTALS, Bool, Int32, Int64, UInt64

ROLES = ("", "call", "duplicate", "aggregate", "step")
"""Values of `billing_role`, by code."""
NO_ROW, CALL, DUPLICATE, AGGREGATE, STEP = range(5)

REASONS = (
    "",
    "model call",
    "another span has the same response id and says more",
    "repeats the one call below it",
    "repeats the sum of the calls below it",
    "carries no usage and calls lie below it",
    "reports totals; its operation is no model call",
    "operation is no model call",
)
"""Values of `role_reason`, by code."""
_CALL, _TWIN, _ONE_BELOW, _SUM_BELOW, _WRAPPER, TOTALS, _STEP = range(1, 8)

BY_WHAT_IS_BELOW = (_ONE_BELOW, _SUM_BELOW, _WRAPPER)
"""Reasons that rest on calls below."""

TWIN_SPAN_NS = 3_600_000_000_000
"""Spans with one response id describe one call when they start within an hour of each other; providers' ids are unique,
but test doubles and caches repeat them."""


def count_below(slots: Slots, calls: Int32, call_above: Int32) -> Int32:
    """Move calls to a new nearest call above; returns the slots whose sums changed."""
    old = slots.call_above[calls]
    moved = old != call_above
    calls, old, new = calls[moved], old[moved], call_above[moved]
    for holders, sign in ((old, -1), (new, 1)):
        there = holders >= 0
        above, below = holders[there], calls[there]
        np.add.at(slots.calls_below, above, sign)
        np.add.at(slots.calls_below_sum, above, sign * below.astype(np.int64))
        np.add.at(slots.input_below, above, sign * np.maximum(slots.input_tokens[below], 0).astype(np.int64))
        np.add.at(slots.output_below, above, sign * np.maximum(slots.output_tokens[below], 0).astype(np.int64))
    slots.call_above[calls] = new
    touched = np.concatenate((old, new))
    return np.unique(touched[touched >= 0])


def recount(slots: Slots) -> None:
    """Count anew what lies below every call, after slots were dropped and packed."""
    for name in ("calls_below", "calls_below_sum", "input_below", "output_below"):
        getattr(slots, name)[: slots.count] = 0
    is_call = slots.cls[: slots.count] == CLS_CALL
    calls = np.flatnonzero(is_call & (slots.call_above[: slots.count] >= 0)).astype(np.int32)
    above = slots.call_above[calls]
    slots.call_above[calls] = -1
    count_below(slots, calls, above)


def find_twins(slots: Slots, responses: SortedRuns, keys: UInt64) -> Int32:
    """Decide anew who bills among all spans with one of these response keys; returns those spans.

    Sets `twin_of` to the slot of the best description, -1 for the best itself.
    """
    keys = np.unique(keys[keys != 0])
    _, found = responses.find_all(keys)
    found = np.unique(found)
    found = found[is_in(slots.response[found], keys)]
    if not len(found):
        return found
    order = np.lexsort((slots.start[found], slots.response[found]))
    found = found[order]
    group = _clusters(slots.response[found], slots.start[found])
    worth = _worth(slots, found)
    best_first = np.lexsort((slots.span_id[found], -slots.start[found], -worth, group))
    leader = found[best_first][np.append(True, np.diff(group[best_first]) != 0)]
    slots.twin_of[found] = np.where(leader[group] == found, -1, leader[group])
    return found


def _clusters(response: UInt64, start: Int64) -> Int64:
    """A number for each run of equal keys whose starts lie within `TWIN_SPAN_NS` of the run's first."""
    new = np.append(True, response[1:] != response[:-1])
    if (~new).any():
        first = int(start[0])
        for i in range(1, len(start)):
            if new[i] or int(start[i]) - first > TWIN_SPAN_NS:
                new[i], first = True, int(start[i])
    return np.cumsum(new) - 1


def _worth(slots: Slots, members: Int32) -> Int64:
    """How much a span knows of its call: usage first, then what its dialect tells; the inner one wins a tie."""
    has_usage = (slots.input_tokens[members] >= 0).astype(np.int64) + (slots.output_tokens[members] >= 0)
    return has_usage * 16 + slots.detail[members]


def decide(slots: Slots, members: Int32) -> None:
    """Set role, reason and duplicate_of of the members; marks as changed the rows that say something else now."""
    cls = slots.cls[members]
    is_call = cls == CLS_CALL
    twin = np.where(is_call, slots.twin_of[members], -1)
    below = np.where(is_call, slots.calls_below[members], 0)
    known = (slots.input_tokens[members] >= 0) | (slots.output_tokens[members] >= 0)
    equal = known & _equals_below(slots, members)
    own_id = (slots.response[members] != 0) & (below > 0) & _other_ids(slots, members, below)
    one_below = (below == 1) & (equal | ~known) & ~own_id
    reason = np.select(
        [cls == CLS_STEP, cls == CLS_TOTALS, twin >= 0, one_below, (below > 1) & equal, (below > 1) & ~known, is_call],
        [_STEP, TOTALS, _TWIN, _ONE_BELOW, _SUM_BELOW, _WRAPPER, _CALL],
        0,
    ).astype(np.int8)
    seeded = (reason == _CALL) & (below == 0) & (slots.reason_seed[members] > 0)
    reason = np.where(seeded, slots.reason_seed[members], reason)
    role = _ROLE_OF[reason]
    original = np.select(
        [reason == _TWIN, seeded, reason == _ONE_BELOW],
        [twin, slots.original_seed[members], slots.calls_below_sum[members]],
        -1,
    )
    same = (slots.role[members] == role) & (slots.reason[members] == reason) & (slots.duplicate_of[members] == original)
    slots.role[members], slots.reason[members] = role, reason
    slots.duplicate_of[members] = original
    slots.changed[members[~same]] = True


_ROLE_OF = np.array([NO_ROW, CALL, DUPLICATE, DUPLICATE, AGGREGATE, AGGREGATE, AGGREGATE, STEP], np.int8)


def _equals_below(slots: Slots, members: Int32) -> Bool:
    same_input: Bool = np.maximum(slots.input_tokens[members], 0) == slots.input_below[members]
    same_output: Bool = np.maximum(slots.output_tokens[members], 0) == slots.output_below[members]
    return same_input & same_output


def _other_ids(slots: Slots, members: Int32, below: Int32) -> Bool:
    """Whether the one call below has a response id of its own, another than the member's."""
    one = below == 1
    child = np.where(one, slots.calls_below_sum[members], 0)
    theirs = slots.response[child]
    other: Bool = one & (theirs != 0) & (theirs != slots.response[members])
    return other
