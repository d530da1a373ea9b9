"""The month goes out over OTLP/gRPC, and arrives."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import grpc
import pytest
from demo_months import UNTIL
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from grpc_status import rpc_status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)

from spancost.demo.command import Summary, run
from spancost.demo.encode import iter_requests
from spancost.demo.plan import make_plan
from spancost.errors import ConfigError, PermanentError, RetryableError

Answer = Callable[[bytes, grpc.ServicerContext], ExportTraceServiceResponse]


class Endpoint:
    """An OTLP endpoint that answers as it is told, and keeps what it accepted."""

    def __init__(self, refusals: int = 0, refuse: Callable[[grpc.ServicerContext], None] | None = None) -> None:
        self.accepted: list[bytes] = []
        self.refusals, self.refuse = refusals, refuse
        self.partial = ExportTracePartialSuccess()

    def __call__(self, body: bytes, context: grpc.ServicerContext) -> ExportTraceServiceResponse:
        if self.refuse is not None and self.refusals:
            self.refusals -= 1
            self.refuse(context)
        self.accepted.append(body)
        return ExportTraceServiceResponse(partial_success=self.partial)


@contextmanager
def serving(endpoint: Endpoint) -> Iterator[str]:
    """`host:port` of the endpoint, while it lasts. One worker, so refusals need no lock."""
    server = grpc.server(futures.ThreadPoolExecutor(1))
    handler = grpc.unary_unary_rpc_method_handler(
        endpoint, response_serializer=ExportTraceServiceResponse.SerializeToString
    )
    service = "opentelemetry.proto.collector.trace.v1.TraceService"
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {"Export": handler}),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(None).wait()


def send(endpoint: Endpoint, **options: Any) -> Summary:
    """Send a small month to an endpoint."""
    with serving(endpoint) as address:
        return run(endpoint=address, seed=5, until=UNTIL, days=7, calls=1_400, progress=False, **options)


def test_every_request_arrives_once_and_the_manifest_says_what_it_was(tmp_path: Path) -> None:
    """What is accepted is exactly the plan's requests, and summary and manifest agree on it."""
    endpoint, path = Endpoint(), tmp_path / "manifest.json"
    summary = send(endpoint, manifest=path)
    assert sorted(endpoint.accepted) == sorted(iter_requests(make_plan(5, UNTIL, 7, 1_400)))
    totals = json.loads(path.read_text())["totals"]
    assert (summary.calls, summary.spans, summary.cost) == (1_400, totals["spans"], Decimal(totals["cost"]))
    assert summary.requests == len(endpoint.accepted)
    assert not summary.rows_written
    assert any("revenue was not written" in line for line in summary.lines())


def test_rows_go_to_whom_takes_them() -> None:
    """Revenue comes for every customer, outcomes for the tasks that have one."""
    tables: dict[str, list[dict[str, Any]]] = {}
    summary = send(Endpoint(), write_rows=lambda table, rows: tables.setdefault(table, []).extend(rows))
    assert summary.rows_written
    assert len({row["customer"] for row in tables["revenue"]}) == 200
    assert {row["outcome"] for row in tables["outcomes"]} == {"success", "failure"}


def test_an_overloaded_endpoint_is_tried_again_when_it_says() -> None:
    """UNAVAILABLE with RetryInfo, or RESOURCE_EXHAUSTED with it, costs a retry and nothing else."""
    for code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED):
        endpoint = Endpoint(2, lambda context, code=code: context.abort_with_status(_come_back(code)))
        summary = send(endpoint)
        assert summary.retries == 2
        assert len(endpoint.accepted) == summary.requests


def test_an_endpoint_that_never_takes_anything_is_given_up() -> None:
    """When the endpoint wants to be asked again later than there is patience for, the command ends with its answer."""
    endpoint = Endpoint(99, lambda context: context.abort_with_status(_come_back(grpc.StatusCode.UNAVAILABLE, 3600)))
    with pytest.raises(RetryableError, match="UNAVAILABLE: no room"):
        send(endpoint)
    assert not endpoint.accepted


def test_a_refusal_for_good_ends_it() -> None:
    """A code that is not to be retried is raised with the endpoint's words, and the rest is not sent."""
    endpoint = Endpoint(1, lambda context: context.abort(grpc.StatusCode.UNAUTHENTICATED, "who are you"))
    with pytest.raises(PermanentError, match="UNAUTHENTICATED: who are you"):
        send(endpoint)


def test_rejected_spans_are_reported() -> None:
    """A partial success is counted and quoted, not retried."""
    endpoint = Endpoint()
    endpoint.partial = ExportTracePartialSuccess(rejected_spans=2, error_message="2 spans have bad ids")
    summary = send(endpoint)
    assert summary.rejected_spans == 2 * summary.requests == 2 * len(endpoint.accepted)
    assert summary.messages == ("2 spans have bad ids",)
    assert any("2 spans have bad ids" in line for line in summary.lines())


def test_a_manifest_that_cannot_be_written_stops_before_anything_is_sent(tmp_path: Path) -> None:
    """The mistake is told at once and not after the sending."""
    endpoint = Endpoint()
    with pytest.raises(ConfigError, match="manifest"):
        send(endpoint, manifest=tmp_path / "no" / "such" / "place.json")
    assert not endpoint.accepted


def test_the_progress_bar_reaches_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    """It counts calls, on standard error, up to all of them."""
    with serving(Endpoint()) as address:
        run(endpoint=address, seed=5, until=UNTIL, days=7, calls=1_400, progress=True)
    printed = capsys.readouterr()
    assert "1400/1400" in printed.err
    assert not printed.out


def _come_back(code: grpc.StatusCode, seconds: int = 0) -> Any:
    details = AnyMessage()
    details.Pack(RetryInfo(retry_delay=Duration(seconds=seconds)))
    return rpc_status.to_status(Status(code=code.value[0], message="no room", details=[details]))
