"""The decoder against protobuf's own parser, and against bytes that no library would write."""

import struct

import numpy as np
import pytest
from google.protobuf.message import DecodeError
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from ledger_by_hand import shipped_conventions
from otlp_by_hand import CALL, START, field, group, request, request_of, span, varint
from spancost.decode.otlp import decode
from spancost.model import FLAG, FLAGS

SECRET = b"secret"
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
KEYS = st.one_of(st.sampled_from(["a", "b", "team", "x" * 127, "x" * 128, "ключ"]), TEXT.filter(bool))
VALUES = st.recursive(
    st.one_of(
        TEXT,
        st.integers(-(2**63), 2**63 - 1),
        st.floats(allow_nan=False),
        st.booleans(),
        st.binary(max_size=40),
        st.none(),
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
ATTRIBUTES = st.dictionaries(
    KEYS.filter(lambda key: not shipped_conventions().content.role(key)), VALUES, max_size=8
)


def decoded(*bodies, secret=SECRET):
    return decode(bodies, shipped_conventions().content, secret)


def attributes_of(spans, row):
    """Attributes of one span as a dictionary."""
    found = {}
    for key, column in spans.columns.items():
        at = np.flatnonzero(column.rows == row)
        assert len(at) <= 1
        if len(at):
            found[key] = column.values[column.codes[at[0]]]
    return found


def flags_of(spans, row):
    return [name for bit, name in enumerate(FLAGS) if int(spans.flags[row]) >> bit & 1]


def plain(value):
    """What protobuf's own parser says of an AnyValue."""
    which = value.WhichOneof("value")
    if which == "array_value":
        return [plain(item) for item in value.array_value.values]
    if which == "kvlist_value":
        return {item.key: plain(item.value) for item in value.kvlist_value.values}
    return getattr(value, which) if which else None


def alike(one, other):
    """Equal in value and in type, down to -0.0."""
    return repr(one) == repr(other)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.tuples(ATTRIBUTES, TEXT, st.integers(0, 2)), min_size=1, max_size=4))
def test_attributes_names_and_status_are_those_of_protobuf(made):
    """Every type of attribute, nested and empty ones included."""
    body = request(*(span(n + 1, a, name=name, status=status) for n, (a, name, status) in enumerate(made)))
    oracle = ExportTraceServiceRequest.FromString(body).resource_spans[0].scope_spans[0].spans

    spans = decoded(body)

    assert spans.name.texts() == [one.name for one in oracle]
    assert spans.status.tolist() == [one.status.code for one in oracle]
    for row, one in enumerate(oracle):
        expected = {kv.key: plain(kv.value) for kv in one.attributes}
        found = attributes_of(spans, row)
        assert found.keys() == expected.keys()
        assert [key for key in found if not alike(found[key], expected[key])] == []


def test_ids_times_resource_and_scope_are_columns():
    """Ids are big-endian words, times nanoseconds, and spans point at their resource, scope and request."""
    first = request(span(7, trace=2**64 + 5, parent=3, end=START + 9), resource={"service.name": "s"}, scope="one")
    second = request(span(8), span(9), resource={"service.name": "t"}, scope="two")

    spans = decoded(first, second)

    assert (spans.trace_hi[0], spans.trace_lo[0], spans.span_id[0], spans.parent_id[0]) == (1, 5, 7, 3)
    assert (spans.start[0], spans.end[0]) == (START, START + 9)
    assert [spans.resources[i]["service.name"] for i in spans.resource] == ["s", "t", "t"]
    assert [spans.scopes[i].name for i in spans.scope] == ["one", "two", "two"]
    assert spans.request.tolist() == [0, 1, 1]


def test_of_a_key_that_is_sent_twice_the_later_value_counts():
    """Whatever the two types are."""
    one = span(1)
    for value in (AnyValue(int_value=1), AnyValue(string_value="last")):
        one.attributes.append(KeyValue(key="k", value=value))

    assert attributes_of(decoded(request(one)), 0) == {"k": "last"}


def with_raw_attribute(raw):
    """A request with one span whose only attribute is these bytes."""
    ids = field(1, b"\1" * 16) + field(2, b"\2" * 8)
    start = b"\x39" + struct.pack("<Q", START)
    return field(1, field(2, field(2, ids + start + field(9, raw)) + field(2, span(3, CALL).SerializeToString())))


RAW = {
    "invalid UTF-8 in a short value": field(1, b"k") + field(2, field(1, b"a\xff")),
    "invalid UTF-8 in a long value": field(1, b"k") + field(2, field(1, b"a\xff" * 200)),
    "invalid UTF-8 in the key": field(1, b"k\xff") + field(2, field(1, b"a")),
    "a key that is cut short": b"\x0a\x50key",
    "a value that is cut short": field(1, b"k") + b"\x12\x50ab",
    "a value before its key": field(2, field(1, b"v")) + field(1, b"k"),
    "no key": field(2, field(1, b"v")),
    "no value": field(1, b"k"),
    "an empty value": field(1, b"k") + field(2, b""),
    "nothing": b"",
    "two values": field(1, b"k") + field(2, b"\x18\x05\x18\x06"),
    "a number and something unknown": field(1, b"k") + field(2, b"\x18\x05\x78\x01"),
    "a varint without end": field(1, b"k") + field(2, b"\x18" + b"\xff" * 9),
    "a long key": field(1, b"k" * 300) + field(2, b"\x18\x05"),
    "a negative number": field(1, b"k") + field(2, b"\x18" + varint(2**64 - 5)),
    "a NaN": field(1, b"k") + field(2, b"\x21" + struct.pack("<d", float("nan"))),
    "garbage": bytes(range(256)),
}


@pytest.mark.parametrize("what", RAW)
def test_an_odd_attribute_is_read_as_protobuf_does_or_flagged(what):
    """It costs neither its span nor the next one; what protobuf can read has protobuf's value."""
    spans = decoded(with_raw_attribute(RAW[what]))

    assert len(spans) == 2
    assert attributes_of(spans, 1) == CALL
    found = attributes_of(spans, 0)
    try:
        oracle = KeyValue.FromString(RAW[what])
    except DecodeError:
        assert found or flags_of(spans, 0)
        return
    if oracle.key:
        assert list(found) == [oracle.key]
        assert alike(found[oracle.key], plain(oracle.value))
    else:
        assert (found, flags_of(spans, 0)) == ({}, ["bad_attribute"])


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.binary(max_size=40))
def test_any_bytes_as_an_attribute_leave_the_spans_alone(raw):
    """Nothing that stands where an attribute belongs costs a span, and what protobuf can read is read alike."""
    spans = decoded(with_raw_attribute(raw))

    assert len(spans) == 2
    assert attributes_of(spans, 1) == CALL


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.binary(max_size=60), st.integers(0, 400))
def test_garbage_and_truncated_requests_never_raise(noise, cut):
    """A request that cannot be read gives the spans that can be."""
    body = request(span(1, CALL), span(2, CALL))

    for broken in (noise, body[:cut], body[:cut] + noise, noise + body):
        assert len(decoded(broken)) <= 3


def test_nesting_beyond_reason_costs_only_the_attribute():
    """A value in two hundred lists is dropped or cut, and its span kept."""
    deep = field(1, b"bottom")
    for _ in range(200):
        deep = field(5, field(1, deep))

    spans = decoded(with_raw_attribute(field(1, b"k") + field(2, deep)))

    assert len(spans) == 2
    assert attributes_of(spans, 1) == CALL


def test_names_of_any_bytes_are_kept():
    """A span name with NUL or invalid UTF-8 becomes text that a table can hold."""
    named = field(1, b"\1" * 16) + field(2, b"\2" * 8) + field(5, b"a\0b\xff")

    spans = decoded(field(1, field(2, field(2, named))))

    assert spans.name.texts() == ["a\0b\ufffd"]


def test_sizes_beyond_reason_are_read():
    """A string of a megabyte is read, and of very many attributes on one span the first 1,024; its neighbours keep
    theirs."""
    many = {f"k{n}": n for n in range(40_000)}

    spans = decoded(request(span(1, many), span(2, {"big": "x" * 2**20, "k39999": "mine"})))

    assert attributes_of(spans, 0) == {f"k{n}": n for n in range(1_024)}
    assert attributes_of(spans, 1) == {"big": "x" * 2**20, "k39999": "mine"}
    assert [bool(flags & FLAG["attributes_cut"]) for flags in spans.flags] == [True, False]


GOOD = b"\1" * 8


@pytest.mark.parametrize(
    ("trace", "own"),
    [
        pytest.param(b"", GOOD, id="no trace"),
        pytest.param(GOOD, GOOD, id="short trace"),
        pytest.param(bytes(16), GOOD, id="zero trace"),
        pytest.param(b"\1" * 17, GOOD, id="long trace"),
        pytest.param(b"\1" * 16, b"", id="no span"),
        pytest.param(b"\1" * 16, bytes(8), id="zero span"),
        pytest.param(b"\1" * 16, b"\1" * 7, id="short span"),
    ],
)
def test_a_span_with_a_bad_id_is_left_out_alone(trace, own):
    """The others of its request are kept."""
    bad = span(5, CALL)
    bad.trace_id, bad.span_id = trace, own

    spans = decoded(request(span(1), bad, span(2)))

    assert (spans.span_id.tolist(), spans.rejected) == ([1, 2], 1)


def test_a_parent_id_of_the_wrong_length_is_no_parent():
    """It costs the link, not the span."""
    odd = span(1)
    odd.parent_span_id = b"\1\2"

    assert decoded(request(odd)).parent_id.tolist() == [0]


def test_a_damaged_span_is_left_out_and_counted():
    """Spans before and after it, and of other groups, are kept."""
    good = [span(n, CALL).SerializeToString() for n in (1, 2)]
    damaged = b"\x0a\x10abc"
    body = field(1, field(2, field(2, good[0]) + field(2, damaged) + field(2, good[1]))) + request(span(3, CALL))

    spans = decoded(body)

    assert (spans.span_id.tolist(), spans.rejected) == ([1, 2, 3], 1)
    assert attributes_of(spans, 1) == CALL


def test_no_requests_are_no_spans():
    """An empty batch has columns of length 0."""
    assert (len(decoded()), len(decoded(b""))) == (0, 0)


DAY_2290 = 10_098_000_000 * 10**9
TIMES = {
    "as sent": ({}, START, START + 10**9, []),
    "no start": ({"start": 0, "end": START}, START, START, ["bad_time"]),
    "no times": ({"start": 0, "end": 0}, 0, 0, ["bad_time"]),
    "start in 2290": ({"start": DAY_2290, "end": START}, START, START, ["bad_time"]),
    "both in 2290": ({"start": DAY_2290, "end": DAY_2290 + 1}, 0, 0, ["bad_time"]),
    "all bits set": ({"start": 2**64 - 1, "end": 2**64 - 1}, 0, 0, ["bad_time"]),
    "no end": ({"end": 0}, START, START, []),
    "end before start": ({"end": START - 5}, START, START, ["end_before_start"]),
}


@pytest.mark.parametrize("what", TIMES)
def test_times_are_repaired_from_the_span_alone(what):
    """Never from the clock, so that a span sent twice lies on the same day."""
    given_times, start, end, flags = TIMES[what]

    spans = decoded(request(span(1, **given_times)))

    assert (spans.start.tolist(), spans.end.tolist(), flags_of(spans, 0)) == ([start], [end], flags)


def test_a_span_without_times_takes_that_of_its_first_event():
    """Where neither start nor end is told."""
    timeless = span(1, start=0, end=0)
    timeless.events.add(name="no time")
    timeless.events.add(time_unix_nano=START + 3)

    assert decoded(request(timeless)).start.tolist() == [START + 3]


@pytest.mark.parametrize(
    "change",
    [
        {"attributes": {"a": 2}},
        {"name": "other"},
        {"status": 2},
        {"parent": 9},
        {"start": START - 1, "end": START + 10**9},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_content_hash_tells_two_versions_of_a_span_apart(change):
    """Attributes, name, status, parent and start are what a span says."""
    base = {"attributes": {"a": 1}, "name": "n", "end": START + 10**9}

    spans = decoded(request(span(1, **base), span(1, **(base | change)), span(1, **base)))

    first, changed, same = spans.content_hash.tolist()
    assert first == same != changed


def test_the_content_hash_tells_resources_and_scopes_apart():
    """A collector on the way that adds to the resource makes another version of the span."""
    groups = [group(span(1), resource={"a": "b"}), group(span(1)), group(span(1), scope="other")]

    assert len(set(decoded(request_of(*groups)).content_hash.tolist())) == 3
