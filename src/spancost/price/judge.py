"""Status and reason of every call: priced, partial, unpriced or free, and why not priced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from spancost.price.choose import Chosen
from spancost.price.columns import (
    FREE,
    PARTIAL,
    PRICED,
    UNPRICED,
    Bools,
    CallColumns,
    Int8s,
    Int32s,
    Int64s,
    column,
    without_usage,
)
from spancost.price.resolve import Sheet


class Evidence(NamedTuple):
    """What is known after the arithmetic. `lacks` is by tier and meter of `usage`: where there is no price."""

    usage: Mapping[str, Int64s]
    lacks: Bools
    bad: Bools
    out_of_range: Bools


class Verdict(NamedTuple):
    """Codes per call; `reasons` is the table of the reason codes, with '' as code 0."""

    status: Int8s
    reason: Int32s
    reasons: Sequence[str]


def judge(calls: CallColumns, chosen: Chosen, evidence: Evidence) -> Verdict:
    """Each reason outranks those before it: unpriced meter, missing side, no price, no usage, bad numbers."""
    codes: dict[str, int] = {"": 0}
    reason = np.zeros(len(calls.key), dtype=np.int32)
    has_priced = _mark_unpriced_meters(chosen, evidence, reason, codes)
    _mark_missing_sides(calls, chosen, reason, codes)
    free = chosen.of_sheets([sheet.free for sheet in chosen.sheets])
    status = np.where(reason == 0, np.where(free, FREE, PRICED), np.where(has_priced, PARTIAL, UNPRICED))
    for rows, told in _refusals(calls, chosen, evidence, free):
        if rows.any():
            reason[rows] = _code(codes, told)
            status[rows] = UNPRICED
    return Verdict(status.astype(np.int8), reason, tuple(codes))


def _mark_unpriced_meters(chosen: Chosen, evidence: Evidence, reason: Int32s, codes: dict[str, int]) -> Bools:
    """Notes the first used meter that has no price; returns the calls with a used meter that has one."""
    has_priced = np.zeros(len(reason), dtype=np.bool_)
    for m, (name, quantity) in reversed(list(enumerate(evidence.usage.items()))):
        used = quantity > 0
        lacking = evidence.lacks[:, m]
        if lacking.any():
            unpriced = used & lacking[chosen.tier]
            reason[unpriced] = _code(codes, f"meter_unpriced:{name}")
            used &= ~unpriced
        has_priced |= used
    return has_priced


def _mark_missing_sides(calls: CallColumns, chosen: Chosen, reason: Int32s, codes: dict[str, int]) -> None:
    """A side that is charged for and not reported is unknown, not nothing."""
    for name, expected in (("output", calls.expects_output), ("input", np.True_)):
        missing = (column(calls, name) < 0) & expected
        if missing.any():
            missing &= chosen.of_sheets([_charges(sheet, name) for sheet in chosen.sheets])
            reason[missing] = _code(codes, f"{name}_unknown")


def _charges(sheet: Sheet, meter: str) -> bool:
    return any(row.get(meter, 0) > 0 for row in sheet.tiers)


def _refusals(calls: CallColumns, chosen: Chosen, evidence: Evidence, free: Bools) -> list[tuple[Bools, str]]:
    reasons = {sheet.reason for sheet in chosen.sheets if sheet.reason}
    refused = [(chosen.of_sheets([s.reason == told for s in chosen.sheets]), told) for told in sorted(reasons)]
    unused = without_usage(calls) & ~free
    return [
        *refused,
        (unused, "no_usage"),
        (unused & calls.failed, "failed_no_usage"),
        (evidence.out_of_range, "out_of_range"),
        (evidence.bad, "bad_usage"),
    ]


def _code(codes: dict[str, int], reason: str) -> int:
    return codes.setdefault(reason, len(codes))
