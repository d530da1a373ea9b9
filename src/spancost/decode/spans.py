"""Span messages -> one buffer and where in it each field lies."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from google.protobuf.message import DecodeError

from spancost.decode import wire
from spancost.decode.scan import PADDING, Fields, joined, scan
from spancost.model import Bool, Int32, UInt8

TRACE_ID, SPAN_ID, PARENT_ID, NAME = 1 << 3 | 2, 2 << 3 | 2, 4 << 3 | 2, 5 << 3 | 2
START, END, ATTRIBUTE, EVENT, STATUS = 7 << 3 | 1, 8 << 3 | 1, 9 << 3 | 2, 11 << 3 | 2, 15 << 3 | 2
"""Tags of the fields that are read
(https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto, `Span`)."""


@dataclass(frozen=True, slots=True)
class SpanFields:
    """The fields of a batch of spans."""

    raw: UInt8
    """All payloads, then zeros."""
    fields: Fields
    damaged: Bool
    """Which spans are no protobuf; they have no fields."""

    def last(self, tag: int) -> tuple[Int32, Int32]:
        """Start and length of the field in each span: the last one where it is repeated, as protobuf has it. One that
        is missing has no length, and eight zeros at its start."""
        found = self.fields.of(tag)
        start = np.full(len(self.damaged), len(self.raw) - PADDING, np.int32)
        length = np.zeros(len(self.damaged), np.int32)
        row, is_last = found.row, np.ones(len(found.row), bool)
        is_last[:-1] = row[1:] != row[:-1]
        start[row[is_last]], length[row[is_last]] = found.start[is_last], found.length[is_last]
        return start, length


def read_spans(messages: Sequence[bytes]) -> SpanFields:
    """Find the fields of Span messages, in all at once where they are of the usual form."""
    sizes = np.array([len(message) for message in messages], np.int32)
    end = np.cumsum(sizes, dtype=np.int32)
    raw = b"".join(messages)
    fields, unread = scan(np.frombuffer(raw + bytes(PADDING), np.uint8), end - sizes, end)
    return _with_unread(raw, fields, messages, unread.tolist())


def _with_unread(raw: bytes, fields: Fields, messages: Sequence[bytes], unread: list[int]) -> SpanFields:
    """The same with the spans that only protobuf can read, their payloads appended to the others."""
    damaged = np.zeros(len(messages), bool)
    parts, payloads, at = [fields], [raw], len(raw)
    for row in unread:
        found = _payloads(messages[row])
        damaged[row] = not found
        sizes = np.array([len(payload) for _, payload in found], np.int32)
        tags = np.array([tag for tag, _ in found], np.uint16)
        parts.append(Fields(np.full(len(found), row, np.int32), tags, at + np.cumsum(sizes, dtype=np.int32) - sizes, sizes))
        payloads += (payload for _, payload in found)
        at += int(sizes.sum())
    padded = b"".join([*payloads, bytes(PADDING)])
    return SpanFields(np.frombuffer(padded, np.uint8), joined(parts), damaged)


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
