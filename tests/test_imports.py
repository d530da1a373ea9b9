"""Who may import whom. The source is read, not run."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src"
STAGES = ("decode", "normalise", "price", "attribute")
EDGES = ("receive", "spool", "store", "forward")
LEAVES = ("errors", "model")

IO_LIBRARIES = {
    "asyncio", "chdb", "clickhouse_connect", "grpc", "http", "requests", "socket", "starlette", "subprocess",
    "threading", "time", "urllib", "uvicorn",
}  # fmt: skip


BUILD_TIME = ("spancost.price.compile",)
"""Modules that run when the package is built, with the development dependencies."""


@dataclass(frozen=True)
class Import:
    """One import statement's target, as written in one module."""

    module: str
    target: str
    inside_function: bool
    type_checking: bool

    def __str__(self) -> str:
        return f"{self.module} imports {self.target}"


def _modules() -> dict[str, Path]:
    paths = (path.relative_to(SOURCE) for path in sorted(SOURCE.glob("spancost/**/*.py")))
    return {".".join(path.with_suffix("").parts).removesuffix(".__init__"): SOURCE / path for path in paths}


def _imports(module: str, path: Path) -> Iterator[Import]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    yield from _walk(tree, module, path.name == "__init__.py", False, False)


def _walk(node: ast.AST, module: str, package: bool, inside: bool, typing_only: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield from (Import(module, target, inside, typing_only) for target in _targets(child, module, package))
        function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        guarded = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
        yield from _walk(child, module, package, inside or function, typing_only or guarded)


def _targets(statement: ast.Import | ast.ImportFrom, module: str, package: bool) -> list[str]:
    if isinstance(statement, ast.Import):
        return [alias.name for alias in statement.names]
    parts = module.split(".")
    above = parts[: len(parts) - statement.level + package] if statement.level else []
    base = ".".join([*above, *filter(None, [statement.module])])
    return [_module_or_package(base, alias.name) for alias in statement.names]


def _module_or_package(base: str, name: str) -> str:
    return f"{base}.{name}" if f"{base}.{name}" in MODULES else base


MODULES = _modules()
IMPORTS = [found for module, path in MODULES.items() for found in _imports(module, path)]
OURS = [found for found in IMPORTS if found.target.split(".")[0] == "spancost"]


def _part(module: str) -> str:
    """The folder or file right under the package that a module belongs to."""
    return module.split(".")[1] if "." in module else ""


def test_the_source_was_found() -> None:
    """The tests below read something."""
    assert {"spancost.cli", "spancost.errors", "spancost.receive"} <= set(MODULES)
    assert len(OURS) > 20


@pytest.mark.parametrize("leaf", LEAVES)
def test_leaves_import_nothing_of_ours(leaf: str) -> None:
    """errors and model stand alone."""
    assert [str(found) for found in OURS if _part(found.module) == leaf] == []


@pytest.mark.parametrize("edge", EDGES)
def test_edges_know_only_leaves(edge: str) -> None:
    """Receivers, spool, store and forwarding know errors and model, and not each other or the stages."""
    allowed = {edge, *LEAVES, ""}
    assert [str(found) for found in OURS if _part(found.module) == edge and _part(found.target) not in allowed] == []


@pytest.mark.parametrize("stage", STAGES)
def test_stages_know_only_leaves(stage: str) -> None:
    """A stage knows errors, model and the conventions' data, and no other stage."""
    allowed = {stage, *LEAVES, "conventions", ""}
    assert [str(found) for found in OURS if _part(found.module) == stage and _part(found.target) not in allowed] == []


@pytest.mark.parametrize("stage", STAGES)
def test_stages_do_no_io(stage: str) -> None:
    """A stage imports no library that talks to the outside or knows the time."""
    found = [each for each in IMPORTS if _part(each.module) == stage and each.target.split(".")[0] in IO_LIBRARIES]
    assert [str(each) for each in found] == []


def test_only_the_command_line_knows_the_root() -> None:
    """Nothing but cli imports build, and nothing imports cli."""
    assert {found.module for found in OURS if found.target == "spancost.build"} <= {"spancost.cli"}
    assert [str(found) for found in OURS if found.target == "spancost.cli"] == []


def test_there_are_no_cycles() -> None:
    """The modules can be put into an order in which each imports only earlier ones."""
    graph = {
        module: {each.target for each in OURS if each.module == module and not each.type_checking}
        - {module, "spancost"}
        for module in MODULES
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_imports_stand_at_the_top() -> None:
    """Only cli imports inside functions."""
    inside = [str(found) for found in OURS if found.inside_function and found.module != "spancost.cli"]
    assert inside == []


def test_the_environment_is_read_in_one_place() -> None:
    """Only cli reads the environment; the fakes for tests pass it on to processes they start."""
    reading = {module for module, path in MODULES.items() if any(_reads_environment(path))}
    assert {module for module in reading if _part(module) != "testing"} <= {"spancost.cli"}


def _reads_environment(path: Path) -> Iterator[bool]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv", "environb"}:
            yield True


def test_every_library_imported_is_declared(root: Path) -> None:
    """What the package imports stands in its dependencies, or comes with Python."""
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    declared = {_distribution(name) for name in project["dependencies"]}
    providers = packages_distributions()
    missing = {
        str(found)
        for found in IMPORTS
        if (top := found.target.split(".")[0]) not in sys.stdlib_module_names | {"spancost", "__future__"}
        and declared.isdisjoint(_distribution(name) for name in providers.get(top, []))
        and not found.module.startswith(BUILD_TIME)
    }
    assert missing == set()


def test_constraints_are_names_and_versions(root: Path) -> None:
    """constraints.txt pins every dependency, and holds nothing but names and versions."""
    lines = (root / "constraints.txt").read_text().splitlines()
    pinned = {_distribution(line.partition("==")[0]) for line in lines}
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    wanted = {_distribution(name) for name in [*project["dependencies"], *project["optional-dependencies"]["dev"]]}

    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+", line)] == []
    assert wanted - pinned == set()


def _distribution(name: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[ <>=~!;\[]", name)[0]).lower()
