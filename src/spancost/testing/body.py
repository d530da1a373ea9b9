"""The body of an HTTP request, which Python's own HTTP server leaves to its handlers."""

from email.message import Message
from io import BufferedIOBase


def read_body(headers: Message, stream: BufferedIOBase) -> bytes:
    """The whole body, by Content-Length or in chunks (as OpenTelemetry's exporter for JavaScript sends it)."""
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return _read_chunks(stream)
    return stream.read(int(headers.get("content-length", "0")))


def _read_chunks(stream: BufferedIOBase) -> bytes:
    body = bytearray()
    while size := int(stream.readline().partition(b";")[0], 16):
        body += stream.read(size)
        stream.readline()
    # Trailers, which no sender of ours has, end with an empty line.
    while stream.readline().strip():
        pass
    return bytes(body)
