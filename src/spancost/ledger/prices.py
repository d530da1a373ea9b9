"""A row that is written again keeps its price, unless what was used, the model or the tier changed (promise 4)."""

from __future__ import annotations

import pyarrow as pa

from spancost.attribute.restore import texts

_PRICE = ("list_cost", "cost", "cost_by_meter", "cost_status", "unpriced_reason", "price_id", "price_book")
_DECIDES = (
    "provider", "request_model", "response_model", "service_tier", "region", "input_tokens", "output_tokens",
    "cache_read_tokens", "cache_write_tokens", "cache_write_1h_tokens", "audio_input_tokens", "audio_output_tokens",
    "image_input_tokens", "image_output_tokens", "error",
)  # fmt: skip


def with_kept_prices(rows: pa.Table, stored: pa.Table) -> pa.Table:
    """The rows with the prices of those of `stored` (every column of the ledger) that are the same span and used the
    same.

    The rows come back in another order.
    """
    old = {key: at for at, key in enumerate(_keys(stored))}
    pairs = [(at, old[key]) for at, key in enumerate(_keys(rows)) if key in old]
    mine, theirs = _take(rows, [at for at, _ in pairs]), _take(stored, [at for _, at in pairs])
    same = [at for at, (a, b) in enumerate(zip(_deciding(mine), _deciding(theirs), strict=True)) if a == b]
    kept, priced = _take(mine, same), _take(theirs, same)
    for name in _PRICE:
        field = rows.schema.field(name)
        kind = pa.string() if pa.types.is_dictionary(field.type) else field.type
        column = pa.array(priced[name].to_pylist(), kind)
        column = column.dictionary_encode() if pa.types.is_dictionary(field.type) else column
        kept = kept.set_column(rows.schema.get_field_index(name), name, column)
    taken = {pairs[at][0] for at in same}
    rest = _take(rows, [at for at in range(len(rows)) if at not in taken])
    return pa.concat_tables([rest, kept], promote_options="permissive").unify_dictionaries()


def _take(rows: pa.Table, positions: list[int]) -> pa.Table:
    return rows.take(pa.array(positions, pa.int64()))


def _keys(rows: pa.Table) -> list[tuple[str, str]]:
    return list(zip(texts(rows, "trace_id"), texts(rows, "span_id"), strict=True))


def _deciding(rows: pa.Table) -> list[tuple[object, ...]]:
    nothing = [None] * len(rows)
    columns = [rows[name].to_pylist() if name in rows.column_names else nothing for name in _DECIDES]
    return list(zip(*columns, strict=True))
