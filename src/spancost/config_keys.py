"""The keys of a configuration model: what each is called in YAML and in the environment, and how a problem names it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr

from spancost.config_values import DIMENSIONS, format_duration, mask_url, suggest

ENV_PREFIX = "SPANCOST_"

Tree = dict[str, Any]
"""Nested dictionaries with a value at each leaf, as YAML gives them."""


@dataclass(frozen=True, slots=True)
class Key:
    """One thing a user can set."""

    path: str
    """Dotted, as in YAML."""
    default: str
    """As a user would write it; empty when the key is not set."""
    description: str
    collection: bool
    """Whether the value is a list or a mapping."""
    secret: bool

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return variable(self.path)


def keys(model: type[BaseModel], prefix: str = "") -> Iterator[Key]:
    """Every key of a model, sections opened, in the order of the model."""
    for name, field in model.model_fields.items():
        path = f"{prefix}{name}"
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from keys(field.annotation, f"{path}.")
        else:
            kinds = _kinds(field.annotation)
            collection = not kinds.isdisjoint({dict, tuple})
            yield Key(path, _written(field.default), field.description or "", collection, SecretStr in kinds)


def variable(path: str) -> str:
    """`SPANCOST_RECEIVE__GRPC__ENDPOINT` for `receive.grpc.endpoint`."""
    return ENV_PREFIX + path.replace(".", "__").upper()


def named(path: str) -> str:
    """A key as problems name it, with its environment variable."""
    return f"{path} ({variable(path)})"


def mentioned(loc: Sequence[str | int]) -> str:
    """The dotted path of a place in the tree; positions in a list are left out."""
    return ".".join(part for part in loc if isinstance(part, str) and part != "[key]")


def prune(tree: Tree, locs: Sequence[Sequence[str | int]]) -> Tree:
    """The tree without the keys at those places."""
    faulty = {mentioned(loc) for loc in locs}
    return _without(tree, faulty, "")


def wording(detail: Mapping[str, Any], model: type[BaseModel]) -> str:
    """A problem that pydantic found, in one line and in the user's words; the value of a secret is not in it."""
    path = mentioned(detail["loc"])
    if detail["type"] == "extra_forbidden":
        return unknown(path, model)
    if detail["type"] in {"model_type", "model_attributes_type"}:
        return f"{path}: is a section, write its keys under it"
    message = _MESSAGES.get(detail["type"]) or detail["msg"].removeprefix("Value error, ").replace(
        "Input should", "should"
    )
    return f"{named(path)}: {_shown(path, detail['input'], model)}{message}"


_MESSAGES = {
    "int_parsing": "write a whole number",
    "int_type": "write a whole number",
    "string_type": "write it in quotes, as text",
    "string_pattern_mismatch": "use letters, digits and _, and begin with a letter or _",
    "tuple_type": "write a list, for example [app.team, team.name]",
    "dict_type": "write a mapping, for example {team: [app.team, team.name]}",
}


def unknown(path: str, model: type[BaseModel]) -> str:
    """The problem of a key that does not exist, with what may have been meant."""
    known = [key.path for key in keys(model)]
    sections = {path.rsplit(".", depth)[0] for path in known for depth in range(1, path.count(".") + 1)}
    return f"{path}: no such key{suggest(path, [*known, *sorted(sections)])}"


def settable(model: type[BaseModel]) -> dict[str, Key]:
    """Every environment variable that sets something, with its key; a dimension of `attribution.keys` has its own."""
    found = {key.variable: key for key in keys(model)}
    by_dimension = [f"attribution.keys.{dimension}" for dimension in DIMENSIONS]
    return found | {variable(path): Key(path, "", "", True, False) for path in by_dimension}


def _kinds(annotation: Any) -> set[Any]:
    """The bare types in an annotation: `{SecretStr, NoneType}` for an optional secret."""
    if get_origin(annotation) in {Union, UnionType}:
        return set().union(*(_kinds(part) for part in get_args(annotation)))
    if hasattr(annotation, "__metadata__"):
        return _kinds(get_args(annotation)[0])
    return {get_origin(annotation) or annotation}


def _written(default: Any) -> str:
    if default is None:
        return ""
    if isinstance(default, tuple | dict):
        return "{}" if isinstance(default, dict) else "[]"
    return format_duration(default) if isinstance(default, timedelta) else str(default)


def _without(tree: Tree, faulty: set[str], prefix: str) -> Tree:
    kept = {}
    for name, value in tree.items():
        path = f"{prefix}{name}"
        if path not in faulty:
            kept[name] = _without(value, faulty, f"{path}.") if isinstance(value, dict) else value
    return kept


def _shown(path: str, value: Any, model: type[BaseModel]) -> str:
    secret = any(key.secret for key in keys(model) if key.path == path)
    return "" if secret or isinstance(value, dict | list) else f"{mask_url(str(value))!r}: "
