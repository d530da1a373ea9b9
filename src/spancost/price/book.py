"""The price book: one immutable file of dated list prices, known by the hash of its content.

The file is JSON. Its first line is the header, with the SHA-256 of everything after that line. Then come the providers
in the order in which they are searched, each with its models in the order in which they are matched:

    {"id", "name", "urls", "comment", "provider_match", "model_match", "fallbacks": [provider id], "models": [
      {"id", "match", "comment", "free", "minimums": {meter: quantity},
       "prices":   [{"from": "YYYY-MM-DD"?, "window": [second, second]?, "meters": {meter: price}}],
       "variants": [{"when": {name: value}, "from"?, "meters": {meter: price}}]}]}

A price is an integer in 1e-15 USD for one unit, or "numerator/denominator" where that has no end, or a list: the base
price, then [start, price] for calls whose total input is above start. The last price whose conditions hold is in force
(with none that holds, there is no price); variants lay single meters over it, the first that holds winning.
A clause is one of {"equals"|"starts_with"|"ends_with"|"contains"|"regex": text}, {"or"|"and": [clause]}.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import NotRequired, TypedDict, cast

from spancost.errors import ConfigError

FORMAT = "spancost-pricebook/1"

Clause = Mapping[str, "str | Sequence[Clause]"]
RawPrice = int | str
RawTiers = RawPrice | Sequence["RawPrice | Sequence[RawPrice]"]


class PriceEntry(TypedDict):
    """Prices and when they hold: from a UTC date on, and in a window of seconds of the UTC day."""

    meters: Mapping[str, RawTiers]
    window: NotRequired[Sequence[int]]
    when: NotRequired[Mapping[str, str]]


# "from" is a keyword in Python, so this one key needs the functional form.
_Dated = TypedDict("_Dated", {"from": NotRequired[str]})


class Entry(PriceEntry, _Dated):
    """A price entry with its first day."""


class Model(TypedDict):
    """One model's matching clause and prices; see the module for the meaning of each key."""

    id: str
    match: Clause
    prices: Sequence[Entry]
    comment: NotRequired[str]
    free: NotRequired[bool]
    minimums: NotRequired[Mapping[str, int]]
    variants: NotRequired[Sequence[Entry]]


class Provider(TypedDict):
    """Who sells the models. `fallbacks` are the providers whose models it resells at their price."""

    id: str
    models: Sequence[Model]
    name: NotRequired[str]
    urls: NotRequired[Sequence[str]]
    comment: NotRequired[str]
    provider_match: NotRequired[Clause]
    model_match: NotRequired[Clause]
    fallbacks: NotRequired[Sequence[str]]


@dataclass(frozen=True, slots=True, eq=False)
class ModelIndex:
    """Where to look in a provider's models: the first model that each exact name means, and those that need a look."""

    exact: Mapping[str, int]
    patterned: Sequence[int]


@dataclass(frozen=True, slots=True, eq=False)
class Book:
    """A loaded price book. `version` is its date and the start of its hash; `sha256` is of the whole content.

    Nothing in it is ever changed: another version is another Book.
    """

    version: str
    date: str
    sha256: str
    source: Mapping[str, str]
    providers: Mapping[str, Provider]
    indexes: Mapping[str, ModelIndex]


def load_book(path: Path | None = None) -> Book:
    """The book in that file, or the newest one shipped with the package.

    Raises ConfigError when the file is missing, is no price book, or is not what its hash says.
    """
    name = str(path) if path else "the price book shipped with Spancost"
    try:
        content = path.read_bytes() if path else _shipped()
        return parse_book(content)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError([f"price book: {name}: {error}"]) from error


def parse_book(content: bytes) -> Book:
    """The book in those bytes. Raises ValueError, KeyError or TypeError when they are not a book."""
    document = json.loads(content)
    header = document["header"]
    if header["format"] != FORMAT:
        raise ValueError(f"format {header['format']!r}, where {FORMAT!r} is needed")
    if hashlib.sha256(content.partition(b"\n")[2]).hexdigest() != header["sha256"]:
        raise ValueError("its content was changed: the hash in its header is another one")
    return Book(
        version=header["version"],
        date=header["date"],
        sha256=header["sha256"],
        source=MappingProxyType(header["source"]),
        providers=MappingProxyType({provider["id"]: provider for provider in document["providers"]}),
        indexes=MappingProxyType({provider["id"]: _index(provider["models"]) for provider in document["providers"]}),
    )


def _index(models: Sequence[Model]) -> ModelIndex:
    exact: dict[str, int] = {}
    patterned: list[int] = []
    for position, model in enumerate(models):
        leaves = model["match"].get("or", [model["match"]])
        for leaf in cast("Sequence[Clause]", leaves):
            if "equals" in leaf:
                exact.setdefault(cast("str", leaf["equals"]), position)
            elif position not in patterned[-1:]:
                patterned.append(position)
    return ModelIndex(exact, patterned)


def _shipped() -> bytes:
    folder = resources.files("spancost.price") / "data"
    books = sorted((entry for entry in folder.iterdir() if _is_book(entry.name)), key=lambda entry: entry.name)
    if not books:
        raise FileNotFoundError("no pricebook-*.json in the package")
    return books[-1].read_bytes()


def _is_book(name: str) -> bool:
    return name.startswith("pricebook-") and name.endswith(".json")
