"""A process killed in the middle of its work loses nothing that it acknowledged."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from spancost.spool import Spool

WORKER = """
import os, sys, threading
from pathlib import Path
from spancost.spool import Spool

spool = Spool(Path(sys.argv[1]), quota_bytes=1 << 30, segment_bytes=200_000, tail_bytes=50_000)

def say(what, body):
    os.write(1, what + b" " + body[:16].rstrip() + b"\\n")

def send(thread):
    n = 0
    while True:
        n += 1
        body = (b"%s-%d-%d" % (sys.argv[2].encode(), thread, n)).ljust(16) + bytes(n % 7 * 1000)
        spool.append(body)
        say(b"acknowledged", body)

for thread in range(6):
    threading.Thread(target=send, args=(thread,), daemon=True).start()
while True:
    for record in spool.read(20_000, 10):
        say(b"stored", record.body)
        spool.commit(record.position)
"""


def run_and_kill(directory: Path, life: int, lines: int) -> tuple[set[str], set[str]]:
    """What a process acknowledged and stored until it was killed, after at least so many lines."""
    said: dict[str, set[str]] = {"acknowledged": set(), "stored": set()}
    command = [sys.executable, "-c", WORKER, directory, str(life)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        for n, line in enumerate(worker.stdout):
            if n == lines:
                worker.send_signal(signal.SIGKILL)
            if line.endswith("\n"):
                what, name = line.split()
                said[what].add(name)
    return said["acknowledged"], said["stored"]


@pytest.mark.parametrize("lines", [1, 300, 1500])
def test_what_was_acknowledged_survives_sigkill(tmp_path: Path, lines: int) -> None:
    """Over two kills under load, every acknowledged record was stored or is there to be read."""
    acknowledged: set[str] = set()
    stored: set[str] = set()
    for life in range(2):
        more_acknowledged, more_stored = run_and_kill(tmp_path, life, lines)
        acknowledged |= more_acknowledged
        stored |= more_stored
    assert acknowledged
    spool = Spool(tmp_path, quota_bytes=1 << 30)
    left = {record.body[:16].decode().rstrip() for record in spool.read(1 << 30, 0)}
    assert spool.status(0).damaged == 0
    spool.close()
    assert acknowledged <= stored | left
