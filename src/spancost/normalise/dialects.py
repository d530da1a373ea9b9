"""The dialect files of `conventions/`, compiled to what the normaliser looks up.

The format is documented in `conventions/README.md` and checked by `dialect_check`. Loading fails at once with every
problem of every file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import yaml

from spancost.errors import ConfigError
from spancost.model import ContentRules
from spancost.normalise.dialect_check import mistakes, shared_mistakes

CONVENTIONS = Path(__file__).resolve().parent.parent / "conventions"
"""The shipped dialect files."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a canonical field may be read: an attribute, or a part of one."""

    key: str
    json: tuple[str, ...] = ()
    """Path inside the attribute's JSON text."""
    extracted: str = ""
    """Name under which a pattern's find stands in `Content.extracted`."""
    scale: float = 1.0
    """Factor to the canonical unit."""
    when: tuple[str, str] | None = None
    """Only on spans where this attribute has this value."""


@dataclass(frozen=True, slots=True)
class OperationSource:
    """An attribute that names the operation, and what its values mean ('' = says nothing)."""

    key: str
    values: tuple[tuple[str, str], ...]
    """(pattern, operation), first match wins; empty: the value is the operation."""
    unless: str
    """Not read on spans that carry this attribute."""

    def operation(self, value: str) -> str:
        if not self.values:
            return value
        return next((name for pattern, name in self.values if fnmatchcase(value, pattern)), "")


@dataclass(frozen=True, slots=True)
class BasisRule:
    """A condition under which a dialect's counts are on another basis than OpenTelemetry's; '' matches all."""

    scope: str
    provider: str
    without: str
    """Attribute whose presence on the span overrules the rule."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """One tracer family: how to recognise it and where it puts what."""

    name: str
    order: int
    scopes: tuple[str, ...]
    attributes: tuple[str, ...]
    operations: tuple[OperationSource, ...]
    fields: Mapping[str, tuple[Source, ...]]
    input_exclusive: tuple[BasisRule, ...]
    output_without_reasoning: tuple[BasisRule, ...]
    not_calls: tuple[tuple[str, str], ...]
    """(span name, reason): spans that look like calls and are none."""
    agent_from_span_name: bool
    attempts_are_retries: bool
    """`attempts` counts re-sends, so the attempts are one more."""
    detail: int
    """Which description of a call wins among twins: the higher one."""

    def claims_scope(self, scope: str) -> bool:
        return any(fnmatchcase(scope, pattern) for pattern in self.scopes)


@dataclass(frozen=True, slots=True)
class Conventions:
    """All that is read, compiled."""

    dialects: tuple[Dialect, ...]
    """In the order in which they are tried."""
    content: ContentRules
    dimensions: Mapping[str, tuple[Source, ...]]
    tags: tuple[str, ...]
    not_tags: frozenset[str]
    labels: Mapping[str, tuple[Source, ...]]
    """`service`, `service_version`, `deployment`, `api_key_id`."""
    calls: Mapping[str, str]
    steps: Mapping[str, str]
    without_output: frozenset[str]
    providers: Mapping[str, str]
    not_providers: frozenset[str]
    model_prefixes: tuple[tuple[str, str], ...]
    consumed: frozenset[str]
    """Attributes that some column takes, or that are dropped: the rest goes to `attributes`."""


def load_conventions(
    extra: Path | None = None,
    attribution: Mapping[str, Iterable[str]] | None = None,
    tags: Iterable[str] = (),
    root: Path = CONVENTIONS,
) -> Conventions:
    """Read the files below `root` and the dialects of the folder `extra`, with the user's attribution keys in front.

    Raises `ConfigError` with one line for each problem, worded with the file's name.
    """
    problems = _no_folder(extra)
    files = [*_files(root / "dialects"), *(_files(extra) if extra else ())]
    raw = {path: data for path in files if (data := _read(path, problems)) is not None}
    shared = _read(root / "content.yaml", problems) or {}
    problems += _mistakes(raw, shared, root / "content.yaml")
    if problems:
        raise ConfigError(problems)
    by_name = {data["dialect"]: data for data in raw.values()}
    dialects = [_dialect(data, by_name) for data in raw.values()]
    operations, people = _shipped(root / "operations.yaml"), _shipped(root / "attribution.yaml")
    dimensions = {
        name: (*map(Source, (attribution or {}).get(name, ())), *_sources(name, keys))
        for name, keys in people["dimensions"].items()
    }
    labels = {name: _sources(name, people[name]) for name in ("service", "service_version", "deployment", "api_key_id")}
    every_tag = (*tags, *people["tags"])
    consumed = _consumed(dialects, [*raw.values(), shared], dimensions, labels)
    content = _content_rules([*raw.values()], shared, {*consumed, *every_tag})
    if problems := _patterns_without_text(raw, content):
        raise ConfigError(problems)
    return Conventions(
        dialects=tuple(sorted(dialects, key=lambda d: d.order)),
        content=content,
        dimensions=dimensions,
        tags=every_tag,
        not_tags=frozenset(people["not_tags"]),
        labels=labels,
        calls=operations["calls"],
        steps=operations["steps"],
        without_output=frozenset(operations["without_output"]),
        providers=operations["providers"],
        not_providers=frozenset(operations["not_providers"]),
        model_prefixes=tuple(operations["model_prefixes"].items()),
        consumed=consumed,
    )


def _no_folder(extra: Path | None) -> list[str]:
    missing = extra is not None and not extra.is_dir()
    return [f"conventions.extra_dir: {extra} is no directory"] if missing else []


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.yaml"))


def _read(path: Path, problems: list[str]) -> dict[str, Any] | None:
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        problems.append(f"{path.name}: cannot be read: {' '.join(str(error).split())}")
        return None
    if not isinstance(data, dict):
        problems.append(f"{path.name}: is no mapping of keys to values")
        return None
    return data


def _mistakes(raw: Mapping[Path, dict[str, Any]], shared: dict[str, Any], shared_path: Path) -> list[str]:
    names = [data.get("dialect", "") for data in raw.values()]
    found = [f"{path.name}: {mistake}" for path, data in raw.items() for mistake in mistakes(data, names)]
    found += [
        f"{path.name}: `dialect: {data['dialect']}` is the name of another file's dialect too"
        for at, (path, data) in enumerate(raw.items())
        if data.get("dialect") in names[:at]
    ]
    return found + [f"{shared_path.name}: {mistake}" for mistake in shared_mistakes(shared)]


def _shipped(path: Path) -> dict[str, Any]:
    problems: list[str] = []
    data = _read(path, problems)
    if data is None:
        raise ConfigError(problems)
    return data


def _dialect(data: dict[str, Any], by_name: dict[str, dict[str, Any]]) -> Dialect:
    base = by_name.get(data.get("extends", ""), {})
    fields = {**base.get("fields", {}), **_joined(base.get("fields", {}), data.get("fields", {}))}
    return Dialect(
        name=data["dialect"],
        order=data.get("order", 50),
        scopes=tuple(data.get("scopes", ())),
        attributes=tuple(data.get("attributes", ())),
        operations=tuple(_operation(o) for o in data.get("operation", base.get("operation", ()))),
        fields={name: _sources(name, keys) for name, keys in fields.items()},
        input_exclusive=_rules(data.get("input_exclusive", ())),
        output_without_reasoning=_rules(data.get("output_without_reasoning", ())),
        not_calls=tuple((n["name"], n["reason"]) for n in data.get("not_calls", ())),
        agent_from_span_name=data.get("agent_from_span_name", False),
        attempts_are_retries=data.get("attempts_are_retries", False),
        detail=data.get("detail", 1),
    )


def _joined(base: Mapping[str, list[Any]], own: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
    """A dialect's own sources stand before those it inherits; an empty list takes the inherited ones away."""
    return {
        name: [*keys, *(k for k in base.get(name, []) if k not in keys)] if keys else [] for name, keys in own.items()
    }


def _sources(name: str, keys: Iterable[Any]) -> tuple[Source, ...]:
    return tuple(_source(name, key) for key in keys)


def _source(field: str, entry: str | dict[str, Any]) -> Source:
    if isinstance(entry, str):
        return Source(entry)
    when = next(iter(entry.get("when", {}).items()), None)
    return Source(
        key=entry["from"],
        json=tuple(entry["json"].split(".")) if "json" in entry else (),
        extracted=field if "pattern" in entry else "",
        scale=float(entry.get("scale", 1.0)),
        when=when,
    )


def _operation(entry: dict[str, Any]) -> OperationSource:
    return OperationSource(entry["from"], tuple(entry.get("values", {}).items()), entry.get("unless", ""))


def _rules(entries: Iterable[dict[str, str]]) -> tuple[BasisRule, ...]:
    return tuple(BasisRule(e.get("scope", ""), e.get("provider", ""), e.get("without", "")) for e in entries)


def _content_rules(files: list[dict[str, Any]], shared: dict[str, Any], read: Iterable[str]) -> ContentRules:
    """What dialects call content is content; of what only `content.yaml` calls so, what is `read` by name is none."""
    by_name = _named_roles([shared]) | dict.fromkeys(read, "") | _named_roles(files)
    for content in (data.get("content", {}) for data in (shared, *files)):
        by_name.update(dict.fromkeys(content.get("keep", ()), ""))
    starred = [(key, role) for key, role in _roles([*files, shared]) if "*" in key]
    return ContentRules(
        by_name,
        tuple((key[:-1], role) for key, role in starred if key.endswith("*")),
        tuple((key[1:], role) for key, role in starred if key.startswith("*")),
        _patterns(files),
    )


def _named_roles(files: Iterable[dict[str, Any]]) -> dict[str, str]:
    return {key: role for key, role in _roles(files) if "*" not in key}


def _roles(files: Iterable[dict[str, Any]]) -> list[tuple[str, str]]:
    roles = ("input", "output", "arguments")
    return [(key, role) for data in files for role in roles for key in data.get("content", {}).get(role, ())]


def _patterns(files: Iterable[dict[str, Any]]) -> dict[str, dict[str, re.Pattern[str]]]:
    patterns: dict[str, dict[str, re.Pattern[str]]] = {}
    for data in files:
        for field, entries in data.get("fields", {}).items():
            for entry in entries:
                if isinstance(entry, dict) and "pattern" in entry:
                    patterns.setdefault(entry["from"], {})[field] = re.compile(entry["pattern"])
    return patterns


def _patterns_without_text(raw: Mapping[Path, dict[str, Any]], content: ContentRules) -> list[str]:
    return [
        f"{path.name}: fields.{field}: `{entry['from']}` has a pattern, so it must be an attribute of `content`"
        for path, data in raw.items()
        for field, entries in data.get("fields", {}).items()
        for entry in entries
        if isinstance(entry, dict) and "pattern" in entry and not content.role(entry["from"])
    ]


def _consumed(
    dialects: Iterable[Dialect],
    files: Iterable[dict[str, Any]],
    dimensions: Mapping[str, tuple[Source, ...]],
    labels: Mapping[str, tuple[Source, ...]],
) -> frozenset[str]:
    fields = [sources for dialect in dialects for sources in dialect.fields.values()]
    tables = [*fields, *dimensions.values(), *labels.values()]
    found = {source.key for sources in tables for source in sources if not source.extracted}
    found |= {operation.key for dialect in dialects for operation in dialect.operations}
    return frozenset(found | {key for data in files for key in data.get("drop", ())})
