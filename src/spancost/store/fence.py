"""What a reader may ask: the tree of a parsed statement, checked against what this endpoint shows.

The tree is ClickHouse's own (`parseQueryToJSON`), so no spelling, quoting or comment hides anything from these rules.
They refuse whatever they do not know. The engine is a second fence: it runs every query with `readonly=1`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from spancost.store.settings import Limits, refused_setting
from spancost.store.wire import Answered

Node = Mapping[str, Any]

SYSTEM_TABLES = frozenset({
    "columns", "data_type_families", "databases", "formats", "functions", "numbers", "one", "settings", "tables",
    "time_zones", "zeros",
})  # fmt: skip
"""Tables of the database `system` that clients read to learn what is there."""
TABLE_FUNCTIONS = frozenset({
    "generate_series", "generateseries", "numbers", "numbers_mt", "sqlstandardvalues", "values", "zeros", "zeros_mt",
})  # fmt: skip
"""Table functions that make rows out of nothing, in lower case."""
_FUNCTIONS_REFUSED = re.compile(
    r"ai[a-z]+|address(line|to).*|catboost.*|dict.*|eval.*|executable.*|file|filesystem.*|fuzzquery|getclienthttp.*"
    r"|getmacro|getserver.*|hascolumnintable|input|joinget.*|log(trace|debug)|merge|naivebayes.*|python.*|region(in|to).*"
    r"|remote.*|showcertificate|sleep.*|structureto.*|url|zookeeper.*",
    re.IGNORECASE,
)
"""Functions that read files, the network, other tables or the process, or that only wait."""
_IN_OPERATORS = re.compile(r"(global)?(not)?(null)?in(ignoreset)?", re.IGNORECASE)
_STATEMENTS = frozenset({
    "ExplainQuery", "SelectWithUnionQuery", "ShowColumnsQuery", "ShowFunctionsQuery", "ShowIndexesQuery",
    "ShowTablesQuery",
})  # fmt: skip
_PARTS = frozenset({
    "SelectIntersectExceptQuery", "SelectQuery", "SelectWithUnionQuery", "SetQuery", "TablesInSelectQuery",
})  # fmt: skip
_EXPLAINS = frozenset({
    "EXPLAIN", "EXPLAIN AST", "EXPLAIN ESTIMATE", "EXPLAIN PIPELINE", "EXPLAIN PLAN", "EXPLAIN QUERY TREE",
    "EXPLAIN SYNTAX",
})  # fmt: skip
_NAMED_TABLE = re.compile(
    r"(?:DESCRIBE TABLE|EXISTS TABLE|EXISTS VIEW|SHOW CREATE TABLE|SHOW CREATE VIEW) "
    r"(?:(?P<database>\w+|`(?:[^`\\]|\\.)*`)\.)?(?P<table>\w+|`(?:[^`\\]|\\.)*`)"
    r"(?: FORMAT (?P<format>\w+))?"
)
_DESCRIBED = re.compile(r"DESCRIBE TABLE \((?P<query>.*)\)(?: FORMAT \w+)?", re.DOTALL)
_READONLY, _DENIED, _SETTING = 164, 497, 452


@dataclass(frozen=True, slots=True)
class Scope:
    """What there is to see."""

    database: str
    views: frozenset[str]
    """Tables of `database` that may be read."""
    hidden: frozenset[str]
    """Tables of `database` that may not."""
    databases: frozenset[str]
    """Every database that exists."""
    table_functions: frozenset[str]
    """Names of every table function, in lower case."""
    limits: Limits


@dataclass(frozen=True, slots=True)
class Allowed:
    """A statement that may run."""

    format: str = ""
    """Output format that the statement itself asks for, '' when it asks for none."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Settings that it sets itself, to be set for the session too: with `readonly=1` it could not change them."""


def check(tree: Node, scope: Scope) -> Allowed:
    """Let a statement pass that only reads what `scope` shows; raise `Answered` for every other."""
    kind = tree.get("type", "")
    if kind not in _STATEMENTS:
        raise _not_reading(str(kind).removesuffix("Query").upper())
    if kind == "ExplainQuery" and tree.get("kind") not in _EXPLAINS:
        raise _not_reading(str(tree.get("kind")))
    if any(node.get("param_type") == "Identifier" for node in _nodes(tree)):
        raise Answered(_DENIED, "ACCESS_DENIED", "Parameters of the type Identifier are not taken here")
    names = {node["name"] for node in _nodes(tree) if node.get("type") == "WithElement"}
    for node in _nodes(tree):
        _check_node(node, scope, names)
    return Allowed(_format(tree), _settings(tree, scope.limits))


def described_query(normalised: str) -> str:
    """The query in `DESCRIBE TABLE (query)`, '' for any other statement."""
    found = _DESCRIBED.fullmatch(normalised)
    return found["query"] if found else ""


def check_named_table(normalised: str, scope: Scope) -> Allowed:
    """The same for DESCRIBE, EXISTS and SHOW CREATE of one table, for which ClickHouse gives no tree.

    `normalised` is the statement as `formatQuerySingleLine` writes it.
    """
    found = _NAMED_TABLE.fullmatch(normalised)
    if found is None:
        raise _not_reading(" ".join(normalised.split()[:2]))
    parts = [_unquoted(part) for part in (found["database"], found["table"]) if part]
    _check_table(parts, scope, set())
    return Allowed(found["format"] or "")


def _check_node(node: Node, scope: Scope, names: set[str]) -> None:
    kind = str(node.get("type", ""))
    if "out_file" in node:
        raise _not_reading("INTO OUTFILE")
    if kind.endswith("Query") and kind not in _STATEMENTS | _PARTS:
        raise _not_reading(kind.removesuffix("Query").upper())
    if kind == "TableIdentifier":
        _check_table(_name_parts(node), scope, names)
    elif kind == "Identifier":
        _check_identifier(_name_parts(node), scope)
    elif kind == "Function":
        _check_function(node, scope, names)
    elif "func_name" in node:
        _check_function_name(str(node["func_name"]))
    elif kind == "TableExpression" and "table_function" in node:
        _check_table_function(node["table_function"])
    elif kind in ("ShowColumnsQuery", "ShowIndexesQuery"):
        _check_table([part for part in (_database_of(node), str(node.get("table", ""))) if part], scope, names)
    elif kind == "ShowTablesQuery":
        _check_database(node, scope)


def _check_table(parts: list[str], scope: Scope, names: set[str]) -> None:
    *database, table = parts or [""]
    if database == ["system"] and table in SYSTEM_TABLES:
        return
    if database in ([], [scope.database]) and table in scope.views:
        return
    if not database and table in names - scope.hidden:
        return
    if not database and table not in scope.hidden:
        raise Answered(60, "UNKNOWN_TABLE", f"Unknown table {table}; to be read are {_listed(scope)}")
    raise Answered(_DENIED, "ACCESS_DENIED", f"{'.'.join(parts)} is not readable here; to be read are {_listed(scope)}")


def _check_identifier(parts: list[str], scope: Scope) -> None:
    """An identifier can be a column, or, after IN or WITH, a table; so no name of a hidden table passes at all."""
    hidden = parts[0] in scope.hidden or (parts[0] == scope.database and len(parts) > 1 and parts[1] in scope.hidden)
    elsewhere = len(parts) > 1 and parts[0] in scope.databases - {scope.database}
    if hidden or (elsewhere and not (parts[0] == "system" and parts[1] in SYSTEM_TABLES)):
        raise Answered(_DENIED, "ACCESS_DENIED", f"{'.'.join(parts)} is not readable here")


def _check_function(node: Node, scope: Scope, names: set[str]) -> None:
    name = str(node.get("name", ""))
    _check_function_name(name)
    arguments = node.get("arguments", {}).get("children", [])
    if _IN_OPERATORS.fullmatch(name) and len(arguments) > 1:
        _check_right_of_in(arguments[1], scope, names)


def _check_function_name(name: str) -> None:
    if _FUNCTIONS_REFUSED.fullmatch(name):
        raise Answered(_DENIED, "ACCESS_DENIED", f"The function {name} is not answered here")


def _check_right_of_in(node: Node, scope: Scope, names: set[str]) -> None:
    if node.get("type") in ("Identifier", "TableIdentifier"):
        _check_table(_name_parts(node), scope, names)
    elif node.get("type") == "Function" and str(node.get("name", "")).lower() in scope.table_functions:
        _check_table_function(node)


def _check_table_function(node: Node) -> None:
    name = str(node.get("name", ""))
    if name.lower() not in TABLE_FUNCTIONS:
        raise Answered(_DENIED, "ACCESS_DENIED", f"The table function {name} is not answered here")


def _check_database(node: Node, scope: Scope) -> None:
    database = _database_of(node)
    if database and database not in (scope.database, "system"):
        raise Answered(_DENIED, "ACCESS_DENIED", f"The database {database} is not readable here")


def _settings(tree: Node, limits: Limits) -> dict[str, str]:
    options = tree.get("settings") if tree["type"] == "ExplainQuery" else None
    chosen: dict[str, str] = {}
    for clause in _nodes(tree):
        if clause.get("type") == "SetQuery" and clause is not options:
            chosen |= _changes(clause, limits)
    return chosen


def _changes(clause: Node, limits: Limits) -> dict[str, str]:
    if set(clause) - {"type", "changes"}:
        raise Answered(_SETTING, "SETTING_CONSTRAINT_VIOLATION", "SETTINGS can only set settings to values here")
    changes = {str(change["name"]): _plain(change["value"]) for change in clause["changes"]}
    for name, value in changes.items():
        why = refused_setting(name, value, limits)
        if why:
            raise Answered(_SETTING, "SETTING_CONSTRAINT_VIOLATION", why)
    return changes


def _format(tree: Node) -> str:
    return str(tree.get("format_ast", {}).get("name", ""))


def _nodes(value: Any) -> Iterator[Node]:
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, Mapping):
            yield item
            pending.extend(item.values())
        elif isinstance(item, list):
            pending.extend(item)


def _name_parts(node: Node) -> list[str]:
    return [str(part) for part in node.get("name_parts") or [node.get("name", "")]]


def _database_of(node: Node) -> str:
    named = node.get("from") or node.get("database") or ""
    return str(named.get("name", "")) if isinstance(named, Mapping) else str(named)


def _plain(literal: Any) -> str:
    value = literal.get("value") if isinstance(literal, Mapping) else literal
    return str(int(value)) if isinstance(value, bool) else str(value)


def _unquoted(name: str) -> str:
    return re.sub(r"\\(.)", r"\1", name[1:-1]) if name.startswith("`") else name


def _listed(scope: Scope) -> str:
    return ", ".join(sorted(scope.views))


def _not_reading(what: str) -> Answered:
    return Answered(_READONLY, "READONLY", f"{what or 'This statement'} is not answered here: this endpoint only reads")
