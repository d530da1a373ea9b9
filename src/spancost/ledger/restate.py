"""Stored rows that later spans put in another light -> the same rows with new decisions and a higher version."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spancost.attribute.restore import words_of
from spancost.attribute.window import Window
from spancost.ledger.rows import decided_columns, flag_bits, flag_names, stamp
from spancost.model import Bool, Int32


def restated_rows(
    stored: pa.Table, slots: Int32, window: Window, version: int, now_ns: int
) -> tuple[pa.Table, list[str]]:
    """The rows among `stored` that say something else by now, and the tasks that they leave.

    `stored` has every column of `spans_ledger`, each span once; rows of other slots than `slots` are passed over. Price
    and book stay as they were decided (promise 4): only what depends on other spans is replaced.
    """
    found = window.tree.find(*words_of(stored["trace_id"], 2), *words_of(stored["span_id"], 1))
    mine = np.flatnonzero(np.isin(found, slots))
    rows, their_slots = stored.take(pa.array(mine)), found[mine]
    decided = decided_columns(window, their_slots)
    decided["flags"] = flag_names(flag_bits(rows["flags"].to_pylist()) | window.flags(their_slots))
    differs = np.zeros(len(rows), np.bool_)
    for name, column in decided.items():
        differs |= _differs(rows[name], column)
    changed = np.flatnonzero(differs)
    left = [task for task in rows["task_id"].take(pa.array(changed)).to_pylist() if task]
    columns = {name: rows[name] for name in rows.column_names} | decided
    table = pa.table(columns).take(pa.array(changed))
    for name, column in stamp(len(changed), version, now_ns).items():
        table = table.set_column(table.schema.get_field_index(name), name, column)
    return table, left


def _differs(stored: pa.ChunkedArray, decided: pa.Array) -> Bool:
    if pa.types.is_nested(decided.type):
        pairs = zip(stored.to_pylist(), decided.to_pylist(), strict=True)
        return np.array([_plain(old) != _plain(new) for old, new in pairs], np.bool_)
    return np.asarray(pc.not_equal(stored.cast(pa.string()), decided.cast(pa.string())).to_numpy(), np.bool_)


def _plain(value: list[object] | dict[str, str] | None) -> list[object]:
    return (
        sorted(value.items() if isinstance(value, dict) else value or [], key=str)
        if _is_map(value)
        else list(value or [])
    )


def _is_map(value: object) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and bool(value) and isinstance(value[0], tuple))
