"""The scan of many spans at once against protobuf, span by span, on what tracers send and on what nobody should."""

import struct

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given, settings
from hypothesis import strategies as st

from otlp_by_hand import CALL, field, span, varint
from spancost.decode import wire
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
    read_spans,
)

SINGLE = {
    TRACE_ID: "trace_id",
    SPAN_ID: "span_id",
    PARENT_ID: "parent_span_id",
    NAME: "name",
    STATUS: "status",
}
TIMES = {START: "start_time_unix_nano", END: "end_time_unix_nano"}
REPEATED = {ATTRIBUTE: "attributes", EVENT: "events"}
NUMBERS = st.one_of(st.integers(0, 20), st.sampled_from([127, 128, 2**11, 2**18, 2**29 - 1]))
PAYLOADS = st.one_of(st.binary(max_size=20), st.sampled_from([b"x" * 127, b"x" * 128, b"x" * 16_384]))


def long_varint(value, size):
    """A varint in more bytes than it needs."""
    return bytes(value >> 7 * i & 0x7F | (0x80 if i + 1 < size else 0) for i in range(size))


FIELD = st.one_of(
    st.builds(field, NUMBERS, PAYLOADS),
    st.builds(lambda number, value: varint(number << 3) + varint(value), NUMBERS, st.integers(0, 2**64 - 1)),
    st.builds(lambda number, eight: varint(number << 3 | 1) + eight, NUMBERS, st.binary(min_size=8, max_size=8)),
    st.builds(lambda number, four: varint(number << 3 | 5) + four, NUMBERS, st.binary(min_size=4, max_size=4)),
    st.builds(
        lambda tag, tag_bytes, length_bytes: long_varint(tag, tag_bytes) + long_varint(3, length_bytes) + b"abc",
        st.sampled_from([*SINGLE, *REPEATED]),
        st.integers(1, 6),
        st.integers(1, 11),
    ),
    st.builds(lambda number, inner: varint(number << 3 | 3) + inner + varint(number << 3 | 4), NUMBERS, st.binary()),
)
USUAL = span(7, CALL, parent=3, status=1).SerializeToString()
DAMAGED = st.builds(
    lambda at, byte: USUAL[:at] + byte + USUAL[at + 1 :],
    st.integers(0, len(USUAL)),
    st.binary(max_size=2),
)
MESSAGES = st.one_of(
    st.lists(FIELD, max_size=12).map(b"".join),
    st.builds(lambda fields, noise: b"".join(fields) + noise, st.lists(FIELD, max_size=4), st.binary(max_size=12)),
    DAMAGED,
    st.just(USUAL),
)


def found(messages):
    """What `read_spans` says of each span: the value of each field, all values of one that is repeated."""
    spans = read_spans(messages)

    def payload(start, length):
        return spans.raw[start : start + length].tobytes()

    single = {tag: [payload(*at) for at in zip(*spans.last(tag), strict=True)] for tag in SINGLE}
    times = {tag: [struct.unpack("<Q", payload(at, 8))[0] for at in spans.last(tag)[0]] for tag in TIMES}
    out = [{tag: values[row] for tag, values in (single | times).items()} for row in range(len(messages))]
    for tag in REPEATED:
        for one in out:
            one[tag] = []
        of = spans.fields.of(tag)
        for row, start, length in zip(of.row, of.start, of.length, strict=True):
            out[row][tag].append(payload(start, length))
    return out


def expected(message):
    """The same of one span as protobuf reads it; nothing in it where protobuf cannot."""
    try:
        read = wire.Span.FromString(message)
    except DecodeError:
        read = wire.Span()
    names = SINGLE | TIMES | REPEATED
    return {tag: list(value) if tag in REPEATED else value for tag in names for value in [getattr(read, names[tag])]}


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(MESSAGES, max_size=6))
def test_every_span_is_read_as_protobuf_reads_it(messages):
    """Repeated, unknown, oddly encoded and damaged fields, next to spans of every other kind."""
    assert found(messages) == [expected(message) for message in messages]


ODD = {
    "an attribute of a megabyte": field(9, b"x" * 2**20),
    "a length of five bytes": varint(ATTRIBUTE) + long_varint(3, 5) + b"abc",
    "a length of five bytes, and what follows looks sound from the byte before too": (
        varint(ATTRIBUTE) + long_varint(3, 5) + b"ab\x4a" + field(9, b"x" * 73)
    ),
    "a tag of three bytes": varint(2**17 << 3 | 2) + varint(1) + b"a" + field(5, b"n"),
    "a group": b"\x1b" + field(5, b"inner") + b"\x1c" + field(5, b"n"),
    "more fields than the scan reads": field(9, b"a") * 1000 + field(5, b"n"),
    "as many fields as the scan reads": field(9, b"a") * 127 + field(5, b"n"),
    "two names": field(5, b"first") + field(9, b"") + field(5, b"last"),
    "a name that is a number": field(5, b"n") + varint(5 << 3) + varint(300),
    "a time that is text": varint(START) + struct.pack("<Q", 5) + field(7, b"12345678"),
    "field number 0": field(5, b"n") + b"\x02\x01a",
    "a wire type that does not exist": field(5, b"n") + b"\x2f\x01a",
    "the end of a group that never began": field(5, b"n") + b"\x1c",
    "a length that runs into the next span": field(5, b"n")[:-1],
    "a time that runs into the next span": varint(START) + b"1234567",
    "a tag without anything": field(5, b"n") + b"\x4a",
    "half a tag": field(5, b"n") + b"\x85",
    "nothing": b"",
}


@pytest.mark.parametrize("what", ODD)
def test_an_odd_span_is_read_as_protobuf_reads_it(what):
    """And so are its neighbours."""
    messages = [USUAL, ODD[what], USUAL]

    assert found(messages) == [expected(message) for message in messages]


def test_spans_that_only_protobuf_can_read_are_in_their_place():
    """One in ten, by span like the others."""
    messages = [field(5, b"%d" % n) + (b"\x1b\x1c" if n % 10 == 0 else b"") for n in range(500)]

    names = read_spans(messages).fields.of(NAME)

    assert names.row.tolist() == list(range(500))
    assert [one[NAME] for one in found(messages)] == [b"%d" % n for n in range(500)]
