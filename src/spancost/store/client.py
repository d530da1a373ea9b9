"""The one way to ClickHouse: the embedded engine (`chdb://`) or a server (`clickhouse[s]://`), with the same SQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import Lock
from types import TracebackType
from typing import Any
from urllib.parse import unquote, urlsplit

import clickhouse_connect
import pyarrow as pa
from clickhouse_connect.driver.client import Client

from spancost.errors import ConfigError
from spancost.store.embedded import ENGINE_OPTIONS, engine_path
from spancost.store.errors import translated
from spancost.store.partitions import by_day_groups

_HTTP_PORTS = {"clickhouse": 8123, "clickhouses": 8443}
_SETTINGS = {
    "output_format_arrow_compression_method": "none",
    "output_format_arrow_string_as_string": 1,
    # Not the zone of the machine or the server, so that the same SQL means the same everywhere.
    "session_timezone": "UTC",
}
# async_insert answers before rows are visible; optimize_on_insert would collapse a batch that we made unique ourselves.
_INSERT_SETTINGS = {"async_insert": 0, "optimize_on_insert": 0}
_DAY_COLUMNS = {"spans_ledger": "start_time"}
_CONNECT_SECONDS = 10


class Store:
    """ClickHouse with one database in use. Safe to share between threads: each call has a connection of its own.

    Every method raises `StoreError` when a later try may succeed and `StoreRejected` when it would not.
    """

    def __init__(self, connect: Callable[[], Client], database: str, name: str) -> None:
        self.database = database
        self.name = name
        self._connect = connect
        self._idle: list[Client] = []
        self._lock = Lock()
        self._closed = False

    @property
    def address(self) -> str:
        """`host:port` of a server, the directory of an embedded engine."""
        return self.name.partition("://")[2]

    def __repr__(self) -> str:
        return f"Store({self.name}, database={self.database})"

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def insert(self, table: str, rows: pa.Table) -> None:
        """Write rows, durable and visible when this returns. Columns that are NULL throughout are left to the default.

        Rows of many days go in as several inserts, so after an error some may be stored: write them all again.
        """
        for part in by_day_groups(rows, _DAY_COLUMNS.get(table)):
            with self._client() as client:
                client.insert_arrow(table, _sendable(part), settings=_INSERT_SETTINGS)

    def query(
        self, sql: str, params: Mapping[str, Any] | None = None, settings: Mapping[str, Any] | None = None
    ) -> pa.Table:
        """The rows of one SELECT. `params` fill placeholders such as `{day:Date}`."""
        with self._client() as client:
            answer = client.raw_query(sql, dict(params or {}), dict(settings or {}), fmt="ArrowStream")
            with pa.ipc.open_stream(answer) as stream:
                return stream.read_all()

    def command(self, sql: str, params: Mapping[str, Any] | None = None) -> None:
        """Run one statement that answers no rows."""
        with self._client() as client:
            client.command(sql, dict(params or {}))

    def create_database(self) -> None:
        """Make the database unless it is there."""
        with self._client() as client:
            client.command(f"CREATE DATABASE IF NOT EXISTS {_quoted(self.database)}", use_database=False)

    def ping(self) -> bool:
        """Whether ClickHouse answers."""
        with self._client() as client:
            return client.ping()

    def close(self) -> None:
        """Close every connection; those in use close when they are done. Safe twice."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for client in idle:
            client.close()

    @contextmanager
    def _client(self) -> Iterator[Client]:
        with translated():
            client = self._take()
            try:
                yield client
            finally:
                self._give_back(client)

    def _take(self) -> Client:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        client = self._connect()
        # Set here and not on connecting, so that a store can be opened before its database is made.
        client.database = self.database
        return client

    def _give_back(self, client: Client) -> None:
        with self._lock:
            if not self._closed:
                self._idle.append(client)
                return
        client.close()


def open_store(url: str, database: str) -> Store:
    """The store at `chdb:///absolute/dir` or `clickhouse[s]://[user[:password]@]host[:port]`.

    Nothing is contacted yet. An embedded engine opens one directory for the life of the process.
    """
    parts = urlsplit(url)
    if parts.scheme == "chdb" and not parts.netloc and parts.path:
        return Store(lambda: _connect_embedded(unquote(parts.path)), database, f"chdb://{parts.path}")
    if parts.scheme in _HTTP_PORTS and parts.hostname:
        server = _server_options(url)
        return Store(lambda: _connect_server(server), database, f"{parts.scheme}://{server['host']}:{server['port']}")
    raise ConfigError(["store.url: want chdb:///absolute/directory or clickhouse[s]://user:password@host:port"])


def _connect_embedded(directory: str) -> Client:
    return clickhouse_connect.get_client(
        interface="chdb", path=engine_path(directory), chdb_options=dict(ENGINE_OPTIONS), settings=_SETTINGS
    )


def _connect_server(options: Mapping[str, Any]) -> Client:
    return clickhouse_connect.get_client(
        **options, settings=_SETTINGS, autogenerate_session_id=False, connect_timeout=_CONNECT_SECONDS
    )


def _server_options(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    return {
        "interface": "https" if parts.scheme == "clickhouses" else "http",
        "host": parts.hostname,
        "port": parts.port or _HTTP_PORTS[parts.scheme],
        "username": unquote(parts.username or "default"),
        "password": unquote(parts.password or ""),
    }


def _sendable(rows: pa.Table) -> pa.Table:
    """One chunk a column (the Arrow file format allows one dictionary a column), without columns that are all NULL."""
    known = [name for name in rows.column_names if rows[name].null_count < len(rows)]
    return rows.select(known).unify_dictionaries().combine_chunks()


def _quoted(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace("`", "\\`")
    return f"`{escaped}`"
