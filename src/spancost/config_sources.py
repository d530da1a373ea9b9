"""Where a configuration is read from: a YAML file and the environment, each as a tree of values and its problems."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from spancost.config_keys import ENV_PREFIX, Tree, settable
from spancost.config_values import suggest


def read_yaml(path: Path) -> tuple[Tree, list[str]]:
    """The file as nested dictionaries; an empty section counts as not written."""
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - a SafeLoader, see _Loader
    except OSError as error:
        return {}, [f"{path}: cannot be read: {error.strerror}"]
    except UnicodeDecodeError:
        return {}, [f"{path}: is not UTF-8 text"]
    except yaml.YAMLError as error:
        return {}, [f"{path}: is not YAML: {_where(error)}"]
    if document is None:
        return {}, []
    if not isinstance(document, dict):
        return {}, [f"{path}: write keys and values, for example `data_dir: /var/lib/spancost`"]
    return _without_empty(document), []


def read_environment(environ: Mapping[str, str], model: type[BaseModel]) -> tuple[Tree, list[str]]:
    """What the SPANCOST_ variables set. An empty variable counts as not set.

    A list or a mapping is written in YAML's one-line form: `[team, owner]`. A SPANCOST_ variable with a `__` must be a
    key; one without is somebody else's, unless it is a key with its underscores single.
    """
    known = settable(model)
    single = {name.replace("__", "_"): name for name in known}
    tree: Tree = {}
    problems = []
    for name, text in sorted(environ.items()):
        if name in known and text:
            problems += _set(tree, known[name].path.split("."), text, name if known[name].collection else None)
        elif name in single and name not in known:
            problems.append(f"{name}: no such key; did you mean {single[name]}?")
        elif name.startswith(ENV_PREFIX) and "__" in name and name not in known:
            problems.append(f"{name}: no such key{suggest(name, list(known))}")
    return tree, problems


def overlay(below: Tree, above: Tree) -> Tree:
    """Both trees as one; where they meet, `above` wins. Lists are replaced, not joined."""
    merged = dict(below)
    for name, value in above.items():
        here = merged.get(name)
        merged[name] = overlay(here, value) if isinstance(here, dict) and isinstance(value, dict) else value
    return merged


def _set(tree: Tree, path: list[str], text: str, collection: str | None) -> list[str]:
    """Put a variable's text into the tree; `collection` is its name if the text is YAML."""
    try:
        value = yaml.safe_load(text) if collection else text
    except yaml.YAMLError as error:
        return [f"{collection}: is not YAML: {_where(error)}"]
    *sections, name = path
    for section in sections:
        tree = tree.setdefault(section, {})
    tree[name] = overlay(value, tree[name]) if isinstance(value, dict) and name in tree else value
    return []


def _without_empty(tree: Tree) -> Tree:
    """The tree with its keys as text and without keys that have no value."""
    return {
        str(name): _without_empty(value) if isinstance(value, dict) else value
        for name, value in tree.items()
        if value is not None
    }


def _where(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or "unreadable characters"
    return f"{problem} (line {mark.line + 1}, column {mark.column + 1})" if mark else problem


class _Loader(yaml.SafeLoader):
    """YAML that refuses a key written twice, which plain YAML loaders take the last of without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value} is written twice", key.start_mark)
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)
