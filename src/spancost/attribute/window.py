"""The window of open traces (design D7): what a span is in the light of the spans around it.

Spans arrive in any order; each batch is linked to what is there, and only what the batch touches is decided anew: the
new spans, the spans below those that found a parent, the calls whose sums changed, and the twins of the new calls.
The decisions depend on which spans are there, never on the order in which they came.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import xxhash

from spancost.attribute.index import SortedRuns, mix
from spancost.attribute.inherit import fold, inherit, nearest
from spancost.attribute.restore import classes, counts, nanoseconds, texts, told, words_of
from spancost.attribute.roles import BY_WHAT_IS_BELOW, REASONS, count_below, decide, find_twins, recount
from spancost.attribute.slots import Slots
from spancost.attribute.tree import Tree
from spancost.attribute.vocabulary import Vocabulary, recode
from spancost.model import (
    CLS_CALL,
    CLS_OTHER,
    DIMENSIONS,
    FLAG,
    HOUR_NS,
    Bool,
    Coded,
    Int8,
    Int32,
    Int64,
    Normalised,
    UInt32,
    UInt64,
)

TOLD_BY = ("", "span", "ancestor", "resource", "ancestor's resource")
"""Who said what a dimension is, by code; `attribution_rule` names it."""
_SPAN, _ANCESTOR, _RESOURCE, _ANCESTORS_RESOURCE = range(1, 5)
_TOLD_CODE = {text.replace(" ", "_"): code for code, text in enumerate(TOLD_BY)}


@dataclass(frozen=True, slots=True)
class Admitted:
    """What became of a batch."""

    rows: Int64
    """Positions in the batch of the spans that are new, or that say more than before, and belong into the ledger."""
    slots: Int32
    """Their slots."""
    repeated: int
    """Spans that said nothing new."""


@dataclass(frozen=True, slots=True)
class Moved:
    """Identities of rows, by column."""

    trace_hi: UInt64
    trace_lo: UInt64
    span_id: UInt64
    start: Int64

    @staticmethod
    def none() -> Moved:
        nothing = np.zeros(0, np.uint64)
        return Moved(nothing, nothing, nothing, np.zeros(0, np.int64))

    def plus(self, more: Moved) -> Moved:
        return Moved(
            np.concatenate((self.trace_hi, more.trace_hi)),
            np.concatenate((self.trace_lo, more.trace_lo)),
            np.concatenate((self.span_id, more.span_id)),
            np.concatenate((self.start, more.start)),
        )

    def __len__(self) -> int:
        return len(self.start)


class Window:
    """The spans of open traces and what is decided about them. Not thread-safe: one pipeline owns it."""

    def __init__(self, max_spans: int, max_age_ns: int, detail: Mapping[str, int]) -> None:
        self._max_spans, self._max_age_ns = max_spans, max_age_ns
        self._detail = detail
        self.slots = Slots()
        self.tree = Tree(self.slots)
        self.responses = SortedRuns()
        self.words: Vocabulary[str] = Vocabulary()
        self.agents: Vocabulary[str] = Vocabulary()
        self.tag_sets: Vocabulary[frozenset[tuple[str, str]]] = Vocabulary()
        self._tag_sums: dict[tuple[int, int], int] = {}
        self.resource_sets: Vocabulary[tuple[str, ...]] = Vocabulary()
        self.paths: Vocabulary[tuple[int, int]] = Vocabulary()
        self.moved = Moved.none()
        """Rows in the store that are to go, because their span came again and starts in another hour: where a row lies,
        and so which row it replaces, depends on the hour."""
        self.oldest_ns = 0
        """No trace in the window with rows in the store wrote its last before this time."""
        self.task_traces: Vocabulary[tuple[int, int]] = Vocabulary()

    def __len__(self) -> int:
        return self.slots.count

    def admit(self, batch: Normalised, now_ns: int) -> Admitted:
        """Take a batch in and decide what it touches."""
        rows = _last_of_each(batch)
        spans = batch.spans
        known = self.tree.find(spans.trace_hi[rows], spans.trace_lo[rows], spans.span_id[rows])
        fresh, better = self._say_more(batch, rows, known)
        new = self.slots.allocate(len(fresh))
        self._write_own(batch, fresh, new, now_ns)
        adopted = self.tree.add(new)
        again = known[better]
        old_responses, loose = self._write_again(batch, rows[better], again, now_ns)
        self._decide(np.concatenate((new, again)), np.concatenate((adopted, again, loose)), old_responses)
        taken, slots = np.concatenate((fresh, rows[better])), np.concatenate((new, again))
        in_ledger = (self.slots.cls[slots] != CLS_OTHER) | (self.slots.version[slots] > 0)
        self.slots.pending[slots[in_ledger]] = True
        return Admitted(taken[in_ledger], slots[in_ledger], len(spans) - len(taken))

    def restated(self) -> Int32:
        """Slots whose rows are in the store and say something else by now."""
        s = self.slots
        changed = np.flatnonzero(s.changed[: s.count]).astype(np.int32)
        return changed[~s.pending[changed] & (s.version[changed] > 0)]

    def written(self, slots: Int32, version: int) -> None:
        """Note that the rows of these slots are in the store with this version."""
        self.slots.version[slots] = version
        self.slots.pending[slots] = False
        self.slots.changed[slots] = False

    def restore(self, rows: pa.Table, now_ns: int, recheck: bool) -> None:
        """Take stored rows in (columns `restore.COLUMNS`, each span once); those that the window has are left alone.

        With `recheck` they count as changed: each is compared with what is stored, and restated where it differs.
        """
        ids = words_of(rows["trace_id"], 2) + words_of(rows["span_id"], 1)
        absent = np.flatnonzero(self.tree.find(*ids) < 0)
        rows = rows.take(pa.array(absent))
        if not len(rows):
            return
        slots = self.slots.allocate(len(rows))
        self._write_restored(rows, slots, now_ns)
        adopted = self.tree.add(slots)
        self._remember(rows, slots)
        self._remember_roles(rows, slots)
        has = slots[self.slots.response[slots] != 0]
        self.responses.add(self.slots.response[has], has)
        self._decide(slots, adopted, np.zeros(0, np.uint64))
        self.slots.changed[slots] = recheck

    def evict(self, now_ns: int) -> tuple[UInt64, Int32 | None]:
        """Let the oldest quiet traces go until the window is within its bounds.

        Returns the keys (`trace_key`) of those traces and where each slot moved, None when nothing went. Traces with
        rows that wait to be written stay.
        """
        s = self.slots
        n = s.count
        if n <= self._max_spans and (n == 0 or now_ns - int(s.arrival[:n].min()) <= 2 * self._max_age_ns):
            return np.zeros(0, np.uint64), None
        keys, trace = np.unique(mix(s.trace_hi[:n], s.trace_lo[:n]), return_inverse=True)
        last = np.zeros(len(keys), np.int64)
        np.maximum.at(last, trace, s.arrival[:n])
        busy = np.zeros(len(keys), np.bool_)
        busy[trace[s.pending[:n] | (s.changed[:n] & (s.version[:n] > 0))]] = True
        order = np.argsort(np.where(busy, np.iinfo(np.int64).max, last), kind="stable")
        sizes = np.bincount(trace, minlength=len(keys))[order]
        too_many = np.cumsum(sizes) <= n - self._max_spans * 9 // 10
        gone = np.zeros(len(keys), np.bool_)
        gone[order] = ((n > self._max_spans) & too_many) | (last[order] < now_ns - self._max_age_ns)
        gone = _together(gone & ~busy, self._companions(trace))
        stored = np.flatnonzero(~s.pending[:n])
        last_stored = np.full(len(keys), -1, np.int64)
        np.maximum.at(last_stored, trace[stored], s.arrival[stored])
        self.oldest_ns = int(last_stored[~gone & (last_stored >= 0)].min(initial=now_ns))
        return keys[gone], self._drop(np.flatnonzero(~gone[trace]).astype(np.int32))

    def task_trace(self, slots: Int32) -> tuple[UInt64, UInt64]:
        """The trace that a span's task goes by: its own, or that of the framework span that a root was linked to."""
        s = self.slots
        codes = s.task_trace[slots]
        table = np.array([*self.task_traces.values, (0, 0)], np.uint64).reshape(-1, 2)[codes]
        own = codes < 0
        return np.where(own, s.trace_hi[slots], table[:, 0]), np.where(own, s.trace_lo[slots], table[:, 1])

    def flags(self, slots: Int32) -> UInt32:
        """Flags that the spans around a span set."""
        return np.where(self.slots.cut[slots], FLAG["parent_cycle"], 0).astype(np.uint32)

    def path_names(self) -> list[list[str]]:
        """Agent path by code, root to leaf; an empty one at the end for spans that no agent span lies above."""
        names: list[list[str]] = []
        for above, agent in self.paths.values:
            names.append([*(names[above] if above >= 0 else []), self.agents.values[agent]])
        return [*names, []]

    def _say_more(self, batch: Normalised, rows: Int64, known: Int32) -> tuple[Int64, Int64]:
        """Rows not seen before, and positions in `rows` of spans that came again with a later or other content.

        Of two versions of a span the one that ends later wins, then the one with the larger hash: a rule that does not
        depend on which came first.
        """
        s, spans = self.slots, batch.spans
        end, digest = spans.end[rows], spans.content_hash[rows]
        later = (end > s.end[known]) | ((end == s.end[known]) & (digest > s.content_hash[known]))
        return rows[known < 0], np.flatnonzero((known >= 0) & later)

    def _write_again(self, batch: Normalised, rows: Int64, slots: Int32, now_ns: int) -> tuple[UInt64, Int32]:
        """Overwrite slots of spans that say more now, and take back what they stood for; returns their response keys so
        far, whose calls must be decided anew."""
        if not len(slots):
            return np.zeros(0, np.uint64), np.zeros(0, np.int32)
        s = self.slots
        calls = slots[s.cls[slots] == CLS_CALL]
        count_below(s, calls, np.full(len(calls), -1, np.int32))
        old_responses, old_parents = s.response[slots], s.parent_id[slots]
        stored = slots[(s.version[slots] > 0) & (s.start[slots] // HOUR_NS != batch.spans.start[rows] // HOUR_NS)]
        self.moved = self.moved.plus(
            Moved(s.trace_hi[stored], s.trace_lo[stored], s.span_id[stored], s.start[stored])
        )
        s.twin_of[slots] = -1
        for name, column in s.own.items():
            column[slots] = -1
            s.told_seed[name][slots] = 0
        s.path_seed[slots] = s.task_seed[slots] = s.original_seed[slots] = -1
        s.reason_seed[slots] = 0
        self._write_own(batch, rows, slots, now_ns)
        loose = self._unhang(slots)
        self.tree.relink(slots[s.parent_id[slots] != old_parents])
        return old_responses, loose

    def _unhang(self, slots: Int32) -> Int32:
        """Undo the links between traces that the slots were part of; returns those that hung below them."""
        s = self.slots
        loose = []
        for slot in slots.tolist():
            if s.up[slot] >= 0 and self._trace_of(slot) != self._trace_of(int(s.up[slot])):
                self.tree.unlink(slot)
            below = self.tree.children(slot)
            loose += [child for child in below if self._trace_of(child) != self._trace_of(slot)]
        for child in loose:
            self.tree.unlink(child)
        return np.array(loose, np.int32)

    def _write_own(self, batch: Normalised, rows: Int64, slots: Int32, now_ns: int) -> None:
        s, spans = self.slots, batch.spans
        for name in ("trace_hi", "trace_lo", "span_id", "parent_id", "start", "end", "content_hash"):
            getattr(s, name)[slots] = getattr(spans, name)[rows]
        s.arrival[slots] = now_ns
        s.cls[slots] = batch.cls[rows]
        for name in ("input_tokens", "output_tokens"):
            getattr(s, name)[slots] = batch.tokens[name][rows]
        s.agent_span[slots] = recode(batch.agent_span.take(rows), self.agents)
        s.agent_carried[slots] = recode(batch.agent_carried.take(rows), self.agents)
        for name, column in batch.span_dimensions.items():
            s.open_dimension(name)
            s.own[name][slots] = recode(column.take(rows), self.words)
        s.resource_own[slots] = self._resource_codes(batch)[spans.resource[rows]] if len(rows) else -1
        s.tags_own[slots] = self._tag_codes(batch, rows)
        self._write_response(batch, rows, slots)

    def _write_restored(self, rows: pa.Table, slots: Int32, now_ns: int) -> None:
        s = self.slots
        s.trace_hi[slots], s.trace_lo[slots] = words_of(rows["trace_id"], 2)
        (s.span_id[slots],) = words_of(rows["span_id"], 1)
        (s.parent_id[slots],) = words_of(rows["parent_span_id"], 1)
        s.start[slots], s.end[slots] = (nanoseconds(rows[name]) for name in ("start_time", "end_time"))
        s.content_hash[slots] = np.uint64(2**64 - 1)
        s.arrival[slots] = now_ns
        s.version[slots] = rows["version"].to_numpy().astype(np.int64)
        s.cls[slots] = classes(rows)
        s.input_tokens[slots], s.output_tokens[slots] = (counts(rows, f"{side}_tokens") for side in ("input", "output"))
        s.response[slots] = self._response_keys(texts(rows, "response_id"), texts(rows, "provider"), s.cls[slots])
        s.detail[slots] = [self._detail.get(name, 1) for name in texts(rows, "dialect")]
        agents = np.array([self.agents.code(name) if name else -1 for name in texts(rows, "agent")], np.int32)
        is_agent = np.array([kind == "agent" for kind in texts(rows, "kind")], np.bool_)
        s.agent_span[slots] = np.where(is_agent, agents, -1)
        s.tags_own[slots] = [self.tag_sets.code(frozenset(tags)) if tags else -1 for tags in rows["tags"].to_pylist()]

    def _remember(self, rows: pa.Table, slots: Int32) -> None:
        """What rows had from spans that the window does not hold counts as their own; the rest is inherited again."""
        s = self.slots
        told_by = told(texts(rows, "attribution_rule"))
        alone = (s.up[slots] < 0).tolist()
        sets = [dict.fromkeys(DIMENSIONS, "") for _ in told_by]
        for name in DIMENSIONS:
            own = []
            for at, text in enumerate(texts(rows, name)):
                by = told_by[at].get(name, "")
                own.append(text if by == "span" or (by and alone[at] and by != "resource") else "")
                sets[at][name] = text if by == "resource" else ""
            if any(own) or any(names[name] for names in sets):
                s.open_dimension(name)
                s.own[name][slots] = [self.words.code(text) if text else -1 for text in own]
                seeds = [_TOLD_CODE.get(by.get(name, ""), 0) for by in told_by]
                s.told_seed[name][slots] = [0 if seed == _SPAN else seed for seed in seeds]
        tuples = [tuple(names.values()) for names in sets]
        s.resource_own[slots] = [self.resource_sets.code(names) if any(names) else -1 for names in tuples]
        for at, path in enumerate(rows["agent_path"].to_pylist()):
            if path and told_by[at].get("agent") == "span":
                s.agent_carried[slots[at]] = self.agents.code(path[-1])
            elif path and alone[at]:
                s.path_seed[slots[at]] = self._path_code(path[:-1] if s.agent_span[slots[at]] >= 0 else path)
        for at, (task, trace) in enumerate(zip(texts(rows, "task_id"), texts(rows, "trace_id"), strict=True)):
            if alone[at] and task != trace and "task_id" not in told_by[at]:
                s.task_seed[slots[at]] = self.task_traces.code((int(task[:16], 16), int(task[16:], 16)))

    def _remember_roles(self, rows: pa.Table, slots: Int32) -> None:
        """A row that was no call because of what lay below it stays none, though the spans between may not be
        stored."""
        s = self.slots
        reasons = [REASONS.index(text) if text in REASONS else 0 for text in texts(rows, "role_reason")]
        s.reason_seed[slots] = [reason if reason in BY_WHAT_IS_BELOW else 0 for reason in reasons]
        for at, original in enumerate(texts(rows, "duplicate_of")):
            if s.reason_seed[slots[at]] and original and ":" not in original:
                slot = slots[at : at + 1]
                span = np.array([int(original, 16)], np.uint64)
                s.original_seed[slot] = self.tree.find(s.trace_hi[slot], s.trace_lo[slot], span)

    def _path_code(self, names: list[str]) -> int:
        code = -1
        for name in names:
            code = self.paths.code((code, self.agents.code(name)))
        return code

    def _response_keys(self, ids: list[str], providers: list[str], cls: Int8) -> UInt64:
        digests = np.array([xxhash.xxh3_64_intdigest(text.encode()) for text in ids], np.uint64)
        makers = np.array([xxhash.xxh3_64_intdigest(name.encode()) if name else 0 for name in providers], np.uint64)
        has = np.array([bool(text) for text in ids], np.bool_) & (cls == CLS_CALL)
        return np.where(has, mix(digests, makers), np.uint64(0))

    def _resource_codes(self, batch: Normalised) -> Int32:
        """For each resource of the batch the code of its set of dimensions, -1 for one that names none."""
        n = len(batch.spans.resources)
        first = np.zeros(n, np.int64)
        first[batch.spans.resource[::-1]] = np.arange(len(batch))[::-1]
        columns = {d: batch.resource_dimensions.get(d, Coded.none(len(batch))).take(first).texts() for d in DIMENSIONS}
        for name, column in columns.items():
            if any(column):
                self.slots.open_dimension(name)
        sets = zip(*columns.values(), strict=True)
        return np.array([self.resource_sets.code(names) if any(names) else -1 for names in sets] or [-1], np.int32)

    def _tag_codes(self, batch: Normalised, rows: Int64) -> Int32:
        codes = [self.tag_sets.code(tags) if tags else -1 for tags in batch.tag_sets]
        return np.array([*codes, -1], np.int32)[batch.tags[rows]]

    def _write_response(self, batch: Normalised, rows: Int64, slots: Int32) -> None:
        s = self.slots
        ids, providers = batch.strings["response_id"].take(rows), batch.strings["provider"].take(rows)
        digests = np.array([*(xxhash.xxh3_64_intdigest(text.encode()) for text in ids.values), 0], np.uint64)
        makers = np.array([*(xxhash.xxh3_64_intdigest(name.encode()) for name in providers.values), 0], np.uint64)
        has = (ids.codes >= 0) & (batch.cls[rows] == CLS_CALL)
        s.response[slots] = np.where(has, mix(digests[ids.codes], makers[providers.codes]), 0)
        lut = np.array([*(self._detail.get(name, 1) for name in batch.strings["dialect"].values), 0], np.int8)
        s.detail[slots] = lut[batch.strings["dialect"].codes[rows]]
        self.responses.add(s.response[slots[has]], slots[has])

    def _decide(self, members: Int32, roots: Int32, responses: UInt64) -> None:
        """Decide on the new spans, on all below those that found a parent, and on whom that concerns."""
        if not len(members):
            return
        s = self.slots
        affected = np.unique(np.concatenate((members, self.tree.below(roots)))) if len(roots) else members
        self._inherit(affected)
        above, is_call = self._call_above(affected), s.cls[affected] == CLS_CALL
        calls = affected[is_call]
        touched = count_below(s, calls, above[is_call])
        s.call_above[affected[~is_call]] = above[~is_call]
        twins = find_twins(s, self.responses, np.concatenate((s.response[calls], responses)))
        decide(s, np.unique(np.concatenate((affected, touched, twins))))
        linked = self._link_twins(twins)
        if len(linked):
            self._inherit(self.tree.below(linked))

    def _link_twins(self, twins: Int32) -> Int32:
        """Hang a billed call that is alone in its trace below the framework span that describes it in another trace.

        The native description knows the price best, the framework's span knows whom the call is for.
        """
        s = self.slots
        linked = []
        others = twins[s.twin_of[twins] >= 0]
        order = np.lexsort((s.span_id[others], s.trace_lo[others], s.trace_hi[others], s.start[others]))
        for slot in others.tolist():
            if s.up[slot] >= 0 and self._trace_of(slot) != self._trace_of(int(s.up[slot])):
                self.tree.unlink(slot)
                linked.append(slot)
        for slot in others[order].tolist():
            best = int(s.twin_of[slot])
            if best not in linked and self._may_hang(best, slot):
                self.tree.link(best, slot)
                linked.append(best)
        return np.array(linked, np.int32)

    def _may_hang(self, best: int, slot: int) -> bool:
        """Whether a root may hang below a twin in another trace; below the earliest, where there are several."""
        s = self.slots
        if s.parent_id[best] != 0 or self._trace_of(best) == self._trace_of(slot):
            return False
        above = int(s.up[best])
        if above < 0:
            return True
        sooner = (int(s.start[slot]), *self._trace_of(slot), int(s.span_id[slot])) < (
            int(s.start[above]), *self._trace_of(above), int(s.span_id[above]),
        )  # fmt: skip
        if sooner:
            self.tree.unlink(best)
        return sooner

    def _trace_of(self, slot: int) -> tuple[int, int]:
        return int(self.slots.trace_hi[slot]), int(self.slots.trace_lo[slot])

    def _call_above(self, members: Int32) -> Int32:
        """For each member the slot of the nearest model call above it, in its own trace."""
        s = self.slots
        up = self.tree.positions(members, s.up[members])
        is_call = s.cls[members] == CLS_CALL
        parent = s.up[members]
        outside = np.where(parent >= 0, np.where(s.cls[parent] == CLS_CALL, parent, s.call_above[parent]), -1)
        from_top = np.where(up < 0, outside, -1)
        holder = nearest(is_call, up)
        above = np.where(up >= 0, holder[np.maximum(up, 0)], -1)
        local = np.where(is_call[np.maximum(above, 0)], members[np.maximum(above, 0)], from_top[np.maximum(above, 0)])
        found = np.where(above >= 0, local, from_top)
        same = (found >= 0) & (s.trace_hi[found] == s.trace_hi[members]) & (s.trace_lo[found] == s.trace_lo[members])
        return np.where(same, found, -1).astype(np.int32)

    def _inherit(self, members: Int32) -> None:
        """Bring dimensions, agent path and tags down to the members from the spans above them."""
        s = self.slots
        up = self.tree.up_within(members)
        parent = s.up[members]
        top = up < 0

        def outside(column: Int32) -> Int32:
            return np.where(top & (parent >= 0), column[parent], -1).astype(np.int32)

        before = {name: s.out[name][members] for name in s.own}
        path, tags, task_trace = s.path[members], s.tags[members], s.task_trace[members]
        s.resource_out[members] = self._resources_down(members, up, outside(s.resource_out))
        for position, name in enumerate(DIMENSIONS):
            if name in s.own:
                self._dimension_down(name, position, members, up, np.where(top, parent, -1).astype(np.int32))
        from_above = np.where(top & (parent < 0), s.path_seed[members], outside(s.path))
        s.path[members] = fold(s.agent_span[members] >= 0, s.agent_span[members], up, from_above, self._longer_path)
        s.tags[members] = fold(s.tags_own[members] >= 0, s.tags_own[members], up, outside(s.tags), self._more_tags)
        s.task_trace[members] = self._task_traces_down(members, up, outside(s.task_trace))
        differs = (path != s.path[members]) | (tags != s.tags[members]) | (task_trace != s.task_trace[members])
        for name, column in before.items():
            differs |= column != s.out[name][members]
        s.changed[members[differs]] = True

    def _task_traces_down(self, members: Int32, up: Int32, outside: Int32) -> Int32:
        """A span below one of another trace serves that trace's task, and so does all that is below it."""
        s = self.slots
        parent = s.up[members]
        crosses = (s.trace_hi[members] != s.trace_hi[parent]) | (s.trace_lo[members] != s.trace_lo[parent])
        crosses &= parent >= 0
        own = np.full(len(members), -1, np.int32)
        for at in np.flatnonzero(crosses).tolist():
            own[at] = self.task_traces.code((int(s.trace_hi[parent[at]]), int(s.trace_lo[parent[at]])))
        from_above = np.where((up < 0) & (parent < 0), s.task_seed[members], outside)
        return fold(crosses, own, up, from_above, lambda above, mine: above if above >= 0 else mine)

    def _dimension_down(self, name: str, position: int, members: Int32, up: Int32, top_parent: Int32) -> None:
        s = self.slots
        seed = s.told_seed[name][members]
        own = np.where((seed > 0) & (s.up[members] >= 0), -1, s.own[name][members]).astype(np.int32)
        told_above = (top_parent >= 0) & (s.told_by[name][top_parent] <= _ANCESTOR) & (s.told_by[name][top_parent] > 0)
        from_spans = inherit(own, up, np.where(told_above, s.out[name][top_parent], -1).astype(np.int32))
        names = [values[position] for values in self.resource_sets.values]
        in_set = np.array([*(self.words.code(text) if text else -1 for text in names), -1], np.int32)
        from_own, from_resource = in_set[s.resource_own[members]], in_set[s.resource_out[members]]
        s.out[name][members] = np.where(from_spans >= 0, from_spans, from_resource)
        told = np.select(
            [own >= 0, from_spans >= 0, from_own >= 0, from_resource >= 0],
            [np.where(seed > 0, seed, _SPAN).astype(np.int64), _ANCESTOR, _RESOURCE, _ANCESTORS_RESOURCE],
            0,
        )
        s.told_by[name][members] = told.astype(np.uint8)

    def _resources_down(self, members: Int32, up: Int32, outside: Int32) -> Int32:
        """Where a resource leaves a dimension open, the resource of the nearest span above fills it."""
        own = self.slots.resource_own[members]
        above = np.where(up >= 0, own[np.maximum(up, 0)], outside)
        return fold((own >= 0) & (own != above), own, up, outside, self._joined_resources)

    def _joined_resources(self, above: int, own: int) -> int:
        if above < 0:
            return own
        pairs = zip(self.resource_sets.values[own], self.resource_sets.values[above], strict=True)
        return self.resource_sets.code(tuple(mine or theirs for mine, theirs in pairs))

    def _longer_path(self, above: int, agent: int) -> int:
        same = above >= 0 and self.paths.values[above][1] == agent
        return above if same else self.paths.code((above, agent))

    def _more_tags(self, above: int, own: int) -> int:
        if above < 0:
            return own
        known = self._tag_sums.get((above, own))
        if known is None:
            merged = {**dict(self.tag_sets.values[above]), **dict(self.tag_sets.values[own])}
            known = self._tag_sums[above, own] = self.tag_sets.code(frozenset(merged.items()))
        return known

    def _companions(self, trace: Int64) -> Int64:
        """Pairs of positions in `trace` numbers that must stay together: twins, and spans linked across traces."""
        s = self.slots
        pairs = [np.zeros((0, 2), np.int64)]
        for pointer in (s.twin_of[: s.count], s.up[: s.count]):
            there = np.flatnonzero(pointer >= 0)
            both = np.stack([trace[there], trace[pointer[there]]], axis=1)
            pairs.append(both[both[:, 0] != both[:, 1]])
        return np.concatenate(pairs)

    def _drop(self, keep: Int32) -> Int32:
        s = self.slots
        moved = s.keep(keep)
        n = s.count
        self.tree.rebuild()
        recount(s)
        self.responses.clear()
        has = np.flatnonzero(s.response[:n] != 0).astype(np.int32)
        self.responses.add(s.response[has], has)
        self.words.compact([column[:n] for table in (s.own, s.out) for column in table.values()])
        self.tag_sets.compact([s.tags_own[:n], s.tags[:n]])
        self._tag_sums.clear()
        self.task_traces.compact([s.task_trace[:n], s.task_seed[:n]])
        return moved


def _together(gone: Bool, pairs: Int64) -> Bool:
    """Who goes, when of each pair either both go or none does."""
    while len(pairs):
        both = gone[pairs[:, 0]] & gone[pairs[:, 1]]
        if np.array_equal(both, gone[pairs[:, 0]]) and np.array_equal(both, gone[pairs[:, 1]]):
            break
        stay = pairs[~both]
        gone[stay.ravel()] = False
    return gone


def _last_of_each(batch: Normalised) -> Int64:
    """Rows of the batch with every span once: of several, the one that wins (see `Window._say_more`)."""
    spans = batch.spans
    key = mix(spans.trace_hi, spans.trace_lo, spans.span_id)
    order = np.lexsort((spans.content_hash, spans.end, key))
    last = np.append(key[order][1:] != key[order][:-1], True) if len(order) else np.zeros(0, np.bool_)
    return np.sort(order[last])
