"""What spans take from the spans above them: pure functions over parent pointers.

All of them work on one set of spans. `up` is int32[n]: the position of a span's parent inside the set, or -1 for a span
whose parent lies outside it or is unknown (a top). Pointers are doubled until nothing changes, so a chain of a thousand
spans takes ten steps.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from spancost.model import Bool, Int32, Int64, UInt64


def nearest(holds: Bool, up: Int32) -> Int32:
    """For each span the position of itself or the nearest span above it that `holds`, else of its top."""
    itself = np.arange(len(up), dtype=np.int32)
    pointer = np.where(holds | (up < 0), itself, up)
    while True:
        further = pointer[pointer]
        if np.array_equal(further, pointer):
            return pointer
        pointer = further


def inherit(own: Int32, up: Int32, outside: Int32) -> Int32:
    """For each span its own value, else the nearest one above, else what its top has from `outside`; -1 for none."""
    values = np.where((own < 0) & (up < 0), outside, own)
    return values[nearest(own >= 0, up)]


def fold(holds: Bool, own: Int32, up: Int32, outside: Int32, combine: Callable[[int, int], int]) -> Int32:
    """Carry a state down the tree: every span that `holds` combines the state from above with its own value.

    `combine(state above, own)` is called once for each distinct pair; spans that hold nothing keep the state from
    above. Holders are worked off from the top, one round a level of holders.
    """
    state = np.where(holds, np.int32(_PENDING), outside)
    holder = nearest(holds, up)
    above = np.where(up >= 0, holder[np.maximum(up, 0)], -1)
    open_ = np.flatnonzero(holds)
    while len(open_):
        from_above = np.where(above[open_] >= 0, state[np.maximum(above[open_], 0)], outside[open_])
        ready = from_above != _PENDING
        rows = open_[ready]
        state[rows] = _combine_pairs(from_above[ready], own[rows], combine)
        open_ = open_[~ready]
    return state[holder]


_PENDING = -2


def _combine_pairs(states: Int32, own: Int32, combine: Callable[[int, int], int]) -> Int32:
    pairs = (states.astype(np.int64) << 32) | own.astype(np.int64)
    distinct, inverse = np.unique(pairs, return_inverse=True)
    results = [combine(int(pair >> 32), int(pair & 0xFFFFFFFF)) for pair in distinct.tolist()]
    return np.array(results, np.int32)[inverse]


def cut_cycles(up: Int32, identity: UInt64) -> Int64:
    """Positions of the spans whose parent link must go so that no span is its own ancestor.

    In each cycle the span with the smallest `identity` becomes a root: which one does not depend on the order in which
    the spans came.
    """
    n = len(up)
    pointer = up.copy()
    steps = 1
    while steps < 2 * n and (pointer >= 0).any():
        pointer = np.where(pointer >= 0, pointer[np.maximum(pointer, 0)], -1)
        steps *= 2
    inside = np.unique(pointer[pointer >= 0])
    cuts: list[int] = []
    seen: set[int] = set()
    for start in inside.tolist():
        if start not in seen:
            cycle = _walk(start, up)
            seen.update(cycle)
            cuts.append(min(cycle, key=lambda position: int(identity[position])))
    return np.array(cuts, np.int64)


def _walk(start: int, up: Int32) -> list[int]:
    cycle = [start]
    while (following := int(up[cycle[-1]])) != start:
        cycle.append(following)
    return cycle
