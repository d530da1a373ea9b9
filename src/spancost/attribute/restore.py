"""Stored rows -> slots of the window: after a restart, and when spans of a trace come that the window had let go."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spancost.attribute.roles import REASONS, TOTALS
from spancost.model import CLS_CALL, CLS_STEP, CLS_TOTALS, DIMENSIONS, Int8, Int64, UInt64

COLUMNS = (
    "trace_id", "span_id", "parent_span_id", "start_time", "end_time", "version", "kind", "role_reason", "duplicate_of",
    "dialect", "provider", "response_id", "input_tokens", "output_tokens", "agent", "agent_path", "tags",
    "attribution_rule", "task_id", *(name for name in DIMENSIONS if name != "task_id"),
)  # fmt: skip
"""What a stored row must bring along to be a slot again."""


def words_of(column: pa.ChunkedArray, words: int) -> list[UInt64]:
    """Hex ids as big-endian words, one array a word; '' gives 0."""
    width = words * 16
    digits = pc.utf8_lpad(column.cast(pa.string()), width, "0")
    raw = bytes.fromhex("".join(digits.to_pylist()))
    table = np.frombuffer(raw, ">u8").reshape(-1, words)
    return [table[:, word].astype(np.uint64) for word in range(words)]


def nanoseconds(column: pa.ChunkedArray) -> Int64:
    """A time column as nanoseconds since the epoch."""
    return np.asarray(column.cast(pa.timestamp("ns", "UTC")).cast(pa.int64()).to_numpy(), np.int64)


def classes(rows: pa.Table) -> Int8:
    """`CLS_*` of stored rows."""
    totals = pc.equal(_text(rows, "role_reason"), REASONS[TOTALS]).to_numpy(zero_copy_only=False)
    call = pc.equal(_text(rows, "kind"), "call").to_numpy(zero_copy_only=False)
    return np.select([totals, call], [CLS_TOTALS, CLS_CALL], CLS_STEP).astype(np.int8)


def told(rules: list[str]) -> list[dict[str, str]]:
    """`attribution_rule` taken apart: dimension -> who told it."""
    table = {rule: dict(part.split("=", 1) for part in rule.split()) for rule in set(rules)}
    return [table[rule] for rule in rules]


def counts(rows: pa.Table, name: str) -> Int64:
    """A count column, -1 where NULL."""
    return np.asarray(rows[name].combine_chunks().fill_null(-1).to_numpy(zero_copy_only=False), np.int64)


def texts(rows: pa.Table, name: str) -> list[str]:
    """A string column as a list."""
    found: list[str] = _text(rows, name).to_pylist()
    return found


def other_traces(rows: pa.Table) -> list[str]:
    """Traces that hold the originals of duplicates among the rows and are not among them."""
    named = {text.split(":")[0] for text in texts(rows, "duplicate_of") if ":" in text}
    tasks = {task for task in texts(rows, "task_id") if len(task) == _TRACE_HEX and not set(task) - _HEX}
    return sorted((named | tasks) - set(texts(rows, "trace_id")))


_TRACE_HEX = 32
_HEX = set("0123456789abcdef")


def _text(rows: pa.Table, name: str) -> pa.Array:
    return rows[name].combine_chunks().cast(pa.string())
