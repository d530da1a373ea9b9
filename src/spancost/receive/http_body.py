"""Reads the body of an HTTP request within a limit."""

from __future__ import annotations

from starlette.requests import Request

from spancost.errors import Malformed
from spancost.receive.compression import too_large


async def read_body(request: Request, limit: int) -> bytes:
    """All of the body, as sent. Raises TooLarge (before reading, where the length is announced) and Malformed.

    What is not read, the server reads and forgets, so that a client that is still sending comes to see the answer.
    """
    if int(request.headers.get("content-length", "0")) > limit:
        raise too_large(limit)
    parts: list[bytes] = []
    size, more = 0, True
    while more:
        message = await request.receive()
        if message["type"] != "http.request":
            raise Malformed("the body broke off")
        parts.append(message.get("body", b""))
        size, more = size + len(parts[-1]), message.get("more_body", False)
        if size > limit:
            raise too_large(limit)
    return b"".join(parts)
