"""Sending files of OTLP to a collector, over the same protocols as tracers do."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Literal

import grpc
from google.protobuf.message import DecodeError
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # ships no types
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from spancost.client import CommandFailed
from spancost.config_values import HostPort
from spancost.errors import PermanentError
from spancost.receive.otlp_json import traces_to_protobuf

Protocol = Literal["grpc", "http"]

_EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
_TIMEOUT_SECONDS = 30.0
_CONTENT = re.compile(r"\S")
_UNLIMITED = (("grpc.max_send_message_length", -1),)


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a file: the spans in it, those the collector refused, and its words on that."""

    spans: int
    rejected: int
    message: str


def read_requests(path: Path) -> list[ExportTraceServiceRequest]:
    """The trace requests of a file: one in protobuf, or any number in OTLP/JSON, one after the other.

    Raises CommandFailed when the file cannot be read or is neither.
    """
    try:
        body = path.read_bytes()
    except OSError as error:
        raise CommandFailed(f"{path}: cannot be read: {error.strerror}") from error
    try:
        if body.lstrip().startswith(b"{"):
            return [_parsed(traces_to_protobuf(document)) for document in _documents(body)]
        return [_parsed(body)]
    except (DecodeError, PermanentError, ValueError) as error:
        raise CommandFailed(f"{path}: not a trace request in OTLP, neither JSON nor protobuf: {error}") from error


def send(
    requests: Sequence[ExportTraceServiceRequest], endpoint: HostPort, protocol: Protocol, token: str | None
) -> Sent:
    """Send the requests one after the other. Raises CommandFailed at the first that is refused as a whole."""
    export = _grpc if protocol == "grpc" else _http
    answers = [export(request, endpoint, token).partial_success for request in requests]
    return Sent(
        spans=sum(_spans(request) for request in requests),
        rejected=sum(answer.rejected_spans for answer in answers),
        message="; ".join(dict.fromkeys(answer.error_message for answer in answers if answer.error_message)),
    )


def _documents(body: bytes) -> Iterator[bytes]:
    """Each JSON document of a file; the Collector's file exporter writes one a line."""
    decoder, text, end = json.JSONDecoder(), body.decode("utf-8").strip(), 0
    while end < len(text):
        start = next(_CONTENT.finditer(text, end)).start()
        _, end = decoder.raw_decode(text, start)
        yield text[start:end].encode()


def _parsed(body: bytes) -> ExportTraceServiceRequest:
    return ExportTraceServiceRequest.FromString(body)


def _spans(request: ExportTraceServiceRequest) -> int:
    return sum(len(scope.spans) for resource in request.resource_spans for scope in resource.scope_spans)


def _grpc(request: ExportTraceServiceRequest, endpoint: HostPort, token: str | None) -> ExportTraceServiceResponse:
    metadata = (("authorization", f"Bearer {token}"),) if token else ()
    try:
        with grpc.insecure_channel(str(endpoint), options=_UNLIMITED) as channel:
            export = channel.unary_unary(
                _EXPORT,
                request_serializer=ExportTraceServiceRequest.SerializeToString,
                response_deserializer=ExportTraceServiceResponse.FromString,
            )
            return export(request, timeout=_TIMEOUT_SECONDS, metadata=metadata)
    except grpc.RpcError as error:
        raise CommandFailed(f"{endpoint} (OTLP/gRPC) refused: {error.code().name}: {error.details()}") from error


def _http(request: ExportTraceServiceRequest, endpoint: HostPort, token: str | None) -> ExportTraceServiceResponse:
    headers = {"Content-Type": "application/x-protobuf"} | ({"Authorization": f"Bearer {token}"} if token else {})
    connection = HTTPConnection(endpoint.host, endpoint.port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("POST", "/v1/traces", request.SerializeToString(), headers)
        response = connection.getresponse()
        body = response.read()
    except (OSError, HTTPException) as error:
        raise CommandFailed(f"{endpoint} (OTLP/HTTP) does not answer: {error}") from error
    finally:
        connection.close()
    if response.status != HTTPStatus.OK:
        raise CommandFailed(f"{endpoint} (OTLP/HTTP) refused: {response.status}: {_status_message(body)}")
    return ExportTraceServiceResponse.FromString(body)


def _status_message(body: bytes) -> str:
    try:
        return str(Status.FromString(body).message)
    except DecodeError:
        return body.decode("utf-8", "replace").strip()
