"""The one rule for ids that every stage uses."""

from __future__ import annotations

_TRACE_BYTES = 16
_SPAN_BYTES = 8
_NO_TRACE = bytes(_TRACE_BYTES)
_NO_SPAN = bytes(_SPAN_BYTES)


def bad_id(trace_id: bytes, span_id: bytes) -> bool:
    """Whether a span with these ids must be refused: a trace id is 16 bytes and a span id 8, neither all zero.

    Source: https://opentelemetry.io/docs/specs/otel/trace/api/#spancontext
    """
    if len(trace_id) != _TRACE_BYTES or len(span_id) != _SPAN_BYTES:
        return True
    return trace_id == _NO_TRACE or span_id == _NO_SPAN
