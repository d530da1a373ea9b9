"""OTLP bytes -> `Spans`: the reference decoder.

`decode` is the one function that the pipeline calls; a compiled twin has the same signature and gives the same columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import xxhash
from google.protobuf.message import DecodeError

from spancost.decode import wire
from spancost.decode.attributes import attribute_dict, columns_of
from spancost.decode.times import repair_times
from spancost.model import Coded, ContentRules, Scope, Spans, UInt8, UInt64, Value

_TRACE_BYTES, _SPAN_BYTES = 16, 8
_NO_SPAN = bytes(_SPAN_BYTES)


def decode(requests: Sequence[bytes], rules: ContentRules, secret: bytes) -> Spans:
    """Decode serialised ExportTraceServiceRequests into one batch, in the order given.

    Message content is reduced to hashes keyed with `secret`. Spans without valid ids are left out and counted in
    `rejected` (https://opentelemetry.io/docs/specs/otel/trace/api/#spancontext: ids are not all zero), and so are spans
    that are no protobuf; the others of their request are kept. A request that is no protobuf at all gives no spans: the
    receiver has answered it with an error.
    """
    walk = _Walk()
    for number, body in enumerate(requests):
        try:
            walk.add_request(wire.Request.FromString(body), number)
        except DecodeError:
            walk.add_loose(body, number)
    return walk.finish(rules, secret)


class _Walk:
    """The columns as they grow, one list a field."""

    def __init__(self) -> None:
        self.trace: list[bytes] = []
        self.span: list[bytes] = []
        self.parent: list[bytes] = []
        self.names: list[bytes] = []
        self.start: list[int] = []
        self.end: list[int] = []
        self.status: list[bytes] = []
        self.flat: list[bytes] = []
        self.counts: list[int] = []
        self.groups: list[tuple[int, int, int, int]] = []
        self.events: dict[int, int] = {}
        self.scopes: dict[bytes, int] = {}
        self.resources: dict[bytes, int] = {}
        self.rejected = 0

    def scope(self, raw: bytes) -> int:
        return self.scopes.setdefault(raw, len(self.scopes))

    def resource(self, raw: bytes) -> int:
        return self.resources.setdefault(raw, len(self.resources))

    def add_request(self, message: Any, number: int) -> None:
        for resource_spans in message.resource_spans:
            resource = self.resource(resource_spans.resource)
            for scope_spans in resource_spans.scope_spans:
                self.add(scope_spans.spans, resource, self.scope(scope_spans.scope), number)

    def add_loose(self, body: bytes, number: int) -> None:
        """Take what can be read of a request in which something is damaged."""
        try:
            message = wire.LooseRequest.FromString(body)
        except DecodeError:
            return
        for resource_spans in message.resource_spans:
            resource = self.resource(resource_spans.resource)
            for scope_spans in resource_spans.scope_spans:
                spans = [span for raw in scope_spans.spans if (span := _span(raw)) is not None]
                self.rejected += len(scope_spans.spans) - len(spans)
                self.add(spans, resource, self.scope(scope_spans.scope), number)

    def add(self, spans: Sequence[Any], resource: int, scope: int, request: int) -> None:
        good = [s for s in spans if len(s.trace_id) == _TRACE_BYTES and len(s.span_id) == _SPAN_BYTES]
        self.rejected += len(spans) - len(good)
        self.trace += [s.trace_id for s in good]
        self.span += [s.span_id for s in good]
        self.parent += [s.parent_span_id for s in good]
        self.names += [s.name for s in good]
        self.start += [s.start_time_unix_nano for s in good]
        self.end += [s.end_time_unix_nano for s in good]
        self.status += [s.status for s in good]
        for s in good:
            attributes = s.attributes
            self.counts.append(len(attributes))
            self.flat.extend(attributes)
        if 0 in self.start[-len(good) :]:
            first = len(self.start) - len(good)
            self.events |= {first + i: _first_event(s.events) for i, s in enumerate(good) if not s.start_time_unix_nano}
        self.groups.append((resource, scope, request, len(good)))

    def finish(self, rules: ContentRules, secret: bytes) -> Spans:
        n = len(self.trace)
        traces = np.frombuffer(b"".join(self.trace), ">u8").reshape(n, 2).astype(np.uint64)
        event = np.zeros(n, np.uint64)
        for row, time in self.events.items():
            event[row] = time
        raw_start, raw_end = np.array(self.start, np.uint64), np.array(self.end, np.uint64)
        start, end, time_flags = repair_times(raw_start, raw_end, event)
        columns, flags, digest = columns_of(self.flat, np.array(self.counts, np.int32), rules, secret)
        groups = np.array(self.groups or np.zeros((0, 4)), np.int32).reshape(-1, 4)
        resource, scope, request = (np.repeat(groups[:, i], groups[:, 3]) for i in range(3))
        name, parents = _coded(self.names), _parents(self.parent)
        status = _statuses(self.status)
        spans = Spans(
            trace_hi=traces[:, 0].copy(),
            trace_lo=traces[:, 1].copy(),
            span_id=np.frombuffer(b"".join(self.span), ">u8").astype(np.uint64),
            parent_id=parents,
            start=start,
            end=end,
            status=status,
            name=name,
            scope=scope,
            scopes=[_scope(raw) for raw in self.scopes],
            resource=resource,
            resources=[_resource(raw) for raw in self.resources],
            columns=columns,
            flags=flags | time_flags,
            content_hash=_mixed(
                [digest, _digests(name.values)[name.codes], _digests(self.resources)[resource]],
                [_digests(self.scopes)[scope], start.astype(np.uint64), parents, status.astype(np.uint64)],
            ),
            request=request,
            rejected=self.rejected,
        )
        return _without_zero_ids(spans)


def _without_zero_ids(spans: Spans) -> Spans:
    """All-zero ids are no ids: such spans are left out, which hardly ever happens."""
    good = ((spans.trace_hi != 0) | (spans.trace_lo != 0)) & (spans.span_id != 0)
    return spans if good.all() else spans.take(np.flatnonzero(good))


def _parents(raws: list[bytes]) -> UInt64:
    """Parent ids, 0 for none and for what is no id."""
    return np.frombuffer(b"".join(raw if len(raw) == _SPAN_BYTES else _NO_SPAN for raw in raws), ">u8").astype(
        np.uint64
    )


def _statuses(raws: list[bytes]) -> UInt8:
    table = {raw: _status(raw) for raw in set(raws)}
    return np.array([table[raw] for raw in raws], np.uint8)


def _status(raw: bytes) -> int:
    try:
        code = wire.Status.FromString(raw).code
    except DecodeError:
        return 0
    return int(code) if code in (1, 2) else 0


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


def _span(raw: bytes) -> Any:
    try:
        return wire.Span.FromString(raw)
    except DecodeError:
        return None


def _first_event(raws: Sequence[bytes]) -> int:
    for raw in raws:
        try:
            time = wire.Event.FromString(raw).time_unix_nano
        except DecodeError:
            continue
        if time:
            return int(time)
    return 0


def _coded(names: list[bytes]) -> Coded:
    table: dict[bytes, int] = {}
    codes = np.array([table.setdefault(name, len(table)) for name in names], np.int32)
    return Coded(codes, [name.decode("utf-8", "replace") for name in table])


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
