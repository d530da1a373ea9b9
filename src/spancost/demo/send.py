"""Sends requests to an OTLP/gRPC endpoint as a well-behaved exporter does."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, cast

import grpc
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]  # ships no types
from grpc_status import rpc_status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from spancost.demo.encode import Request
from spancost.errors import PermanentError, RetryableError

IN_FLIGHT = 4
PATIENCE = 120.0
"""Seconds for which one request is tried again."""

_EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
_ATTEMPT_SECONDS, _MAX_WAIT_SECONDS = 30.0, 5.0
_MAX_MESSAGES = 5


@dataclass(slots=True)
class Sent:
    """What the endpoint answered, summed up."""

    requests: int = 0
    spans: int = 0
    rejected: int = 0
    retries: int = 0
    messages: tuple[str, ...] = ()
    """The first few different messages of partial successes."""


@dataclass(frozen=True, slots=True)
class _Answer:
    request: Request
    response: Any
    retries: int


def send_all(
    requests: Iterable[Request],
    endpoint: str,
    *,
    headers: tuple[tuple[str, str], ...] = (),
    patience: float = PATIENCE,
    on_answer: Callable[[Request], None] = lambda request: None,
) -> Sent:
    """Send every request, a few at a time, and wait for all answers. `endpoint` is `host:port`.

    Raises RetryableError when the endpoint takes nothing for `patience` seconds, PermanentError when it refuses a
    request for good; nothing more is sent after either.
    """
    sent, waiting = Sent(), deque[Future[_Answer]]()
    with grpc.insecure_channel(endpoint) as channel, ThreadPoolExecutor(IN_FLIGHT) as pool:
        export: Any = channel.unary_unary(_EXPORT, response_deserializer=ExportTraceServiceResponse.FromString)
        try:
            for request in requests:
                if len(waiting) == IN_FLIGHT:
                    _note(sent, waiting.popleft().result(), on_answer)
                waiting.append(pool.submit(_send, export, request, headers, patience))
            while waiting:
                _note(sent, waiting.popleft().result(), on_answer)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
    return sent


def _note(sent: Sent, answer: _Answer, on_answer: Callable[[Request], None]) -> None:
    partial = answer.response.partial_success
    sent.requests += 1
    sent.spans += answer.request.spans
    sent.rejected += partial.rejected_spans
    sent.retries += answer.retries
    message = partial.error_message
    if message and message not in sent.messages and len(sent.messages) < _MAX_MESSAGES:
        sent.messages = (*sent.messages, message)
    on_answer(answer.request)


def _send(export: Any, request: Request, headers: tuple[tuple[str, str], ...], patience: float) -> _Answer:
    give_up, retries = time.monotonic() + patience, 0
    while True:
        try:
            response = export(request.body, timeout=_ATTEMPT_SECONDS, metadata=headers)
            return _Answer(request, response, retries)
        except grpc.RpcError as error:
            # What a call raises is the call as well: https://grpc.github.io/grpc/python/grpc.html#grpc.RpcError
            call = cast(grpc.Call, error)
            wait = _wait(call, retries)
            if wait is None:
                raise PermanentError(_text(call)) from error
            if time.monotonic() + wait > give_up:
                raise RetryableError(f"{_text(call)}; gave up after {patience:g} s") from error
            time.sleep(wait)
            retries += 1


def _wait(call: grpc.Call, retries: int) -> float | None:
    """Seconds until the next attempt: what the endpoint says, or longer each time; None if there is to be none.

    Which codes are retried: https://opentelemetry.io/docs/specs/otlp/#failures
    """
    told, code = _retry_info(call), call.code()
    if told is not None and code is grpc.StatusCode.RESOURCE_EXHAUSTED:
        return told
    if code not in _RETRYABLE:
        return None
    return told if told is not None else min(0.1 * 2 ** min(retries, 8), _MAX_WAIT_SECONDS)


_RETRYABLE = frozenset(
    {
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.OUT_OF_RANGE,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DATA_LOSS,
    }
)


def _retry_info(call: grpc.Call) -> float | None:
    status = rpc_status.from_call(call)
    for detail in status.details if status is not None else ():
        info = RetryInfo()
        if detail.Unpack(info):
            return float(info.retry_delay.ToTimedelta().total_seconds())
    return None


def _text(call: grpc.Call) -> str:
    return f"the collector answered {call.code().name}: {call.details()}"
