"""The kinds of value a configuration key can hold: how each is written, and what it becomes."""

from __future__ import annotations

import difflib
import ipaddress
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    PlainValidator,
    SecretStr,
    StringConstraints,
)

DIMENSIONS = (
    "team",
    "feature",
    "environment",
    "customer",
    "user",
    "project",
    "task_type",
    "experiment",
    "task_id",
    "conversation_id",
)
"""What a call can be attributed to from attributes; the user's own dimensions go to `tags`."""

STORE_SCHEMES = ("chdb", "clickhouse", "clickhouses")


@dataclass(frozen=True, slots=True)
class HostPort:
    """Where a server listens. Port 0 takes a free port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def parse_host_port(text: object) -> HostPort:
    """`127.0.0.1:4317`, `localhost:0`, `[::1]:4317`; raises ValueError for anything else."""
    if isinstance(text, HostPort):
        return text
    match = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\s:/\[\]]+)):(\d{1,5})", str(text))
    if match is None or int(match[3]) > MAX_PORT:
        raise ValueError("write host:port, for example 127.0.0.1:4317 (0.0.0.0: every address; port 0: a free one)")
    return HostPort(match[1] or match[2], int(match[3]))


MAX_PORT = 65535
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def parse_duration(text: object) -> timedelta:
    """`500ms`, `1s`, `15m`, `1h30m`; raises ValueError for anything else, a bare number too."""
    if isinstance(text, timedelta):
        return text
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", str(text))
    if not parts or "".join(number + unit for number, unit in parts) != str(text):
        raise ValueError("write a number and a unit (ms, s, m, h or d), for example 1s or 15m")
    return timedelta(seconds=sum(float(number) * _UNITS[unit] for number, unit in parts))


def format_duration(value: timedelta) -> str:
    """The shortest way to write a duration that `parse_duration` reads back."""
    milliseconds = round(value.total_seconds() * 1000)
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)):
        if milliseconds and milliseconds % size == 0:
            return f"{milliseconds // size}{unit}"
    return f"{milliseconds}ms"


def mask_url(url: str) -> str:
    """The URL with its password hidden."""
    return re.sub(r"(://[^/@:]*):[^/]*@", r"\1:***@", url)


def suggest(word: str, known: list[str]) -> str:
    """`; did you mean X?` when something known is close to the word, else nothing."""
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f"; did you mean {close[0]}?" if close else ""


def _checked_store_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in STORE_SCHEMES:
        raise ValueError(
            "write chdb:///DIRECTORY for the embedded engine or clickhouse[s]://USER@HOST:PORT for a server"
        )
    if parts.scheme == "chdb":
        if parts.netloc or not parts.path:
            raise ValueError("chdb:// needs an absolute directory, for example chdb:///var/lib/spancost/clickhouse")
    elif not parts.hostname:
        raise ValueError(f"{parts.scheme}:// needs a host, for example {parts.scheme}://default@localhost:8123")
    else:
        _check_port(parts.netloc)
    return url


def _check_port(netloc: str) -> None:
    port = re.search(r":([^:\]@]*)$", netloc.rpartition("@")[2])
    if port and not (port[1].isdecimal() and 0 < int(port[1]) <= MAX_PORT):
        raise ValueError(f"{port[1]!r} is not a port")


def _checked_timezone(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (OSError, ValueError, ZoneInfoNotFoundError):
        close = suggest(name, sorted(available_timezones()))
        raise ValueError(f"no time zone of that name in the IANA database{close}") from None


def _checked_dimension(name: str) -> str:
    if name not in DIMENSIONS:
        raise ValueError(
            f"no dimension of that name{suggest(name, list(DIMENSIONS))} (they are {', '.join(DIMENSIONS)})"
        )
    return name


def _checked_secret(secret: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[!-~]+", secret.get_secret_value()):
        raise ValueError("use letters, digits and ASCII punctuation, without spaces, at least one")
    return secret


Endpoint = Annotated[HostPort, PlainValidator(parse_host_port), PlainSerializer(str)]
Duration = Annotated[
    timedelta, BeforeValidator(parse_duration), PlainSerializer(format_duration), Field(gt=timedelta(0))
]
Secret = Annotated[SecretStr, AfterValidator(_checked_secret)]
StoreUrl = Annotated[str, AfterValidator(_checked_store_url), PlainSerializer(mask_url)]
Timezone = Annotated[str, AfterValidator(_checked_timezone)]
DatabaseName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=64)]
DimensionName = Annotated[str, AfterValidator(_checked_dimension)]
AttributeKey = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
