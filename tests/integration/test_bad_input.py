"""Bad input against a running collector: a right answer to the sender, and no effect on other spans."""

import gzip
import math
import urllib.error
import urllib.request
from decimal import Decimal
from uuid import uuid4

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from otlp_by_hand import CALL, START, agent, field, group, request, request_of, span

DAY = 86_400 * 10**9
IN_2290 = 10_098_000_000 * 10**9
MONEY = Decimal("0.0055")


@pytest.fixture
def service():
    """A service name of this test's own."""
    return f"bad-{uuid4().hex[:10]}"


@pytest.fixture
def trace():
    """The number of a trace of this test's own; its followers are free too."""
    return uuid4().int >> 16 << 12


def post(collector, body, **headers):
    """(status, body) of a protobuf export over HTTP."""
    content = {"Content-Type": "application/x-protobuf", **headers}
    one = urllib.request.Request(f"{collector.http_endpoint}/v1/traces", body, content)
    try:
        with urllib.request.urlopen(one, timeout=30) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def export(collector, body):
    """The answer of an export over gRPC; raises grpc.RpcError."""
    with grpc.insecure_channel(collector.endpoints["receive.grpc"]) as channel:
        return channel.unary_unary("/opentelemetry.proto.collector.trace.v1.TraceService/Export")(body, timeout=30)


def rejected(answer):
    """Spans that an answer refuses."""
    return ExportTraceServiceResponse.FromString(answer).partial_success.rejected_spans


def counted(collector, service, expected):
    """Rows and distinct spans of a service, calls or steps, as soon as they are `expected`."""
    sql = f"""
        SELECT count() AS found, uniqExact(trace_id, span_id) AS spans FROM (
            SELECT trace_id, span_id FROM spancost.calls WHERE service = '{service}'
            UNION ALL SELECT trace_id, span_id FROM spancost.steps WHERE service = '{service}')
    """
    rows = collector.eventually(sql, [{"found": expected, "spans": expected}])
    return rows[0]["found"], rows[0]["spans"]


def costs(collector, service, expected):
    """Cost by span number of a service."""
    sql = f"SELECT span_id, cost FROM spancost.calls WHERE service = '{service}' ORDER BY span_id"
    rows = collector.eventually(sql, [{"span_id": f"{n:016x}", "cost": cost} for n, cost in expected.items()])
    return {int(row["span_id"], 16): row["cost"] for row in rows}


GARBAGE = {
    "noise": bytes(range(256)),
    "a truncated request": request(span(1, CALL))[:-5],
    "text": b"hello, collector",
    "a group that is no group": field(1, b"\xff\xff"),
}


@pytest.mark.parametrize("what", GARBAGE)
def test_garbage_is_answered_as_the_senders_fault(collector, what):
    """400 over HTTP and INVALID_ARGUMENT over gRPC: nobody should send it again."""
    status, _ = post(collector, GARBAGE[what])
    with pytest.raises(grpc.RpcError) as caught:
        export(collector, GARBAGE[what])

    assert status == 400
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT


def test_garbage_in_gzip_is_answered_as_the_senders_fault(collector):
    """Neither what is no gzip nor garbage inside it."""
    assert post(collector, b"no gzip", **{"Content-Encoding": "gzip"})[0] == 400
    assert post(collector, gzip.compress(b"\xff" * 100), **{"Content-Encoding": "gzip"})[0] == 400


def test_a_request_after_garbage_is_stored(collector, service, trace):
    """Bad requests before it, and spans of bad ids beside it, change nothing for the good ones."""
    short, zero, no_trace = (span(n, CALL, trace=trace) for n in (7, 8, 9))
    short.span_id, zero.span_id, no_trace.trace_id = b"\1\2", bytes(8), b""
    for body in GARBAGE.values():
        post(collector, body)

    good = [span(n, CALL, trace=trace) for n in (1, 2)]
    body = request(good[0], short, zero, no_trace, good[1], resource={"service.name": service})
    status, answer = post(collector, body)

    assert (status, rejected(answer)) == (200, 3)
    assert costs(collector, service, {1: MONEY, 2: MONEY}) == {1: MONEY, 2: MONEY}


def test_a_request_of_bad_ids_alone_is_a_partial_success(collector):
    """The same over gRPC."""
    bad = span(1, CALL)
    bad.trace_id = bytes(16)

    assert rejected(export(collector, request(bad))) == 1


TOKENS = {
    "a string": ("1000", MONEY),
    "a double": (1000.0, MONEY),
    "a broken double": (10.5, None),
    "a negative number": (-1000, None),
    "an absurd number": (2**63 - 1, None),
    "NaN": (math.nan, None),
    "true": (True, None),
    "text": ("many", None),
    "a list": ([1, 2], None),
}


def test_tokens_of_odd_types_are_priced_where_they_are_counts(collector, service, trace):
    """A string or a double is a count; what is none leaves the call without a whole price, and never at 0."""
    spans = [
        span(n, CALL | {"gen_ai.usage.input_tokens": value}, trace=trace + n)
        for n, (value, _) in enumerate(TOKENS.values(), 1)
    ]
    post(collector, request(*spans, resource={"service.name": service}))
    counted(collector, service, len(spans))

    columns = "span_id, cost_status, input_tokens"
    sql = f"SELECT {columns} FROM spancost.calls WHERE service = '{service}' ORDER BY span_id"
    found = [(row["cost_status"] == "priced", row["input_tokens"]) for row in collector.query(sql)]

    assert found == [(cost is not None, 1000 if cost is not None else None) for _, cost in TOKENS.values()]


TIMES = {
    "nothing": (0, 0),
    "no start": (0, START),
    "next year": (START + 400 * DAY, START + 400 * DAY + 1),
    "1970": (1, 2),
    "2290": (IN_2290, IN_2290 + 1),
    "all bits": (2**64 - 1, 2**64 - 1),
    "backwards": (START, START - DAY),
}


def test_odd_times_are_stored_and_flagged(collector, service, trace):
    """Every span has a row with a price; what was replaced is flagged."""
    spans = [
        span(n, CALL, trace=trace + n, start=start, end=end) for n, (start, end) in enumerate(TIMES.values(), 1)
    ]
    post(collector, request(*spans, resource={"service.name": service}))
    counted(collector, service, len(spans))

    columns = "toYear(start_time) AS year, flags"
    sql = f"SELECT {columns} FROM spancost.calls WHERE service = '{service}' ORDER BY span_id"
    found = dict(zip(TIMES, [(row["year"], row["flags"]) for row in collector.query(sql)], strict=True))

    assert found == {
        "nothing": (1970, ["bad_time"]),
        "no start": (2026, ["bad_time"]),
        "next year": (2027, []),
        "1970": (1970, []),
        "2290": (1970, ["bad_time"]),
        "all bits": (1970, ["bad_time"]),
        "backwards": (2026, ["end_before_start"]),
    }


def test_a_request_of_512_days_sent_twice_is_one_row_a_span(collector, service, trace):
    """ClickHouse refuses an insert of more than a hundred partitions; 1970 and 2290 are among the days."""
    starts = [START - n * DAY for n in range(509)] + [1, IN_2290, 0]
    spans = [span(n, CALL, trace=trace + n, start=start) for n, start in enumerate(starts, 1)]
    body = request(*spans, resource={"service.name": service})

    assert post(collector, body)[0] == 200
    assert counted(collector, service, 512) == (512, 512)
    other_bytes = body + request(span(1, agent("a"), trace=trace + 1000), resource={"service.name": f"{service}-end"})
    assert post(collector, other_bytes)[0] == 200
    assert counted(collector, f"{service}-end", 1) == (1, 1)
    assert counted(collector, service, 512) == (512, 512)


def test_odd_attributes_reach_neither_the_sender_nor_the_neighbours(collector, service, trace):
    """NUL, invalid UTF-8, a megabyte, ten thousand attributes, and a cost of too many digits."""
    odd = [
        {"team": "a\0b"},
        {"big": "x" * 2**20},
        {f"k{n}": n for n in range(10_000)},
        {"gen_ai.usage.cost": 0.1 + 0.2},
        {"gen_ai.response.finish_reasons": '["\\ud800"]'},
        {"gen_ai.request.model": "\x01 no such model"},
    ]
    spans = [span(n, CALL | attributes, trace=trace) for n, attributes in enumerate(odd, 1)]
    raw = span(7, CALL, trace=trace).SerializeToString() + field(9, field(1, b"k\xff") + field(2, field(1, b"\xff")))
    scope = field(2, field(2, raw))
    resource = field(1, group(resource={"service.name": service}).resource.SerializeToString())
    body = request_of(group(*spans, resource={"service.name": service})) + field(1, resource + scope)

    status, answer = post(collector, body)

    assert (status, rejected(answer)) == (200, 0)
    assert counted(collector, service, 7) == (7, 7)
