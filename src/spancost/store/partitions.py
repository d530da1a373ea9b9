"""Cutting rows by day, because ClickHouse refuses an insert that touches more than 100 partitions."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

MOST_DAYS = 90
_NS_PER_DAY = 86_400 * 10**9


def by_day_groups(rows: pa.Table, column: str | None) -> Iterator[pa.Table]:
    """The rows in tables of at most `MOST_DAYS` distinct UTC days of `column`, earliest first; all at once for None."""
    if len(rows) == 0:
        return
    if column is None:
        yield rows
        return
    times = rows[column].cast(pa.timestamp("ns", "UTC")).cast(pa.int64()).to_numpy()
    days, day_of_row = np.unique(times // _NS_PER_DAY, return_inverse=True)
    if len(days) <= MOST_DAYS:
        yield rows
        return
    groups = day_of_row // MOST_DAYS
    for group in range(int(groups.max()) + 1):
        yield rows.filter(pa.array(groups == group))
