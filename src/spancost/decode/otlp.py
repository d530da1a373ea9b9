"""OTLP bytes -> `Spans`: the reference decoder.

`decode` is the one function that the pipeline calls; a compiled twin has the same signature and gives the same columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import xxhash
from google.protobuf.message import DecodeError

from spancost.decode import wire
from spancost.decode.attributes import attribute_dict
from spancost.decode.columns import columns_of
from spancost.decode.slices import coded, words
from spancost.decode.spans import (
    ATTRIBUTE,
    END,
    EVENT,
    NAME,
    PARENT_ID,
    SPAN_ID,
    START,
    STATUS,
    TRACE_ID,
    SpanFields,
    read_spans,
)
from spancost.decode.times import repair_times
from spancost.model import Bool, Coded, ContentRules, Scope, Spans, UInt8, UInt64, Value

_TRACE_BYTES, _SPAN_BYTES = 16, 8


def decode(requests: Sequence[bytes], rules: ContentRules, secret: bytes) -> Spans:
    """Decode serialised ExportTraceServiceRequests into one batch, in the order given.

    Message content is reduced to hashes keyed with `secret`. Spans without valid ids are left out and counted in
    `rejected` (https://opentelemetry.io/docs/specs/otel/trace/api/#spancontext: ids are not all zero), and so are spans
    that are no protobuf; the others of their request are kept. A request that is no protobuf at all gives no spans: the
    receiver has answered it with an error.
    """
    groups = _Groups()
    for number, body in enumerate(requests):
        groups.add(body, number)
    return _with_ids(_spans(read_spans(groups.messages), groups, rules, secret))


@dataclass(slots=True)
class _Groups:
    """The spans of the requests as bytes, and what each group of them shares."""

    messages: list[bytes] = field(default_factory=list)
    shared: list[tuple[int, int, int, int]] = field(default_factory=list)
    """How many spans a group has; their resource, scope and request."""
    resources: dict[bytes, int] = field(default_factory=dict)
    scopes: dict[bytes, int] = field(default_factory=dict)

    def add(self, body: bytes, number: int) -> None:
        try:
            request = wire.Request.FromString(body)
        except DecodeError:
            return
        for resource_spans in request.resource_spans:
            resource = self.resources.setdefault(resource_spans.resource, len(self.resources))
            for scope_spans in resource_spans.scope_spans:
                scope = self.scopes.setdefault(scope_spans.scope, len(self.scopes))
                self.messages += scope_spans.spans
                self.shared.append((len(scope_spans.spans), resource, scope, number))


def _spans(found: SpanFields, groups: _Groups, rules: ContentRules, secret: bytes) -> Spans:
    """All spans; an id that is missing or has the wrong length is 0."""
    shared = np.array(groups.shared, np.int32).reshape(-1, 4)
    resource, scope, request = (np.repeat(shared[:, i], shared[:, 0]) for i in (1, 2, 3))
    trace, trace_bytes = found.last(TRACE_ID)
    has_trace = trace_bytes == _TRACE_BYTES
    sent_start, sent_end = _words(found, START, "<"), _words(found, END, "<")
    start, end, time_flags = repair_times(sent_start, sent_end, _event_times(found, sent_start == 0))
    name, status, parents = _names(found), _statuses(found), _words(found, PARENT_ID, ">")
    columns, flags, digest = columns_of(found.raw, found.fields.of(ATTRIBUTE), len(request), rules, secret)
    return Spans(
        trace_hi=words(found.raw, trace, ">") * has_trace,
        trace_lo=words(found.raw, trace + _TRACE_BYTES // 2, ">") * has_trace,
        span_id=_words(found, SPAN_ID, ">"),
        parent_id=parents,
        start=start,
        end=end,
        status=status,
        name=name,
        scope=scope,
        scopes=[_scope(raw) for raw in groups.scopes],
        resource=resource,
        resources=[_resource(raw) for raw in groups.resources],
        columns=columns,
        flags=flags | time_flags,
        content_hash=_mixed(
            [digest, _digests(name.values)[name.codes], _digests(groups.resources)[resource]],
            [_digests(groups.scopes)[scope], start.astype(np.uint64), parents, status.astype(np.uint64)],
        ),
        request=request,
    )


def _with_ids(spans: Spans) -> Spans:
    """Only the spans whose ids are not all zero."""
    good = ((spans.trace_hi != 0) | (spans.trace_lo != 0)) & (spans.span_id != 0)
    return spans if good.all() else spans.take(np.flatnonzero(good))


def _words(found: SpanFields, tag: int, order: str) -> UInt64:
    """A field of eight bytes in each span; 0 where it is missing or has another length."""
    start, length = found.last(tag)
    return np.where(length == _SPAN_BYTES, words(found.raw, start, order), np.uint64(0))


def _names(found: SpanFields) -> Coded:
    codes, names = coded(found.raw, *found.last(NAME))
    return Coded(codes, [name.decode("utf-8", "replace") for name in names.to_pylist()])


def _statuses(found: SpanFields) -> UInt8:
    codes, distinct = coded(found.raw, *found.last(STATUS))
    return np.array([_status(raw) for raw in distinct.to_pylist()], np.uint8)[codes]


def _status(raw: bytes) -> int:
    try:
        code = wire.Status.FromString(raw).code
    except DecodeError:
        return 0
    return int(code) if code in (1, 2) else 0


def _event_times(found: SpanFields, timeless: Bool) -> UInt64:
    """The time of the first event that has one, of the spans that do not say when they began; 0 for all others."""
    times = np.zeros(len(timeless), np.uint64)
    if timeless.any():
        events = found.fields.of(EVENT)
        events = events.take(timeless[events.row])
        for row, start, length in zip(events.row.tolist(), events.start.tolist(), events.length.tolist(), strict=True):
            times[row] = times[row] or _event_time(found.raw[start : start + length].tobytes())
    return times


def _event_time(raw: bytes) -> int:
    try:
        return int(wire.Event.FromString(raw).time_unix_nano)
    except DecodeError:
        return 0


def _mixed(hashes: Sequence[UInt64], numbers: Sequence[UInt64]) -> UInt64:
    """One hash of all that a span says, but for its end."""
    out = np.zeros(len(numbers[0]), np.uint64)
    for column in hashes:
        out ^= column
    for column in numbers:
        out = (out + column) * np.uint64(0x9E3779B97F4A7C15)
    return out


def _digests(values: Iterable[str | bytes]) -> UInt64:
    raws = (value.encode() if isinstance(value, str) else value for value in values)
    return np.array([*(xxhash.xxh3_64_intdigest(raw) for raw in raws), 0], np.uint64)


def _scope(raw: bytes) -> Scope:
    try:
        scope = wire.Scope.FromString(raw)
    except DecodeError:
        return Scope("", "")
    return Scope(scope.name.decode("utf-8", "replace"), scope.version.decode("utf-8", "replace"))


def _resource(raw: bytes) -> dict[str, Value]:
    try:
        return attribute_dict(list(wire.Resource.FromString(raw).attributes))
    except DecodeError:
        return {}
