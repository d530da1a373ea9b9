"""OTLP over HTTP: `/v1/traces`, `/v1/logs` and `/v1/metrics`, in protobuf and JSON on one port.

Rules: https://opentelemetry.io/docs/specs/otlp/#otlphttp. The answer comes in the encoding of the request, and every
error is a google.rpc.Status in it. The event loop only reads and writes; what takes time or waits runs in threads.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus

import structlog
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from spancost.errors import Unsupported
from spancost.receive import otlp_json, scan
from spancost.receive.auth import authenticate
from spancost.receive.compression import decompress
from spancost.receive.http_body import read_body
from spancost.receive.intake import Receipt
from spancost.receive.observe import Signal
from spancost.receive.service import Service
from spancost.receive.status import NOT_A_POST, NOT_FOUND, Refusal, refusal, rpc_status

_PROTOBUF, _JSON = "application/x-protobuf", "application/json"
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Answer:
    """A response message, in protobuf and in JSON."""

    protobuf: bytes
    json: bytes


_Handle = Callable[[bytes, bool], _Answer]
"""From an uncompressed body, and whether it is JSON, to the answer; may block and raise anything."""

_SUCCESS = _Answer(b"", b"{}")


def otlp_app(service: Service) -> Starlette:
    """The application, with `service.workers` threads of its own."""
    pool = ThreadPoolExecutor(service.workers, thread_name_prefix="otlp-http")
    handles = {
        "/v1/traces": _accepting(service),
        "/v1/logs": _dropping(service, "logs", scan.count_log_records, otlp_json.count_log_records),
        "/v1/metrics": _dropping(service, "metrics", scan.count_data_points, otlp_json.count_data_points),
    }
    routes = [Route(path, _endpoint(service, pool, handle), methods=_METHODS) for path, handle in handles.items()]
    return Starlette(routes=routes, exception_handlers={HTTPException: _not_found})


def _endpoint(
    service: Service, pool: ThreadPoolExecutor, handle: _Handle
) -> Callable[[Request], Awaitable[Response]]:
    def work(sent: bytes, encoding: str, is_json: bool) -> Response:
        answer = handle(decompress(sent, encoding, service.max_request_bytes), is_json)
        return Response(answer.json, media_type=_JSON) if is_json else Response(answer.protobuf, media_type=_PROTOBUF)

    async def endpoint(request: Request) -> Response:
        if request.method != "POST":
            return _refuse(request, service, NOT_A_POST)
        try:
            authenticate(service.credentials, request.headers.get("authorization"))
            is_json = _is_json(request)
            sent = await read_body(request, service.max_request_bytes)
            encoding = request.headers.get("content-encoding", "")
            return await asyncio.get_running_loop().run_in_executor(pool, work, sent, encoding, is_json)
        except Exception as error:
            refused = refusal(error)
            if refused.reason == "internal":
                _log.error("request_failed", transport="http", exc_info=error)
            return _refuse(request, service, refused)

    return endpoint


def _accepting(service: Service) -> _Handle:
    def accept(body: bytes, is_json: bool) -> _Answer:
        receipt = service.accept(otlp_json.traces_to_protobuf(body) if is_json else body)
        service.observe.accepted("http", receipt.taken)
        if not receipt.rejected:
            return _SUCCESS
        service.observe.refused("http", "bad_id", spans=receipt.rejected)
        return _partial(receipt)

    return accept


def _dropping(
    service: Service, signal: Signal, count: Callable[[bytes], int], count_json: Callable[[bytes], int]
) -> _Handle:
    def drop(body: bytes, is_json: bool) -> _Answer:
        service.observe.dropped(signal, count_json(body) if is_json else count(body))
        return _SUCCESS

    return drop


def _partial(receipt: Receipt) -> _Answer:
    partial = ExportTracePartialSuccess(rejected_spans=receipt.rejected, error_message=receipt.message)
    response = ExportTraceServiceResponse(partial_success=partial)
    as_json = {"partialSuccess": {"rejectedSpans": str(receipt.rejected), "errorMessage": receipt.message}}
    return _Answer(response.SerializeToString(), json.dumps(as_json).encode())


def _is_json(request: Request) -> bool:
    """Raises Unsupported when the content type is neither of the two."""
    content_type = _content_type(request)
    if content_type not in (_PROTOBUF, _JSON):
        raise Unsupported(f"the content type must be {_PROTOBUF} or {_JSON}")
    return content_type == _JSON


def _content_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _refuse(request: Request, service: Service, refused: Refusal) -> Response:
    service.observe.refused("http", refused.reason, requests=1)
    return _status(request, refused)


async def _not_found(request: Request, _: Exception) -> Response:
    return _status(request, NOT_FOUND)


def _status(request: Request, refused: Refusal) -> Response:
    """A google.rpc.Status in the encoding of the request; where that is neither of the two, in JSON."""
    if _content_type(request) == _PROTOBUF:
        return Response(rpc_status(refused).SerializeToString(), refused.http, _headers(refused), _PROTOBUF)
    body = json.dumps({"code": refused.code, "message": refused.message})
    return Response(body, refused.http, _headers(refused), _JSON)


def _headers(refused: Refusal) -> dict[str, str]:
    headers = {}
    if refused.retry_after is not None:
        headers["Retry-After"] = str(max(1, round(refused.retry_after)))
    if refused.http is HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Bearer, Basic realm="spancost"'
    if refused.http is HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = "POST"
    return headers
