"""An append-only index from 64-bit keys to slots, held as sorted runs.

A batch is added as one run; runs of like size are merged, so a look-up searches a handful of them, with its keys in
order so that each search starts near where the last one ended. NumPy's `searchsorted` makes a look-up of thousands of
keys cost a fraction of a microsecond a key and the index 12 bytes a slot, where a dictionary of Python integers needs
about 100.
"""

from __future__ import annotations

import numpy as np

from spancost.model import Bool, Int32, Int64, UInt64


def mix(*parts: UInt64) -> UInt64:
    """One well-spread 64-bit key out of several words (the finaliser of splitmix64 over each)."""
    key = np.zeros(len(parts[0]), np.uint64)
    for part in parts:
        key ^= part
        key ^= key >> np.uint64(30)
        key *= np.uint64(0xBF58476D1CE4E5B9)
        key ^= key >> np.uint64(27)
        key *= np.uint64(0x94D049BB133111EB)
        key ^= key >> np.uint64(31)
    return key


def is_in(keys: UInt64, among: UInt64) -> Bool:
    """Which keys are among others that are sorted. Several times faster than `numpy.isin` on 64-bit hashes."""
    if not len(among):
        return np.zeros(len(keys), np.bool_)
    at = np.searchsorted(among, keys)
    at[at == len(among)] = 0
    return np.asarray(among[at] == keys, np.bool_)


class SortedRuns:
    """uint64 key -> int32 slots; one key may have many slots."""

    def __init__(self) -> None:
        self._runs: list[tuple[UInt64, Int32]] = []

    def add(self, keys: UInt64, slots: Int32) -> None:
        """Add one batch of entries."""
        if not len(keys):
            return
        order = np.argsort(keys, kind="stable")
        self._runs.append((keys[order], slots[order]))
        while len(self._runs) > 1 and len(self._runs[-2][0]) < 2 * len(self._runs[-1][0]):
            self._merge_last()

    def find(self, keys: UInt64) -> Int32:
        """The slot of each key, -1 where there is none; for indexes whose keys are unique."""
        order = np.argsort(keys)
        wanted = keys[order]
        found = np.full(len(keys), -1, np.int32)
        for run_keys, run_slots in self._runs:
            at = np.searchsorted(run_keys, wanted)
            at[at == len(run_keys)] = 0
            hit = run_keys[at] == wanted
            found[order[hit]] = run_slots[at[hit]]
        return found

    def find_all(self, keys: UInt64) -> tuple[Int64, Int32]:
        """Every entry under the keys: positions in `keys`, and the slots."""
        order = np.argsort(keys)
        wanted = keys[order]
        positions, slots = [np.zeros(0, np.int64)], [np.zeros(0, np.int32)]
        for run_keys, run_slots in self._runs:
            left = np.searchsorted(run_keys, wanted, "left")
            count = np.searchsorted(run_keys, wanted, "right") - left
            if count.any():
                which = np.repeat(np.arange(len(keys)), count)
                offset = np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count)
                positions.append(order[which])
                slots.append(run_slots[left[which] + offset])
        return np.concatenate(positions), np.concatenate(slots)

    def clear(self) -> None:
        """Forget everything."""
        self._runs.clear()

    def __len__(self) -> int:
        return sum(len(keys) for keys, _ in self._runs)

    def _merge_last(self) -> None:
        (a_keys, a_slots), (b_keys, b_slots) = self._runs[-2:]
        keys = np.concatenate((a_keys, b_keys))
        order = np.argsort(keys, kind="stable")
        self._runs[-2:] = [(keys[order], np.concatenate((a_slots, b_slots))[order])]
