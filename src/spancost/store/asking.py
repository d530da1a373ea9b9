"""What a request to ClickHouse's HTTP interface asks: SQL, parameters, settings, format and credentials."""

from __future__ import annotations

import re
import zlib
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Mapping
from dataclasses import dataclass

from spancost.store.wire import Answered

_PARAM = "param_"
_ID = re.compile(r"[!-~]{1,200}")
_INSERT = re.compile(rb"(?P<into>\s*INSERT\s.*?)\sFORMAT\s+(?P<format>\w+)\s*", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom a request says it is from, or whom to let in."""

    user: str
    password: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, read but not judged."""

    sql: str
    rows: bytes
    """Rows of an INSERT whose statement came in the URL."""
    format: str
    """What the request asks for outside the statement; for rows, the format they are in."""
    database: str
    params: Mapping[str, str]
    settings: Mapping[str, str]
    """Every other parameter of the URL."""
    revision: int
    """Protocol revision of a native client, 0 for any other."""
    id: str
    """Query id that the client chose, '' when it chose none that fits into a header."""


def read_request(query: Mapping[str, str], headers: Mapping[str, str], body: bytes) -> Asked:
    """Read a request. Header names are in lower case; `body` is as it came. Raises `Answered`."""
    if query.get("compress") == "1" or query.get("decompress") == "1":
        raise Answered(48, "NOT_IMPLEMENTED", "Native compression is not spoken here; use HTTP compression instead")
    if headers.get("content-type", "").startswith("multipart/"):
        raise Answered(48, "NOT_IMPLEMENTED", "Data sent along with a query is not taken here")
    sql, rows, rows_format = _statement(query.get("query", "").encode(), body)
    asked_format = headers.get("x-clickhouse-format") or query.get("default_format") or "TabSeparated"
    return Asked(
        sql=_utf8(sql).strip(),
        rows=rows,
        format=rows_format or asked_format,
        database=headers.get("x-clickhouse-database") or query.get("database", ""),
        params={name[len(_PARAM) :]: value for name, value in query.items() if name.startswith(_PARAM)},
        settings={name: value for name, value in query.items() if not name.startswith(_PARAM)},
        revision=_revision(query.get("client_protocol_version", "")),
        id=query.get("query_id", "") if _ID.fullmatch(query.get("query_id", "")) else "",
    )


def read_identity(query: Mapping[str, str], headers: Mapping[str, str]) -> Identity:
    """The credentials of a request, wherever it carries them."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            user, _, password = b64decode(token, validate=True).decode().partition(":")
        except (NotBase64, UnicodeDecodeError):
            return Identity("", "")
        return Identity(user, password)
    if "x-clickhouse-user" in headers:
        return Identity(_header_text(headers["x-clickhouse-user"]), _header_text(headers.get("x-clickhouse-key", "")))
    return Identity(query.get("user", ""), query.get("password", ""))


def decompressed(body: bytes, encoding: str, limit: int) -> bytes:
    """The body without its Content-Encoding, of at most `limit` bytes. Raises `Answered`."""
    if encoding not in ("", "identity", "gzip", "deflate"):
        raise Answered(48, "NOT_IMPLEMENTED", f"The content encoding {encoding} is not spoken here; gzip is")
    if encoding in ("gzip", "deflate"):
        inflate = zlib.decompressobj(zlib.MAX_WBITS | 32)
        try:
            body = inflate.decompress(body, limit + 1)
        except zlib.error as error:
            raise Answered(354, "ZLIB_INFLATE_FAILED", f"The body is not {encoding}: {error}") from None
    if len(body) > limit:
        raise Answered(62, "SYNTAX_ERROR", f"The statement is longer than {limit} bytes")
    return body


def _statement(in_url: bytes, body: bytes) -> tuple[bytes, bytes, str]:
    insert = _INSERT.fullmatch(in_url)
    if insert is None:
        return in_url + b"\n" + body if body else in_url, b"", ""
    return insert["into"], body, insert["format"].decode()


def _utf8(sql: bytes) -> str:
    try:
        return sql.decode()
    except UnicodeDecodeError:
        raise Answered(62, "SYNTAX_ERROR", "The statement is not UTF-8") from None


def _header_text(value: str) -> str:
    # HTTP libraries hand headers on as Latin-1; clients mean UTF-8.
    return value.encode("latin-1").decode("utf-8", "replace")


def _revision(value: str) -> int:
    return int(value) if value.isascii() and value.isdigit() else 0
