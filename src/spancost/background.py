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

from spancost.client import CommandFailed, is_ready, status
from spancost.runtime import Running, find_running, local_token

_POLL_SECONDS = 0.1
_START_SECONDS = 120.0


@contextmanager
def collector(data_dir: Path, options: Sequence[str]) -> Iterator[Running]:
    """The collector on the data directory, started with `spancost up` and those options if none runs.

    One that was started here has stored everything it took when the context ends, and is stopped then. Raises
    CommandFailed, with what it said, when it does not start.
    """
    if running := find_running(data_dir):
        yield running
        return
    with TemporaryFile() as said:
        command = [sys.executable, "-m", "spancost.cli", "up", *options]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        try:
            running = _started(process, data_dir, said)
            yield running
            _wait_until_stored(running, local_token(data_dir), process)
        finally:
            process.terminate()
            process.wait()


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


def _wait_until_stored(running: Running, token: str, process: subprocess.Popen[bytes]) -> None:
    while status(running.endpoints["admin"], token)["spool"]["records"]:
        if process.poll() is not None:
            raise CommandFailed("the collector stopped early; what it had not stored, the next `spancost up` will")
        time.sleep(_POLL_SECONDS)
