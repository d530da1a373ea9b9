"""Priced spans and what the window decided about them -> rows of `spans_ledger`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa

from spancost.attribute.roles import DUPLICATE, REASONS, ROLES
from spancost.attribute.window import TOLD_BY, Moved, Window
from spancost.decode.attributes import as_text
from spancost.ledger.arrow import counts, hashes, ids, labels, maps, money, span_ids_or_blank, strings, times
from spancost.model import DIMENSIONS, FLAG, FLAGS, Coded, Column, Int32, Int64, Priced, UInt32

_LABELS = (
    "kind", "service", "service_version", "dialect", "operation", "provider", "request_model", "response_model",
    "model",
    "service_tier", "region", "deployment", "api_key_id", "usage_basis", "prompt_name", "prompt_version", "tool",
    "error",
    "finish_reason",
)  # fmt: skip
_MAX_ATTRIBUTE_CHARS = 256
"""Longer texts are content more often than not, and nothing that a report groups by."""


def ledger_rows(priced: Priced, rows: Int64, slots: Int32, window: Window, version: int, now_ns: int) -> pa.Table:
    """The rows of some spans of a batch. `rows` and `slots` run in parallel; columns are those of `spans_ledger`."""
    batch, spans = priced.batch, priced.batch.spans
    n = len(rows)
    columns: dict[str, pa.Array] = {
        "trace_id": ids(spans.trace_hi[rows], spans.trace_lo[rows]),
        "span_id": ids(spans.span_id[rows]),
        "parent_span_id": span_ids_or_blank(spans.parent_id[rows]),
        "start_time": times(spans.start[rows]),
        "end_time": times(spans.end[rows]),
        "name": strings(spans.name.take(rows)),
        "response_id": strings(batch.strings["response_id"].take(rows)),
    }
    columns |= {name: labels(batch.strings[name].take(rows)) for name in _LABELS}
    columns |= {name: counts(column[rows]) for name, column in batch.tokens.items() if (column[rows] >= 0).any()}
    columns |= _cost_columns(priced, rows)
    columns |= {name: hashes(column[rows]) for name, column in batch.hashes.items()}
    first_chunk = batch.seconds_to_first_chunk[rows]
    columns |= {
        "attempts": counts(np.minimum(batch.attempts[rows], 65_535), pa.uint16()),
        "streaming": pa.array(batch.streaming[rows] == 1, pa.bool_(), mask=batch.streaming[rows] < 0),
        "time_to_first_chunk": pa.array(first_chunk, pa.float64(), mask=np.isnan(first_chunk)),
        "prompt_chars": counts(np.minimum(batch.prompt_chars[rows], 2**32 - 1), pa.uint32()),
        "adjusted_count": pa.array(np.ones(n)),
        "attributes": _attributes(batch.rest, rows, len(batch)),
    }
    columns |= decided_columns(window, slots)
    columns["flags"] = flag_names(batch.flags[rows] | window.flags(slots))
    return pa.table(columns | stamp(n, version, now_ns))


def deleted_rows(moved: Moved, version: int, now_ns: int) -> pa.Table:
    """Rows that take others out of the ledger."""
    columns = {
        "trace_id": ids(moved.trace_hi, moved.trace_lo),
        "span_id": ids(moved.span_id),
        "start_time": times(moved.start),
        "is_deleted": pa.array(np.ones(len(moved), np.uint8)),
    }
    return pa.table(columns | stamp(len(moved), version, now_ns))


def decided_columns(window: Window, slots: Int32) -> dict[str, pa.Array]:
    """The columns that the spans around a span decide, for rows written for the first time and for restated ones."""
    s = window.slots
    role, reason = s.role[slots].astype(np.int32), s.reason[slots].astype(np.int32)
    columns: dict[str, pa.Array] = {
        "billing_role": labels(Coded(role, list(ROLES))),
        "role_reason": labels(Coded(reason, list(REASONS))),
        "duplicate_of": _duplicate_of(window, slots),
    }
    for name in DIMENSIONS:
        if name in s.out and name not in _ID_LIKE:
            columns[name] = labels(Coded(s.out[name][slots], window.words.values))
    for name in ("user", "conversation_id"):
        if name in s.out:
            columns[name] = strings(_used(Coded(s.out[name][slots], window.words.values)))
    paths = window.path_names()
    path = s.path[slots]
    last = Coded(np.array([window.agents.code(names[-1]) if names else -1 for names in paths], np.int32)[path], [])
    agent = np.where(last.codes >= 0, last.codes, s.agent_carried[slots]).astype(np.int32)
    carried = np.where(path >= 0, -1, s.agent_carried[slots])
    tables = [*paths[:-1], *([name] for name in window.agents.values), []]
    at = np.where(path >= 0, path, np.where(carried >= 0, carried + len(paths) - 1, -1)).astype(np.int32)
    columns["agent"] = labels(Coded(agent, window.agents.values))
    columns["agent_path"] = _path_column(tables, at)
    columns["tags"] = _tag_column(window, s.tags[slots])
    columns["attribution_rule"] = _rules(window, slots)
    columns["task_id"] = _task_ids(window, slots)
    return columns


_ID_LIKE = ("user", "conversation_id", "task_id")


def flag_names(flags: UInt32) -> pa.Array:
    """Bits of `model.FLAGS` as lists of names."""
    distinct, inverse = np.unique(flags, return_inverse=True)
    names = [[name for bit, name in enumerate(FLAGS) if value >> bit & 1] for value in distinct.tolist()]
    return pa.array(names, pa.list_(pa.string())).take(pa.array(inverse))


def flag_bits(lists: Iterable[Sequence[str] | None]) -> UInt32:
    """Lists of names as bits of `model.FLAGS`."""
    return np.array([sum(int(FLAG[name]) for name in names or () if name in FLAG) for names in lists], np.uint32)


def stamp(n: int, version: int, now_ns: int) -> dict[str, pa.Array]:
    """`version` and `ingested_at` of rows that are written together."""
    return {
        "version": pa.array(np.full(n, version, np.uint64)),
        "ingested_at": times(np.full(n, now_ns, np.int64)),
    }


def _cost_columns(priced: Priced, rows: Int64) -> dict[str, pa.Array]:
    known = priced.known[rows]
    told = priced.batch.reported_cost
    reported = [told.get(row) for row in rows.tolist()] if told else [None] * len(rows)
    amounts = {name: np.where(known, column[rows], 0) for name, column in priced.by_meter.items()}
    entries = [(at, meter) for meter, name in enumerate(amounts) if len(at := np.flatnonzero(amounts[name]))]
    flat_rows = np.concatenate([np.zeros(0, np.int64), *(at for at, _ in entries)])
    flat_keys = np.concatenate([np.zeros(0, np.int32), *(np.full(len(at), meter, np.int32) for at, meter in entries)])
    names = list(amounts)
    flat = np.concatenate([np.zeros(0, np.int64), *(amounts[names[meter]][at] for at, meter in entries)])
    return {
        "list_cost": money(priced.list_cost[rows], known),
        "cost": money(priced.cost[rows], known),
        "cost_by_meter": maps(flat_rows, flat_keys, names, money(flat, np.ones(len(flat), np.bool_)), len(rows)),
        "cost_status": labels(priced.status.take(rows)),
        "unpriced_reason": labels(priced.reason.take(rows)),
        "reported_cost": pa.array(reported, pa.decimal128(38, 6)),
        "reported_cost_source": labels(
            Coded(np.array([0 if row in told else -1 for row in rows.tolist()], np.int32), ["tracer"])
        ),
        "price_id": labels(priced.price_id.take(rows)),
        "price_book": labels(Coded(np.where(priced.price_id.codes[rows] >= 0, 0, -1), [priced.price_book])),
    }


def _attributes(rest: list[tuple[str, Column]], rows: Int64, n: int) -> pa.MapArray:
    at = np.full(n, -1, np.int64)
    at[rows] = np.arange(len(rows))
    texts: list[str] = []
    flat_rows, flat_keys, flat_codes = [np.zeros(0, np.int64)], [np.zeros(0, np.int32)], [np.zeros(0, np.int64)]
    for key, (_, column) in enumerate(rest):
        mine = [_short(value) for value in column.values]
        usable = np.array([text is not None for text in mine], np.bool_)
        keep = (at[column.rows] >= 0) & usable[column.codes]
        flat_rows.append(at[column.rows[keep]])
        flat_keys.append(np.full(int(keep.sum()), key, np.int32))
        flat_codes.append(column.codes[keep].astype(np.int64) + len(texts))
        texts.extend(text or "" for text in mine)
    items = pa.array(texts, pa.string()).take(pa.array(np.concatenate(flat_codes)))
    return maps(np.concatenate(flat_rows), np.concatenate(flat_keys), [key for key, _ in rest], items, len(rows))


def _short(value: object) -> str | None:
    """The text of an attribute that is a label: no structure, no words with space between, no essay. Content hides in
    all of these."""
    parts = value if isinstance(value, list) else [value]
    if value is None or any(isinstance(part, dict | list | bytes) or _has_words(as_text(part)) for part in parts):
        return None
    text = as_text(value)
    return None if len(text) > _MAX_ATTRIBUTE_CHARS else text


def _has_words(text: str) -> bool:
    """Whether it is JSON or there is white space in it; it may stand around a label."""
    return text[:1] in ("{", "[") or len(text.split(maxsplit=1)) > 1


def _duplicate_of(window: Window, slots: Int32) -> pa.Array:
    s = window.slots
    out = [""] * len(slots)
    for at in np.flatnonzero(s.role[slots] == DUPLICATE).tolist():
        slot, original = int(slots[at]), int(s.duplicate_of[slots[at]])
        if original >= 0:
            same = s.trace_hi[slot] == s.trace_hi[original] and s.trace_lo[slot] == s.trace_lo[original]
            trace = "" if same else f"{s.trace_hi[original]:016x}{s.trace_lo[original]:016x}:"
            out[at] = f"{trace}{s.span_id[original]:016x}"
    return pa.array(out, pa.string())


def _used(column: Coded) -> Coded:
    used, codes = np.unique(column.codes, return_inverse=True)
    return Coded(codes.astype(np.int32), ["" if code < 0 else column.values[code] for code in used.tolist()])


def _path_column(tables: list[list[str]], at: Int32) -> pa.Array:
    used, codes = np.unique(at, return_inverse=True)
    return pa.array([tables[code] for code in used.tolist()], pa.list_(pa.string())).take(pa.array(codes))


def _tag_column(window: Window, codes: Int32) -> pa.Array:
    used, inverse = np.unique(codes, return_inverse=True)
    sets = [sorted(window.tag_sets.values[code]) if code >= 0 else [] for code in used.tolist()]
    return pa.array(sets, pa.map_(pa.string(), pa.string())).take(pa.array(inverse))


def _rules(window: Window, slots: Int32) -> pa.Array:
    """Who said what: `team=span feature=ancestor customer=resource`."""
    s = window.slots
    names = [name for name in DIMENSIONS if name in s.told_by]
    packed = np.zeros(len(slots), np.int64)
    for position, name in enumerate(names):
        packed += s.told_by[name][slots].astype(np.int64) << (4 * position)
    agent = np.where(s.path[slots] >= 0, 2, np.where(s.agent_carried[slots] >= 0, 1, 0))
    packed += agent.astype(np.int64) << (4 * len(names))
    distinct, inverse = np.unique(packed, return_inverse=True)
    texts = [_rule(value, [*names, "agent"]) for value in distinct.tolist()]
    return labels(Coded(inverse.astype(np.int32), texts))


def _rule(packed: int, names: list[str]) -> str:
    told = [(name, packed >> (4 * position) & 15) for position, name in enumerate(names)]
    return " ".join(f"{name}={TOLD_BY[code].replace(' ', '_')}" for name, code in told if code)


def _task_ids(window: Window, slots: Int32) -> pa.Array:
    s = window.slots
    trace = ids(*window.task_trace(slots))
    if "task_id" not in s.out:
        return trace
    explicit = strings(_used(Coded(s.out["task_id"][slots], window.words.values)))
    return pa.compute.if_else(pa.array(s.out["task_id"][slots] >= 0), explicit, trace)

