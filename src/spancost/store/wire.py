"""How ClickHouse's HTTP interface words its answers: errors, media types, the handshake of clickhouse-go."""

from __future__ import annotations

import re

HELLO = "SELECT displayName(), version(), revision(), timezone()"
"""What clickhouse-go asks first on every connection."""
CUSTOM_SERIALIZATION_REVISION = 54454
"""From here on the Native format has a byte for each column that says whether it is serialised in a special way."""
_CONTENT_TYPES = {
    "Arrow": "application/vnd.apache.arrow.file",
    "ArrowStream": "application/vnd.apache.arrow.stream",
    "CSV": "text/csv; charset=UTF-8; header=absent",
    "CSVWithNames": "text/csv; charset=UTF-8; header=present",
    "JSON": "application/json; charset=UTF-8",
    "JSONCompact": "application/json; charset=UTF-8",
    "JSONEachRow": "application/x-ndjson; charset=UTF-8",
    "Native": "application/octet-stream",
    "Parquet": "application/vnd.apache.parquet",
    "RowBinary": "application/octet-stream",
    "TabSeparated": "text/tab-separated-values; charset=UTF-8",
    "TSV": "text/tab-separated-values; charset=UTF-8",
}
_STATUS_BY_CODE = {
    **dict.fromkeys((192, 193, 194, 497, 516), 403),
    **dict.fromkeys((46, 47, 60, 81, 115), 404),
    **dict.fromkeys((6, 26, 27, 36, 43, 53, 62, 69, 70, 72, 73, 164, 167, 306, 386, 396, 452, 456, 457), 400),
    **dict.fromkeys((159, 160), 408),
    48: 501,
}  # fmt: skip
_NESTED = re.compile(r"^(?:Code: (?P<code>\d+)\. DB::Exception: )+", re.DOTALL)
_NAME = re.compile(r"\(([A-Z][A-Z0-9_]+)\)\s*$")
_OUR_PARSING = re.compile(r": In scope SELECT (formatQuerySingleLine|parseQueryToJSON)\(.*", re.DOTALL)
_VERSION = re.compile(r"\s*\(version [^()]*\)\.?")


class Answered(Exception):
    """An error for the client, in ClickHouse's terms."""

    def __init__(self, code: int, name: str, message: str) -> None:
        self.code, self.name, self.message = code, name, message
        super().__init__(message)

    def body(self, version: str) -> bytes:
        """The text that ClickHouse would send."""
        return f"Code: {self.code}. DB::Exception: {self.message}. ({self.name}) (version {version})\n".encode()

    @property
    def status(self) -> int:
        """The HTTP status that ClickHouse would send."""
        return _STATUS_BY_CODE.get(self.code, 500)


def engine_error(text: str) -> Answered:
    """An error as the embedded engine words it ("Code: N. DB::Exception: Code: N. ... (NAME) (version V). (NAME)")."""
    at = text.find("Code: ")
    message = text[max(at, 0) :].strip()
    found = _NESTED.match(message)
    code = int(found["code"]) if found else 1000
    message = _VERSION.sub("", message[found.end() if found else 0 :])
    name = "UNKNOWN_EXCEPTION"
    while named := _NAME.search(message):
        name, message = named[1], message[: named.start()].rstrip(" .")
    return Answered(code, name, _OUR_PARSING.sub("", message).rstrip(" ."))


def content_type(output_format: str) -> str:
    """The media type that ClickHouse gives a format."""
    return _CONTENT_TYPES.get(output_format, "text/plain; charset=UTF-8")


def hello_block(revision: int, version: str) -> bytes:
    """The answer to `HELLO` in the Native format as a client of this revision reads it.

    It reports revision 0, at which the client reads every later block: the only one that the embedded engine writes.
    """
    # Block info: field 1 is_overflows = 0, field 2 bucket_num = -1, end of fields.
    block = b"\x01\x00\x02\xff\xff\xff\xff\x00" if revision > 0 else b""
    block += b"\x04\x01"
    serialization = b"\x00" if revision >= CUSTOM_SERIALIZATION_REVISION else b""
    for name, kind, value in (
        ("displayName()", "String", _string("spancost")),
        ("version()", "String", _string(version)),
        ("revision()", "UInt32", bytes(4)),
        ("timezone()", "String", _string("UTC")),
    ):
        block += _string(name) + _string(kind) + serialization + value
    return block


def _string(text: str) -> bytes:
    raw = text.encode()
    # A varint; seven bits are enough for every text here.
    return bytes([len(raw)]) + raw
