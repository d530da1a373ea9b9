"""Our errors as OTLP answers, the same decision for both transports.

Rules: https://opentelemetry.io/docs/specs/otlp/#failures and #failures-1. What a client may send again gets a code that
says so, everything else one that makes it drop the data and count it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from http import HTTPStatus

from google.protobuf.duration_pb2 import Duration
from google.rpc.code_pb2 import Code  # type: ignore[import-untyped]  # ships no types
from google.rpc.error_details_pb2 import BadRequest, RetryInfo  # type: ignore[import-untyped]  # ships no types
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # ships no types

from spancost.errors import Malformed, Overloaded, PermanentError, TooLarge, Unauthenticated, Unsupported

_RETRY_AFTER = 1.0

_PERMANENT: dict[type[PermanentError], tuple[int, HTTPStatus, str]] = {
    Malformed: (Code.INVALID_ARGUMENT, HTTPStatus.BAD_REQUEST, "malformed"),
    TooLarge: (Code.RESOURCE_EXHAUSTED, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large"),
    Unsupported: (Code.UNIMPLEMENTED, HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported"),
    Unauthenticated: (Code.UNAUTHENTICATED, HTTPStatus.UNAUTHORIZED, "unauthenticated"),
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """How a request is refused: a gRPC code, an HTTP status, words for the sender, and a reason fit for a label.

    `retry_after` is in seconds; None means that the same data would fail again.
    """

    code: int
    http: HTTPStatus
    reason: str
    message: str
    retry_after: float | None = None


NOT_FOUND = Refusal(
    Code.NOT_FOUND, HTTPStatus.NOT_FOUND, "unsupported", "OTLP is taken at /v1/traces, /v1/logs and /v1/metrics"
)
NOT_A_POST = Refusal(Code.UNIMPLEMENTED, HTTPStatus.METHOD_NOT_ALLOWED, "unsupported", "OTLP is sent with POST")


def refusal(error: Exception) -> Refusal:
    """The refusal for an error. What is not known to be permanent may be sent again, and its words stay inside."""
    for kind, (code, http, reason) in _PERMANENT.items():
        if isinstance(error, kind):
            return Refusal(code, http, reason, str(error))
    if isinstance(error, Overloaded):
        return _come_back("overloaded", str(error), error.retry_after)
    return _come_back("internal", "an error inside the collector; send the request again", _RETRY_AFTER)


def rpc_status(refused: Refusal) -> Status:
    """The refusal as a google.rpc.Status with its details."""
    status = Status(code=refused.code, message=refused.message)
    if refused.retry_after is not None:
        status.details.add().Pack(retry_info(refused.retry_after))
    if refused.code == Code.INVALID_ARGUMENT:
        violation = BadRequest.FieldViolation(description=refused.message)
        status.details.add().Pack(BadRequest(field_violations=[violation]))
    return status


def retry_info(seconds: float) -> RetryInfo:
    """A RetryInfo. Clients of OTLP give up when it is longer than the time they have left, so keep it to 1-2 s."""
    whole = math.floor(seconds)
    return RetryInfo(retry_delay=Duration(seconds=whole, nanos=round((seconds - whole) * 1e9)))


def _come_back(reason: str, message: str, seconds: float) -> Refusal:
    return Refusal(Code.UNAVAILABLE, HTTPStatus.SERVICE_UNAVAILABLE, reason, message, seconds)
