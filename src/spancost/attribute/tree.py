"""Parents and children among the slots: linking what arrives in any order."""

from __future__ import annotations

import numpy as np

from spancost.attribute.index import SortedRuns, mix
from spancost.attribute.inherit import cut_cycles
from spancost.attribute.slots import Slots
from spancost.model import Bool, Int32, UInt64


class Tree:
    """The parent links of a window's slots."""

    def __init__(self, slots: Slots) -> None:
        self._slots = slots
        self._by_id = SortedRuns()
        self._waiting = SortedRuns()
        self._position: Int32 = np.full(1, -1, np.int32)

    def find(self, trace_hi: UInt64, trace_lo: UInt64, span_id: UInt64) -> Int32:
        """Slots of spans by their ids, -1 where the window has none."""
        s = self._slots
        found = self._by_id.find(mix(trace_hi, trace_lo, span_id))
        same = (s.trace_hi[found] == trace_hi) & (s.trace_lo[found] == trace_lo) & (s.span_id[found] == span_id)
        return np.where((found >= 0) & same, found, -1).astype(np.int32)

    def add(self, new: Int32) -> Int32:
        """Link fresh slots to their parents and waiting children to them; returns the children that found a parent."""
        s = self._slots
        self._by_id.add(mix(s.trace_hi[new], s.trace_lo[new], s.span_id[new]), new)
        adopted = self._adopt(new)
        self._find_parents(new)
        return adopted

    def relink(self, slots: Int32) -> None:
        """Look for the parents of slots that name another parent than before."""
        s = self._slots
        for slot in slots.tolist():
            if s.up[slot] >= 0:
                self.unlink(slot)
        s.cut[slots] = False
        self._find_parents(slots)

    def link(self, child: int, parent: int) -> None:
        """Hang one slot below another."""
        self._link(np.array([child], np.int32), np.array([parent], np.int32))

    def children(self, slot: int) -> list[int]:
        """The slots right below one."""
        found: list[int] = []
        child = int(self._slots.first_child[slot])
        while child >= 0:
            found.append(child)
            child = int(self._slots.next_sibling[child])
        return found

    def unlink(self, child: int) -> None:
        """Take one slot from its parent."""
        self._unthread(child, int(self._slots.up[child]))
        self._slots.up[child] = -1

    def below(self, roots: Int32) -> Int32:
        """The roots and every slot below them, each once."""
        s = self._slots
        seen = np.zeros(s.count, np.bool_)
        seen[roots] = True
        level = np.unique(roots)
        found = [level]
        while len(level):
            children = self._children(level)
            level = np.unique(children[~seen[children]]).astype(np.int32)
            seen[level] = True
            found.append(level)
        return np.concatenate(found)

    def up_within(self, members: Int32) -> Int32:
        """Parents as positions in `members`, -1 where the parent is not a member; cycles among them are cut for
        good."""
        s = self._slots
        up = self.positions(members, s.up[members])
        cuts = cut_cycles(up, s.span_id[members])
        if len(cuts):
            self._cut(members[cuts])
            up[cuts] = -1
        return up

    def positions(self, members: Int32, wanted: Int32) -> Int32:
        """Where the wanted slots stand in `members`, -1 for those that are none and for -1."""
        if len(self._position) < self._slots.count + 1:
            self._position = np.full(self._slots.count * 2 + 1, -1, np.int32)
        self._position[members] = np.arange(len(members), dtype=np.int32)
        at = np.array(np.where(wanted >= 0, self._position[wanted], -1), np.int32)
        self._position[members] = -1
        return at

    def rebuild(self) -> None:
        """Index every slot anew, after slots were dropped and packed."""
        s = self._slots
        self._by_id.clear()
        self._waiting.clear()
        everything = np.arange(s.count, dtype=np.int32)
        self._by_id.add(mix(s.trace_hi[: s.count], s.trace_lo[: s.count], s.span_id[: s.count]), everything)
        orphans = everything[(s.up[: s.count] < 0) & (s.parent_id[: s.count] != 0) & ~s.cut[: s.count]]
        self._waiting.add(mix(s.trace_hi[orphans], s.trace_lo[orphans], s.parent_id[orphans]), orphans)
        s.first_child[: s.count] = -1
        s.next_sibling[: s.count] = -1
        linked = everything[s.up[: s.count] >= 0]
        self._thread(linked, s.up[linked])

    def _find_parents(self, slots: Int32) -> None:
        s = self._slots
        children = slots[s.parent_id[slots] != 0]
        parent = self.find(s.trace_hi[children], s.trace_lo[children], s.parent_id[children])
        parent[parent == children] = -1
        self._link(children[parent >= 0], parent[parent >= 0])
        orphans = children[parent < 0]
        self._waiting.add(mix(s.trace_hi[orphans], s.trace_lo[orphans], s.parent_id[orphans]), orphans)
        s.cut[orphans[s.parent_id[orphans] == s.span_id[orphans]]] = True

    def _adopt(self, new: Int32) -> Int32:
        s = self._slots
        which, waiting = self._waiting.find_all(mix(s.trace_hi[new], s.trace_lo[new], s.span_id[new]))
        parent = new[which]
        right = (s.up[waiting] < 0) & ~s.cut[waiting] & (s.parent_id[waiting] == s.span_id[parent])
        right &= (s.trace_hi[waiting] == s.trace_hi[parent]) & (s.trace_lo[waiting] == s.trace_lo[parent])
        right &= waiting != parent
        adopted: Int32 = waiting[right]
        self._link(adopted, parent[right])
        return adopted

    def _link(self, children: Int32, parents: Int32) -> None:
        self._slots.up[children] = parents
        self._thread(children, parents)

    def _thread(self, children: Int32, parents: Int32) -> None:
        """Put children at the front of their parents' lists."""
        if not len(children):
            return
        s = self._slots
        order = np.argsort(parents, kind="stable")
        children, parents = children[order], parents[order]
        last: Bool = np.append(parents[1:] != parents[:-1], True)
        first: Bool = np.append(True, last[:-1])
        following = np.append(children[1:], np.int32(-1))
        s.next_sibling[children] = np.where(last, s.first_child[parents], following)
        s.first_child[parents[first]] = children[first]

    def _children(self, level: Int32) -> Int32:
        s = self._slots
        found: list[Int32] = []
        current = s.first_child[level]
        for _ in range(_SIBLING_STEPS):
            current = current[current >= 0]
            if not len(current):
                return np.concatenate(found) if found else np.zeros(0, np.int32)
            found.append(current)
            current = s.next_sibling[current]
        parents = np.zeros(s.count + 1, np.bool_)
        parents[level] = True
        parents[-1] = False
        return np.flatnonzero(parents[s.up[: s.count]]).astype(np.int32)

    def _cut(self, slots: Int32) -> None:
        s = self._slots
        s.cut[slots] = s.changed[slots] = True
        for slot in slots.tolist():
            self.unlink(slot)

    def _unthread(self, child: int, parent: int) -> None:
        s = self._slots
        if s.first_child[parent] == child:
            s.first_child[parent] = s.next_sibling[child]
        else:
            before = int(s.first_child[parent])
            while s.next_sibling[before] != child:
                before = int(s.next_sibling[before])
            s.next_sibling[before] = s.next_sibling[child]
        s.next_sibling[child] = -1


_SIBLING_STEPS = 64
"""Beyond so many siblings one look over all slots is cheaper than following the list."""
