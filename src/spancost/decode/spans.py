"""Span messages -> one buffer and where in it each field lies."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from google.protobuf.message import DecodeError

from spancost.decode import wire
from spancost.decode.scan import PADDING, Fields, scan
from spancost.model import Int64, UInt8

TRACE_ID, SPAN_ID, PARENT_ID, NAME = 1 << 3 | 2, 2 << 3 | 2, 4 << 3 | 2, 5 << 3 | 2
START, END, ATTRIBUTE, EVENT, STATUS = 7 << 3 | 1, 8 << 3 | 1, 9 << 3 | 2, 11 << 3 | 2, 15 << 3 | 2
"""Tags of the fields that are read
(https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto, `Span`)."""


@dataclass(frozen=True, slots=True)
class SpanFields:
    """The fields of `count` spans. A span that is no protobuf has none."""

    raw: UInt8
    """All payloads, then zeros."""
    fields: Fields
    count: int

    def last(self, tag: int) -> tuple[Int64, Int64]:
        """Start and length of the field in each span: the last one where it is repeated, as protobuf has it. One that
        is missing has no length, and eight zeros at its start."""
        found = self.fields.of(tag)
        start = np.full(self.count, len(self.raw) - PADDING, np.int64)
        length = np.zeros(self.count, np.int64)
        is_last = np.ones(len(found.row), bool)
        is_last[:-1] = found.row[1:] != found.row[:-1]
        row = found.row[is_last]
        start[row], length[row] = found.start[is_last], found.length[is_last]
        return start, length


def read_spans(messages: Sequence[bytes]) -> SpanFields:
    """Find the fields of Span messages, in all at once where they are of the usual form."""
    raw = b"".join([*messages, bytes(PADDING)])
    end = np.cumsum([len(message) for message in messages])
    fields, unread = scan(np.frombuffer(raw, np.uint8), np.append(0, end[:-1]), end)
    if len(unread):
        return _with_unread(raw, fields, messages, unread.tolist())
    return SpanFields(np.frombuffer(raw, np.uint8), fields, len(messages))


def _with_unread(raw: bytes, fields: Fields, messages: Sequence[bytes], unread: Iterable[int]) -> SpanFields:
    """These fields and those of the spans that protobuf must read one by one, whose payloads follow the others."""
    read = [(row, tag, payload) for row in unread for tag, payload in _payloads(messages[row])]
    length = np.array([len(payload) for _, _, payload in read], np.int32)
    start = len(raw) + np.cumsum(length, dtype=np.int32) - length
    every = Fields(
        row=np.append(fields.row, np.array([row for row, _, _ in read], np.int32)),
        tag=np.append(fields.tag, np.array([tag for _, tag, _ in read], np.uint16)),
        start=np.append(fields.start, start),
        length=np.append(fields.length, length),
    )
    payloads = b"".join([raw, *(payload for _, _, payload in read), bytes(PADDING)])
    by_span = every.take(np.argsort(every.row, kind="stable"))
    return SpanFields(np.frombuffer(payloads, np.uint8), by_span, len(messages))


def _payloads(message: bytes) -> list[tuple[int, bytes]]:
    """Tag and payload of each field as protobuf reads the span; nothing where it cannot."""
    try:
        span = wire.Span.FromString(message)
    except DecodeError:
        return []
    return [
        (TRACE_ID, span.trace_id),
        (SPAN_ID, span.span_id),
        (PARENT_ID, span.parent_span_id),
        (NAME, span.name),
        (START, struct.pack("<Q", span.start_time_unix_nano)),
        (END, struct.pack("<Q", span.end_time_unix_nano)),
        (STATUS, span.status),
        *((ATTRIBUTE, attribute) for attribute in span.attributes),
        *((EVENT, event) for event in span.events),
    ]
