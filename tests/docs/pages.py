"""The fenced blocks of a Markdown page, and commands run as its reader runs them."""

import os
import pty
import re
import shlex
import subprocess
import sys
import urllib.request
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^):]+)\)")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, '' where it names none, and its text."""

    language: str
    text: str

    @property
    def commands(self):
        """The words of each line to type, without comments."""
        return [words for line in self.text.splitlines() if (words := shlex.split(line, comments=True))]

    @property
    def command_and_output(self):
        """Of a console block the words after its `$`, which may go on over lines, and the lines shown below."""
        lines = self.text.removeprefix("$ ").splitlines()
        for end in range(1, len(lines) + 1):
            with suppress(ValueError):  # a quotation that is not closed yet
                return shlex.split("\n".join(lines[:end])), lines[end:]
        raise AssertionError(f"no command: {self.text}")


def blocks_of(page):
    """The blocks of a page, in order."""
    return [Block(*found) for found in _FENCE.findall(page)]


def links_of(page):
    """The files that a page leads to, relative to it, without the place in them."""
    return [file for link in _LINK.findall(page) if (file := link.partition("#")[0])]


def settings_for(collector):
    """The environment of a reader whose collector listens on the default ports and keeps the default directory."""
    told = {"SPANCOST_DATA_DIR": str(collector.data_dir), "OTEL_EXPORTER_OTLP_ENDPOINT": collector.grpc_endpoint}
    return os.environ | told


def run(words, settings):
    """Run a command of this environment to its end and return what it printed; it must succeed."""
    command = [str(_BIN / words[0]), *words[1:]]
    done = subprocess.run(command, env=settings, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def ask(collector, sql):
    """What the collector's SQL endpoint answers to names without a database, as lines of tab-separated values."""
    url = f"http://{collector.endpoints['clickhouse_http']}/?database=spancost"
    with urllib.request.urlopen(url, sql.encode(), timeout=60) as answer:
        return answer.read().decode().splitlines()


def lines_on_a_terminal(words, settings):
    """What a command prints when its output is a terminal, line by line, without colours; it must succeed."""
    ours, theirs = pty.openpty()
    with subprocess.Popen([str(_BIN / words[0]), *words[1:]], env=settings, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        text = b"".join(iter(lambda: _some_of(ours), b"")).decode()
    os.close(ours)
    assert process.returncode == 0, text
    return _COLOUR.sub("", text).splitlines()


def _some_of(terminal):
    try:
        return os.read(terminal, 65536)
    except OSError:  # how Linux says that the other end of a terminal was closed
        return b""
