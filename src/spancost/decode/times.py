"""Times of a span that every table can hold, as a function of the span alone."""

from __future__ import annotations

import numpy as np

from spancost.model import FLAG, Int64, UInt32, UInt64

LATEST_NS = 5_662_310_400_000_000_000
"""2149-06-07, where the partition key `toDate` ends
(https://clickhouse.com/docs/sql-reference/data-types/date: a Date is a UInt16 of days since 1970)."""


def repair_times(start: UInt64, end: UInt64, event: UInt64) -> tuple[Int64, Int64, UInt32]:
    """Start and end in nanoseconds within [1970-01-01, `LATEST_NS`), and the flags of what was replaced.

    A start of 0 or out of range becomes the span's end, else the time of its first event (`event`, 0 where none), else
    1970-01-01. Never the clock: a span sent twice must land on the same day both times.
    """
    latest = np.uint64(LATEST_NS)
    good_start, good_end, good_event = ((t > 0) & (t < latest) for t in (start, end, event))
    fallback = np.where(good_end, end, np.where(good_event, event, np.uint64(0)))
    new_start = np.where(good_start, start, fallback).astype(np.int64)
    new_end = np.where(good_end, end, np.uint64(0)).astype(np.int64)
    flags = np.where(good_start, 0, FLAG["bad_time"]).astype(np.uint32)
    backwards = new_end < new_start
    flags |= np.where(backwards & good_end & good_start, FLAG["end_before_start"], 0).astype(np.uint32)
    return new_start, np.where(backwards, new_start, new_end), flags
