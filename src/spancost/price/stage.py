"""The pricing stage: a normalised batch -> the same batch with the price of every model call."""

from __future__ import annotations

import numpy as np

from spancost.model import CLS_CALL, Coded, Int32, Int64, Normalised, Priced
from spancost.price.columns import CallColumns
from spancost.price.engine import price_calls
from spancost.price.pricer import Pricer
from spancost.price.resolve import CallKey

_KEY_COLUMNS = ("provider", "request_model", "response_model", "service_tier", "region")


def price(batch: Normalised, pricer: Pricer) -> Priced:
    """Price every call of a batch; spans of other classes get neither cost nor status. Pure: no clock, no I/O."""
    rows = np.flatnonzero(batch.cls == CLS_CALL)
    key, keys = _keys(batch, rows)
    found = price_calls(
        pricer,
        CallColumns(
            key=key,
            keys=keys,
            start_time=batch.spans.start[rows],
            usage={meter: counts[rows] for meter, counts in batch.usage.items()},
            input_total=batch.tokens["input_tokens"][rows],
            output_total=batch.tokens["output_tokens"][rows],
            failed=batch.failed[rows],
            expects_output=batch.expects_output[rows],
        ),
    )
    n = len(batch)
    known = np.zeros(n, np.bool_)
    known[rows] = found.known
    return Priced(
        batch=batch,
        list_cost=_spread(n, rows, found.list_cost),
        cost=_spread(n, rows, found.cost),
        known=known,
        by_meter={meter: _spread(n, rows, amounts) for meter, amounts in found.by_meter.items()},
        status=_coded(n, rows, found.status.astype(np.int32), list(found.statuses)),
        reason=_coded(n, rows, found.reason, list(found.reasons)),
        price_id=_coded(n, rows, np.where(found.price_id > 0, found.price_id, -1), list(found.price_ids)),
        price_book=pricer.book.version,
    )


def _keys(batch: Normalised, rows: Int64) -> tuple[Int32, list[CallKey]]:
    """The distinct combinations of what decides a price, and which of them each call has."""
    columns = [batch.strings[name].take(rows) for name in _KEY_COLUMNS]
    packed = np.zeros(len(rows), np.int64)
    for column in columns:
        packed = packed * (len(column.values) + 1) + column.codes + 1
    distinct, first, inverse = np.unique(packed, return_index=True, return_inverse=True)
    texts = [[*column.values, ""] for column in columns]
    keys = [
        CallKey(**{name: texts[i][columns[i].codes[at]] for i, name in enumerate(_KEY_COLUMNS)})
        for at in first[: len(distinct)].tolist()
    ]
    return inverse.astype(np.int32), keys


def _spread(n: int, rows: Int64, amounts: Int64) -> Int64:
    out = np.zeros(n, np.int64)
    out[rows] = amounts
    return out


def _coded(n: int, rows: Int64, codes: Int32, values: list[str]) -> Coded:
    out = np.full(n, -1, np.int32)
    out[rows] = codes
    return Coded(out, values)
