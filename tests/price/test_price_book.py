"""The book's file: what it was made from, that nobody changed it, and what is refused."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from datetime import date
from importlib import resources
from importlib.metadata import version
from pathlib import Path

import pytest
from genai_prices.data_snapshot import get_snapshot

from spancost.errors import ConfigError
from spancost.price import compile as compiler
from spancost.price.book import Book, load_book


@pytest.fixture(scope="module")
def shipped() -> Path:
    """The one book file in the package."""
    (path,) = Path(str(resources.files("spancost.price") / "data")).glob("pricebook-*.json")
    return path


def test_the_shipped_book_is_what_the_compiler_makes_today(book: Book, shipped: Path) -> None:
    """Same data, same date: same bytes. A new data release or a changed compiler needs a new file in the package."""
    name, content = compiler.compile_book(
        get_snapshot().providers, version("genai-prices"), date.fromisoformat(book.date)
    )
    assert name == book.version
    assert shipped.name == f"pricebook-{name}.json"
    assert content == shipped.read_bytes()


def test_compiling_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    """The command writes one file, named after its content, the same every time and in every process."""
    command = [sys.executable, "-m", "spancost.price.compile", "--date", "2026-01-02", "--out"]
    made = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        printed = subprocess.run([*command, str(folder)], check=True, capture_output=True, text=True).stdout
        made.append((Path(printed.strip()).name, Path(printed.strip()).read_bytes()))
    assert made[0] == made[1]
    assert made[0][0].startswith("pricebook-2026-01-02-")


def test_the_book_knows_its_source_and_every_provider(book: Book) -> None:
    """Version, hash, licence, and as many models as the data has."""
    assert book.source["name"] == "genai-prices"
    assert book.source["licence"] == "MIT"
    assert book.version == f"{book.date}-{book.sha256[:8]}"
    ours = {provider_id: len(provider["models"]) for provider_id, provider in book.providers.items()}
    assert ours == {provider.id: len(provider.models) for provider in get_snapshot().providers}


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (b'"input":2500000000,', b'"input":2400000000,', "its content was changed"),
        (b"spancost-pricebook/1", b"spancost-pricebook/9", "format 'spancost-pricebook/9'"),
        (b'{"header":{', b"{{", "Expecting"),
    ],
)
def test_a_changed_book_is_refused(shipped: Path, tmp_path: Path, old: bytes, new: bytes, problem: str) -> None:
    """One price moved by a cent, another format, or no JSON: named file, one message, no book."""
    copy = tmp_path / "copy.json"
    content = shipped.read_bytes()
    assert old in content
    copy.write_bytes(content.replace(old, new, 1))
    with pytest.raises(ConfigError, match=problem) as refused:
        load_book(copy)
    assert str(copy) in refused.value.problems[0]


def test_a_missing_book_is_refused(tmp_path: Path) -> None:
    """A path without a file is a problem of the configuration."""
    with pytest.raises(ConfigError, match="No such file"):
        load_book(tmp_path / "none.json")


def test_a_book_loads_from_a_path_as_from_the_package(book: Book, shipped: Path) -> None:
    """The same file gives the same book either way."""
    loaded = load_book(shipped)
    assert (loaded.version, loaded.sha256) == (book.version, book.sha256)


def test_nothing_at_run_time_needs_the_compiler_or_its_data() -> None:
    """genai-prices is for building the book: no other module imports it or the compiler."""
    root = Path(str(resources.files("spancost")))
    importers = {path.name for path in root.rglob("*.py") if _imports_build_tools(path)}
    assert importers == {"compile.py"}


def test_an_unknown_price_key_stops_the_build() -> None:
    """A unit that the compiler does not know is an error, so that a new kind of price cannot be lost."""
    prices = compiler.source.ModelPrice(hologram_mtok=1)
    model = compiler.source.ModelInfo(id="m", match=compiler.source.ClauseEquals("m"), prices=prices)
    provider = compiler.source.Provider(id="p", name="P", api_pattern="", models=[model])
    with pytest.raises(KeyError, match="hologram_mtok"):
        compiler.compile_book([provider], "0", date(2026, 1, 1))


def test_every_line_of_the_file_is_one_model(shipped: Path) -> None:
    """A changed price is a changed line, so that a new book can be reviewed."""
    lines = shipped.read_text(encoding="ascii").splitlines()
    rows = [json.loads(line.rstrip(",")) for line in lines if line.startswith('{"id":"gpt-4o",')]
    assert [2_500_000_000] in [[entry["meters"].get("input") for entry in row["prices"]] for row in rows]


def _imports_build_tools(path: Path) -> bool:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
        elif isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
    return any(name.startswith(("genai_prices", "spancost.price.compile")) for name in names)
