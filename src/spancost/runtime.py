"""What a running collector claims on its machine: a data directory, ports, and the files that lead others to it.

A data directory belongs to one process at a time, which holds a lock on `lock` in it; the lock goes when the process
does, however it ends. `endpoints.json` says where that process listens, `token` (mode 0600) lets commands of the same
user in. Everything that stands in the way of a start is a ConfigError, worded with the user's keys.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import secrets
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from spancost.config import Config
from spancost.config_keys import named
from spancost.config_values import HostPort
from spancost.errors import ConfigError

LOCK, ENDPOINTS, TOKEN = "lock", "endpoints.json", "token"


@dataclass(frozen=True, slots=True)
class Running:
    """A collector that runs now."""

    pid: int
    endpoints: Mapping[str, str]
    """`host:port` by the key that sets it, without its `.endpoint`: `receive.grpc`, `admin`, ..."""


@contextmanager
def claimed(data_dir: Path) -> Iterator[Path]:
    """The data directory, made if missing (mode 0700), for this process alone while the context lasts.

    Raises ConfigError when it cannot be written or another process holds it. On the way out `endpoints.json` is
    removed; the data stays.
    """
    _prepare(data_dir)
    lock = _lock(data_dir)
    try:
        yield data_dir
    finally:
        (data_dir / ENDPOINTS).unlink(missing_ok=True)
        os.close(lock)


def check_data_dir(data_dir: Path) -> list[str]:
    """A problem if the data directory could not be made or written. Makes nothing."""
    there = next(path for path in (data_dir, *data_dir.absolute().parents) if path.exists())
    if there.is_dir() and os.access(there, os.W_OK | os.X_OK):
        return []
    reason = "Permission denied" if there.is_dir() else f"{there} is not a directory"
    return [f"{named('data_dir')}: {data_dir} cannot be written: {reason}"]


def check_ports(config: Config) -> list[str]:
    """A problem for every endpoint that cannot be listened on, all tried; two keys that want one port are one too.

    A port that is free now may be taken by the time it is opened, so opening it can still fail.
    """
    held: dict[HostPort, str] = {}
    problems = []
    sockets = []
    for name, endpoint in config.listeners().items():
        key = named(f"{name}.endpoint")
        if endpoint.port and endpoint in held:
            problems.append(f"{key}: {endpoint} is what {held[endpoint]} has; {_other(endpoint)}")
            continue
        held[endpoint] = key
        try:
            sockets.append(_listened(endpoint))
        except OSError as error:
            problems.append(f"{key}: {_refusal(endpoint, error)}")
    for opened in sockets:
        opened.close()
    return problems


def write_endpoints(data_dir: Path, endpoints: Mapping[str, str]) -> None:
    """Say where this process listens, for the commands that look for it. Written whole or not at all."""
    _write_private(data_dir / ENDPOINTS, json.dumps({**endpoints, "pid": os.getpid()}, indent=2) + "\n")


def find_running(data_dir: Path) -> Running | None:
    """The collector that runs on the data directory, if one does and says where it listens.

    What a killed process left behind does not count: its lock is gone.
    """
    try:
        lock = os.open(data_dir / LOCK, os.O_RDONLY)
        found = json.loads((data_dir / ENDPOINTS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return Running(found.pop("pid"), found)
    finally:
        os.close(lock)
    return None


def local_token(data_dir: Path) -> str:
    """The secret of this data directory, made on first use; only its owner can read it."""
    path = data_dir / TOKEN
    if not path.exists():
        _write_private(path, secrets.token_urlsafe(32))
    return path.read_text(encoding="utf-8").strip()


def _prepare(data_dir: Path) -> None:
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = data_dir / f".writable-{os.getpid()}"
        probe.touch(mode=0o600)
        probe.unlink()
    except OSError as error:
        raise ConfigError([f"{named('data_dir')}: {data_dir} cannot be written: {error.strerror}"]) from error


def _lock(data_dir: Path) -> int:
    """The descriptor that holds the lock; the file names the process that has it."""
    try:
        descriptor = os.open(data_dir / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigError([f"{named('data_dir')}: {data_dir / LOCK} cannot be opened: {error.strerror}"]) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        holder = os.read(descriptor, 32).decode("ascii", "replace").strip() or "unknown"
        os.close(descriptor)
        raise ConfigError([_held_by(data_dir, holder)]) from error
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"{os.getpid()}\n".encode())
    return descriptor


def _held_by(data_dir: Path, holder: str) -> str:
    return (
        f"{named('data_dir')}: {data_dir} is in use by another spancost (process {holder}); "
        "stop it, or give this one a directory of its own"
    )


def _listened(endpoint: HostPort) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        endpoint.host, endpoint.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    opened = socket.socket(family, kind, protocol)
    try:
        # As every server does: a port that the last run left in TIME_WAIT is free.
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind(address)
        opened.listen(1)
    except OSError:
        opened.close()
        raise
    return opened


def _refusal(endpoint: HostPort, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"{endpoint} is in use by another process; stop that, or {_other(endpoint)}"
    reason = "no such address" if isinstance(error, socket.gaierror) else error.strerror
    return f"{endpoint} cannot be listened on: {reason}"


def _other(endpoint: HostPort) -> str:
    return f"take another port, or {HostPort(endpoint.host, 0)} for a free one"


def _write_private(path: Path, text: str) -> None:
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    temporary.replace(path)
