"""A collector for the length of a command: the one that runs on the data directory, or one started for the purpose."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from rich.console import Console

from spancost.client import CommandFailed, is_ready, status
from spancost.runtime import Running, find_running

_POLL_SECONDS = 0.1
_START_SECONDS = 120.0


@contextmanager
def collector(data_dir: Path, options: Sequence[str]) -> Iterator[Running]:
    """The collector on the data directory, started with `spancost up` and those options if none runs.

    One that was started here is stopped when the context ends; what it has not stored by then, the next one will.
    Raises CommandFailed, with what it said, when it does not start.
    """
    if running := find_running(data_dir):
        yield running
        return
    with TemporaryFile() as said:
        command = [sys.executable, "-m", "spancost.cli", "up", *options]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        try:
            yield _started(process, data_dir, said)
        finally:
            process.terminate()
            process.wait()


def wait_until_stored(running: Running, token: str, stream: IO[str]) -> None:
    """Return once every request that a collector had taken before is in SQL; a terminal is shown how many are left.

    Raises CommandFailed when the collector stops first.
    """
    before = _spool(running, token)
    left = before["records"]
    with Console(file=stream).status(_to_go(left)) as shown:
        while left:
            time.sleep(_POLL_SECONDS)
            now = _spool(running, token)
            came_later = max(0, now["appended"] - before["appended"])
            left = max(0, now["records"] - came_later)
            shown.update(_to_go(left))


def _spool(running: Running, token: str) -> dict[str, int]:
    try:
        spool: dict[str, int] = status(running.endpoints["admin"], token)["spool"]
    except CommandFailed as error:
        raise CommandFailed(
            f"the collector stopped early ({error}); what it had not stored, the next `spancost up` will"
        ) from error
    return spool


def _to_go(records: int) -> str:
    return f"storing: {records:,} requests to go"


def _started(process: subprocess.Popen[bytes], data_dir: Path, said: IO[bytes]) -> Running:
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        running = find_running(data_dir)
        if running and is_ready(running.endpoints["admin"]):
            return running
        time.sleep(_POLL_SECONDS)
    said.seek(0)
    words = said.read().decode("utf-8", "replace").strip()
    raise CommandFailed(f"no collector runs, and none could be started:\n{words}")
