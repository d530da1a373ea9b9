"""What is wrong with a dialect file, or with `content.yaml`: one line for each mistake, naming the key.

Run before anything is compiled, so that the loader may take every file as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

from spancost.normalise.fields import FIELDS

KEYS = frozenset(
    {
        "dialect", "order", "extends", "scopes", "attributes", "operation", "fields", "input_exclusive", "content",
        "drop", "output_without_reasoning", "not_calls", "agent_from_span_name", "attempts_are_retries", "detail",
    }
)  # fmt: skip
SHARED_KEYS = frozenset({"content", "drop"})
"""Those of `content.yaml`, which is no tracer's."""
SOURCE_KEYS = frozenset({"from", "json", "pattern", "scale", "when"})
OPERATION_KEYS = frozenset({"from", "values", "unless"})
RULE_KEYS = frozenset({"scope", "provider", "without"})
CONTENT_KEYS = frozenset({"input", "output", "arguments", "keep"})

Problems = Iterator[str]


def mistakes(data: Mapping[str, Any], dialects: Collection[str]) -> Problems:
    """The mistakes of one dialect file; `dialects` are the names that it may extend."""
    yield from _unknown("", data, KEYS)
    if not data.get("dialect") or not isinstance(data["dialect"], str):
        yield "`dialect` (the name) is missing"
    if data.get("extends") and data["extends"] not in dialects:
        yield f"`extends: {data['extends']}` names no dialect"
    for key, check in _CHECKS.items():
        if key in data:
            yield from check(key, data[key])


def shared_mistakes(data: Mapping[str, Any]) -> Problems:
    """The mistakes of `content.yaml`."""
    yield from _unknown("", data, SHARED_KEYS)
    for key in sorted(SHARED_KEYS & set(data)):
        yield from _CHECKS[key](key, data[key])


def _unknown(where: str, found: Iterable[Any], known: Collection[str]) -> Problems:
    inside = f"{where}: " if where else ""
    for key in sorted(str(key) for key in found if key not in known):
        yield f"{inside}unknown key `{key}`; known are {', '.join(sorted(known))}"


def _integer(where: str, value: Any) -> Problems:
    if not isinstance(value, int) or isinstance(value, bool):
        yield f"{where}: {value!r} is no whole number"


def _flag(where: str, value: Any) -> Problems:
    if not isinstance(value, bool):
        yield f"{where}: {value!r} is neither true nor false"


def _text(where: str, value: Any) -> Problems:
    if not isinstance(value, str):
        yield f"{where}: {value!r} is no text; put it in quotes"


def _list(where: str, value: Any) -> Problems:
    if not isinstance(value, list):
        yield f"{where}: {value!r} is no list; write [{value}]" if isinstance(value, str) else f"{where}: is no list"


def _mapping(where: str, value: Any) -> Problems:
    if not isinstance(value, dict):
        yield f"{where}: {value!r} is no mapping of keys to values"


def _texts(where: str, value: Any) -> Problems:
    yield from _list(where, value)
    for item in value if isinstance(value, list) else ():
        yield from _text(where, item)


def _names(where: str, value: Any) -> Problems:
    """Attributes by their whole name."""
    yield from _texts(where, value)
    for item in value if isinstance(value, list) else ():
        if isinstance(item, str) and "*" in item:
            yield f"{where}: `{item}`: a `*` means nothing here"


def _patterns(where: str, value: Any) -> Problems:
    """Attributes by name, or by the start or the end of one."""
    yield from _texts(where, value)
    for item in value if isinstance(value, list) else ():
        if isinstance(item, str) and (item.strip("*") == "" or "*" in item[1:-1] or item[0] == item[-1] == "*"):
            yield f"{where}: `{item}`: one `*`, at the start or the end of a name, is all that is understood"


def _mappings(where: str, value: Any, check: Callable[[str, dict[str, Any]], Problems]) -> Problems:
    yield from _list(where, value)
    for item in value if isinstance(value, list) else ():
        yield from _mapping(where, item)
        if isinstance(item, dict):
            yield from check(where, item)


def _has_texts(where: str, entry: Mapping[str, Any], needed: Iterable[str], optional: Iterable[str] = ()) -> Problems:
    for key in needed:
        if key not in entry:
            yield f"{where}: `{key}` is missing in {entry!r}"
    for key in (*needed, *optional):
        if key in entry:
            yield from _text(f"{where}: {key}", entry[key])


def _operation(where: str, entry: dict[str, Any]) -> Problems:
    yield from _unknown(where, entry, OPERATION_KEYS)
    yield from _has_texts(where, entry, ["from"], ["unless"])
    values = entry.get("values", {})
    yield from _mapping(f"{where}: values", values)
    for item in (*values, *values.values()) if isinstance(values, dict) else ():
        yield from _text(f"{where}: values", item)


def _rule(where: str, entry: dict[str, Any]) -> Problems:
    yield from _unknown(where, entry, RULE_KEYS)
    yield from _has_texts(where, entry, [], sorted(RULE_KEYS))


def _not_call(where: str, entry: dict[str, Any]) -> Problems:
    yield from _unknown(where, entry, ("name", "reason"))
    yield from _has_texts(where, entry, ["name", "reason"])


def _fields(where: str, value: Any) -> Problems:
    yield from _mapping(where, value)
    for name, sources in value.items() if isinstance(value, dict) else ():
        if name not in FIELDS:
            yield f"{where}: unknown field `{name}`; known are {', '.join(sorted(FIELDS))}"
        yield from _list(f"{where}.{name}", sources)
        for source in sources if isinstance(sources, list) else ():
            yield from _source(f"{where}.{name}", source)


def _source(where: str, entry: Any) -> Problems:
    if isinstance(entry, dict):
        yield from _unknown(where, entry, SOURCE_KEYS)
        yield from _has_texts(where, entry, ["from"], ["json"])
        yield from _pattern(where, entry.get("pattern", "()"))
        if not isinstance(entry.get("scale", 1.0), int | float):
            yield f"{where}: scale: {entry['scale']!r} is no number"
        if "when" in entry and not (isinstance(entry["when"], dict) and len(entry["when"]) == 1):
            yield f"{where}: when: {entry['when']!r} is not one attribute with its value"
    elif not isinstance(entry, str):
        yield f"{where}: {entry!r} is neither an attribute nor a mapping with `from`"


def _pattern(where: str, pattern: Any) -> Problems:
    try:
        if re.compile(pattern).groups != 1:
            yield f"{where}: pattern: {pattern!r} has not exactly one group"
    except (re.error, TypeError) as error:
        yield f"{where}: pattern: {pattern!r} is no regular expression: {error}"


def _content(where: str, value: Any) -> Problems:
    yield from _mapping(where, value)
    if isinstance(value, dict):
        yield from _unknown(where, value, CONTENT_KEYS)
        for role in sorted(CONTENT_KEYS & set(value)):
            yield from (_names if role == "keep" else _patterns)(f"{where}.{role}", value[role])


_CHECKS: Mapping[str, Callable[[str, Any], Problems]] = {
    "order": _integer,
    "scopes": _texts,
    "attributes": _names,
    "operation": lambda where, value: _mappings(where, value, _operation),
    "fields": _fields,
    "input_exclusive": lambda where, value: _mappings(where, value, _rule),
    "output_without_reasoning": lambda where, value: _mappings(where, value, _rule),
    "not_calls": lambda where, value: _mappings(where, value, _not_call),
    "agent_from_span_name": _flag,
    "attempts_are_retries": _flag,
    "detail": _integer,
    "content": _content,
    "drop": _names,
}
