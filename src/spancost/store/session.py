"""One request's own connection to the embedded engine: checked, limited, and gone afterwards."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import chdb
from chdb import ChdbError

from spancost.store.embedded import connection_string
from spancost.store.fence import Allowed, Scope, check, check_named_table, described_query
from spancost.store.settings import Limits
from spancost.store.wire import Answered, engine_error

_NO_TREE = 36
_ALWAYS = {"do_not_merge_across_partitions_select_final": "1"}
"""What the views set for themselves, which with `readonly=1` they cannot."""
_CANCEL = "KILL QUERY WHERE Settings['log_comment'] = {id:String} ASYNC"
_TSV_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r", "\0": r"\0"})


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL with everything that comes with it."""

    sql: str
    database: str
    """The database that names without one mean; '' for the engine's default."""
    params: Mapping[str, str]
    """Values for placeholders as HTTP carries them: escaped like tab-separated values."""
    settings: Mapping[str, str]
    format: str
    """For the answer, unless the statement names one itself."""
    id: str
    """Unique; by it the statement can be cancelled."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a statement answered."""

    body: bytes
    format: str
    read_rows: int
    read_bytes: int
    seconds: float


class Engine:
    """The embedded engine on a directory, as the endpoint uses it. Every method blocks, and all are thread-safe.

    Each call has a connection of its own (1 ms), so no setting and no database outlives a request.
    """

    def __init__(self, directory: str, database: str, limits: Limits) -> None:
        self._path = connection_string(directory)
        self._database = database
        self._limits = limits
        # The engine stops with its last connection, and to start it again costs seconds on a large store.
        self._held = _connect(self._path)

    def close(self) -> None:
        """Let go of the engine, which stops when nothing else in the process uses it."""
        self._held.close()

    @cached_property
    def version(self) -> str:
        """ClickHouse's version."""
        with self._connection() as connection:
            return _text(connection, "SELECT version()")

    @cached_property
    def scope(self) -> Scope:
        """What readers may see. Read once: a table that is made later is not shown."""
        with self._connection() as connection:
            tables = _rows(connection, "SELECT database, name, engine FROM system.tables")
            databases = _rows(connection, "SELECT name FROM system.databases")
            functions = _rows(connection, "SELECT lower(name) FROM system.table_functions")
        ours = {name: engine for database, name, engine in tables if database == self._database}
        views = frozenset(name for name, engine in ours.items() if engine == "View")
        return Scope(
            database=self._database,
            views=views,
            hidden=frozenset(ours) - views,
            databases=frozenset(name for (name,) in databases),
            table_functions=frozenset(name for (name,) in functions),
            limits=self._limits,
        )

    def read(self, statement: Statement) -> Result:
        """Answer a statement that only reads what `scope` shows. Raises `Answered`."""
        with self._connection() as connection:
            sql, allowed = self._checked(connection, statement.sql)
            chosen = {**statement.settings, **allowed.settings, **_ALWAYS, "log_comment": statement.id, "readonly": "1"}
            _prepare(connection, statement.database, chosen)
            return _result(connection, sql, allowed.format or statement.format, statement.params)

    def write(self, statement: Statement, rows: bytes) -> Result:
        """Run a statement unchecked; with `rows`, an INSERT of rows in `statement.format`. Raises `Answered`."""
        with self._connection() as connection:
            _prepare(connection, statement.database, statement.settings)
            if not rows:
                return _result(connection, statement.sql, statement.format, statement.params)
            try:
                with connection.send_insert(statement.sql, statement.format) as insert:
                    insert.append(rows)
                    insert.finish()
            except RuntimeError as error:
                raise engine_error(str(error)) from None
            return Result(b"", statement.format, 0, 0, 0.0)

    def cancel(self, statement_id: str) -> None:
        """Stop a statement that is being answered; nothing happens when there is none."""
        with self._connection() as connection:
            _run(connection, _CANCEL, params={"id": _escaped(statement_id)})

    def _checked(self, connection: Any, sql: str) -> tuple[str, Allowed]:
        # What runs is the statement as ClickHouse writes it, so it is what was checked, to the letter.
        normalised = _text(connection, "SELECT formatQuerySingleLine({sql:String})", sql=sql)
        tree = self._tree(connection, described_query(normalised) or normalised)
        return normalised, check(tree, self.scope) if tree else check_named_table(normalised, self.scope)

    def _tree(self, connection: Any, sql: str) -> dict[str, Any]:
        try:
            tree: dict[str, Any] = json.loads(_text(connection, "SELECT parseQueryToJSON({sql:String})", sql=sql))
        except Answered as error:
            if error.code == _NO_TREE:
                return {}
            raise
        except RecursionError:
            raise Answered(306, "TOO_DEEP_RECURSION", "The statement is nested too deeply") from None
        return tree

    @contextmanager
    def _connection(self) -> Iterator[Any]:
        connection = _connect(self._path)
        try:
            yield connection
        finally:
            connection.close()


def _connect(path: str) -> Any:
    return chdb.connect(path)  # type: ignore[no-untyped-call] # chdb has no types


def _prepare(connection: Any, database: str, settings: Mapping[str, str]) -> None:
    if database:
        _run(connection, f"USE {_backticked(database)}")
    if settings:
        _run(connection, f"SET {_assignments(settings)}")


def _result(connection: Any, sql: str, output_format: str, params: Mapping[str, str]) -> Result:
    answer = _run(connection, sql, output_format, params)
    # A copy: chdb's own view dies with the answer.
    return Result(answer.bytes(), output_format, answer.rows_read(), answer.bytes_read(), answer.elapsed())


def _run(connection: Any, sql: str, output_format: str = "TSVRaw", params: Mapping[str, str] | None = None) -> Any:
    try:
        return connection.query(sql, output_format, params=dict(params or {}))
    except (ChdbError, RuntimeError) as error:
        raise engine_error(str(error)) from None


def _text(connection: Any, query: str, **params: str) -> str:
    escaped = {name: _escaped(value) for name, value in params.items()}
    text: str = _run(connection, query, "TSVRaw", escaped).bytes().decode()
    return text.removesuffix("\n")


def _rows(connection: Any, query: str) -> list[list[str]]:
    lines = _run(connection, query, "JSONCompactEachRow").bytes().splitlines()
    return [json.loads(line) for line in lines]


def _escaped(value: str) -> str:
    return value.translate(_TSV_ESCAPES)


def _assignments(settings: Mapping[str, str]) -> str:
    return ", ".join(f"{name} = {_literal(value)}" for name, value in settings.items())


def _literal(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _backticked(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace("`", "\\`")
    return f"`{escaped}`"
