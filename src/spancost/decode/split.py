"""A request taken apart, for when something in it must not cost the rest."""

from __future__ import annotations

from collections.abc import Iterator

from google.protobuf.message import DecodeError

from spancost.decode import wire


def single_spans(body: bytes) -> Iterator[bytes]:
    """Every span of a request as a request of its own, with its resource and scope."""
    try:
        message = wire.Request.FromString(body)
    except DecodeError:
        return
    for resource_spans in message.resource_spans:
        for scope_spans in resource_spans.scope_spans:
            for span in scope_spans.spans:
                alone = wire.Request()
                group = alone.resource_spans.add(resource=resource_spans.resource)
                group.scope_spans.add(scope=scope_spans.scope, spans=[span])
                yield alone.SerializeToString()
