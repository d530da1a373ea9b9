"""The command line: every command explained, every expected failure one clear line."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from spancost import __version__, cli


def _run(capfd: pytest.CaptureFixture[str], *arguments: str, expected: int = 0) -> tuple[str, str]:
    """Standard output and standard error of a command that ends with that exit code."""
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    printed = capfd.readouterr()
    assert (ended.value.code, printed.err if ended.value.code != expected else "") == (expected, "")
    return printed.out, printed.err


@pytest.fixture(autouse=True)
def _somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test has an empty working directory and an environment without our variables."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("SPANCOST_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def _free_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    for section in ("RECEIVE__GRPC", "RECEIVE__HTTP", "ADMIN", "CLICKHOUSE_HTTP"):
        monkeypatch.setenv(f"SPANCOST_{section}__ENDPOINT", "127.0.0.1:0")


def _commands(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every command below a group, with the words that call it."""
    children = getattr(command, "commands", None)
    if children is None:
        yield path, command
    for name, child in (children or {}).items():
        yield from _commands(child, f"{path} {name}")


COMMANDS = dict(_commands(typer.main.get_command(cli.app), "spancost"))


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_says_what_it_does(path: str) -> None:
    """Every command has help, and so has each of its options and arguments."""
    command = COMMANDS[path]

    assert command.help
    assert [parameter.name for parameter in command.params if not getattr(parameter, "help", None)] == []


def test_every_command_and_option_is_documented(root: Path) -> None:
    """docs/cli.md has a section for each command, in the same order, that names each of its options."""
    sections = re.split(r"^## ", (root / "docs/cli.md").read_text(), flags=re.MULTILINE)[1:]
    documented = {section.splitlines()[0]: set(re.findall(r"`(--[a-z-]+)[` ]", section)) for section in sections}
    options = {
        path: {option for parameter in command.params for option in parameter.opts if option.startswith("--")}
        for path, command in COMMANDS.items()
    }

    assert documented == options


def test_version(capfd: pytest.CaptureFixture[str]) -> None:
    """--version says which one this is."""
    assert _run(capfd, "--version")[0] == f"spancost {__version__}\n"


@pytest.mark.usefixtures("_free_ports")
def test_check_prints_the_configuration_in_effect(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A good configuration is printed as YAML, secrets masked, and then `ok`; nothing is made."""
    (tmp_path / "c.yaml").write_text("receive: {token: hunter2}\nwindow: {max_age: 90s}\n")
    out, _ = _run(capfd, "check", "--config", "c.yaml", "--data-dir", "d")
    effective = yaml.safe_load(out.removesuffix("ok\n"))

    assert out.endswith("\nok\n")
    assert effective["store"]["url"] == f"chdb://{tmp_path}/d/clickhouse"
    assert effective["window"]["max_age"] == "90s"
    assert "hunter2" not in out
    assert not (tmp_path / "d").exists()


def test_check_prints_every_problem(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A bad configuration is one line for each problem on standard error, and exit code 2."""
    monkeypatch.setenv("SPANCOST_ADMIN__ENDPOINT", "nowhere")
    monkeypatch.setenv("SPANCOST_RECIEVE__TOKEN", "x")
    out, err = _run(capfd, "check", expected=2)

    assert out == ""
    assert [line.split(" ")[1] for line in err.splitlines()] == ["SPANCOST_RECIEVE__TOKEN:", "admin.endpoint"]


@pytest.mark.usefixtures("_free_ports")
@pytest.mark.parametrize("command", ["up", "check"])
def test_a_directory_that_cannot_be_written(capfd: pytest.CaptureFixture[str], command: str, tmp_path: Path) -> None:
    """A data directory that is a file is one line with its key, and exit code 2."""
    (tmp_path / "file").touch()
    _, err = _run(capfd, command, "--data-dir", "file", expected=2)

    assert err.startswith("spancost: data_dir (SPANCOST_DATA_DIR): file cannot be written: ")
    assert len(err.splitlines()) == 1


@pytest.mark.usefixtures("_free_ports")
def test_up_refuses_a_directory_in_use(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Of two collectors on one directory the second is told who has it, and exits with 2."""
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(tmp_path / "d")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        _, err = _run(capfd, "up", "--data-dir", "d", expected=2)
        holder.kill()

    assert f"in use by another spancost (process {holder.pid})" in err


_HOLD = "import sys; from pathlib import Path; from spancost.runtime import claimed\n\
with claimed(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"


def test_up_names_every_port_in_use(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Ports that are taken are all named at once with their variables, and nothing is started."""
    with pytest.MonkeyPatch.context() as patch, socket.create_server(("127.0.0.1", 0)) as server:
        for section in ("RECEIVE__GRPC", "RECEIVE__HTTP", "ADMIN", "CLICKHOUSE_HTTP"):
            patch.setenv(f"SPANCOST_{section}__ENDPOINT", f"127.0.0.1:{server.getsockname()[1]}")
        _, err = _run(capfd, "up", expected=2)

    assert re.findall(r"^spancost: .*?(SPANCOST_\w+)", err, re.MULTILINE) == [
        "SPANCOST_RECEIVE__GRPC__ENDPOINT",
        "SPANCOST_RECEIVE__HTTP__ENDPOINT",
        "SPANCOST_ADMIN__ENDPOINT",
        "SPANCOST_CLICKHOUSE_HTTP__ENDPOINT",
    ]


@pytest.mark.parametrize(
    "arguments", [("nonsense",), ("query",), ("send",), ("up", "--confg", "x"), ("demo", "--calls", "some")]
)
def test_wrong_usage_exits_with_2(capfd: pytest.CaptureFixture[str], arguments: tuple[str, ...]) -> None:
    """Wrong usage is exit code 2 and help on standard error, never a traceback."""
    _, err = _run(capfd, *arguments, expected=2)

    assert "Traceback" not in err
    assert "Usage: " in err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--calls", "2999"), "--calls: 2,999 is too few for 30 days; at least 3,000 (100 a day)"),
        (("--calls", "700", "--days", "8"), "--calls: 700 is too few for 8 days; at least 800 (100 a day)"),
        (("--days", "6"), "--days: 6 is too few to hold the planted incidents; at least 7"),
    ],
)
def test_demo_says_how_small_a_month_may_be(
    capfd: pytest.CaptureFixture[str], options: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    """Too little is one line with the minimum and exit code 2, before a collector is started."""
    _, err = _run(capfd, "demo", "--data-dir", "d", *options, expected=2)

    assert err == f"spancost: {said}\n"
    assert not (tmp_path / "d").exists()


@pytest.mark.usefixtures("_free_ports")
@pytest.mark.parametrize("command", ["up", "check"])
def test_mistakes_in_dialect_files_are_told(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: str, tmp_path: Path
) -> None:
    """Every mistake in a dialect file of one's own is a line with file and key, and nothing is made or started."""
    (tmp_path / "extra").mkdir()
    (tmp_path / "extra" / "mine.yaml").write_text("dialect: mine\norder: soon\nfields: {tool: [{json: a}]}\n")
    monkeypatch.setenv("SPANCOST_CONVENTIONS__EXTRA_DIR", "extra")
    _, err = _run(capfd, command, "--data-dir", "d", expected=2)

    assert err.splitlines() == [
        "spancost: mine.yaml: order: 'soon' is no whole number",
        "spancost: mine.yaml: fields.tool: `from` is missing in {'json': 'a'}",
    ]
    assert not (tmp_path / "d").exists()


@pytest.mark.usefixtures("_free_ports")
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (None, "does not answer: Connection refused"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnope", "does not answer: HTTP driver received HTTP"),
        (
            b"HTTP/1.1 403 No\r\nX-ClickHouse-Exception-Code: 516\r\nContent-Length: 28\r\n\r\n"
            b"Code: 516. Wrong password :(",
            "refuses: Received ClickHouse exception, code: 516",
        ),
    ],
)
def test_up_says_that_the_server_is_not_there(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, answer: bytes | None, said: str
) -> None:
    """A ClickHouse server that cannot be used is one line with its address, without the password, and exit code 2."""
    with _server(answer) as port:
        monkeypatch.setenv("SPANCOST_STORE__URL", f"clickhouse://me:hunter2@127.0.0.1:{port}")
        done = subprocess.run(
            [sys.executable, "-m", "spancost.cli", "up"], capture_output=True, text=True, timeout=60, check=False
        )

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"spancost: store.url (SPANCOST_STORE__URL): 127.0.0.1:{port} {said}")
    assert len(done.stderr.splitlines()) == 1
    assert "hunter2" not in done.stderr


@contextmanager
def _server(answer: bytes | None) -> Iterator[int]:
    """The port of a server that says the same to everybody, or of none."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        if answer is None:
            server.close()
        else:
            threading.Thread(target=_say, args=(server, answer), daemon=True).start()
        yield port


def _say(server: socket.socket, answer: bytes) -> None:
    with suppress(OSError):
        while True:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)


def test_the_banner_calls_us_as_the_user_can(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """By name where it is found; else by the path from where the user stands, or the whole path."""
    script = tmp_path / ".venv" / "bin" / "spancost"
    script.parent.mkdir(parents=True)
    script.touch(mode=0o755)
    monkeypatch.setattr(sys, "executable", str(script.with_name("python")))
    commands = []
    for path, where in ((script.parent, tmp_path), ("", tmp_path), ("", "/")):
        monkeypatch.setenv("PATH", str(path))
        monkeypatch.chdir(where)
        commands.append(cli._own_command())

    assert commands == ["spancost", ".venv/bin/spancost", str(script).removeprefix("/")]


def test_tail_needs_a_collector(capfd: pytest.CaptureFixture[str]) -> None:
    """Without a running collector there is nothing to watch, and the message says what to do."""
    _, err = _run(capfd, "tail", expected=1)

    assert err.startswith("spancost: no collector runs on spancost-data; start one with `spancost up`")


def test_send_says_where_it_failed(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A file that is no OTLP is one line and exit code 1."""
    (tmp_path / "x.json").write_text("{")
    _, err = _run(capfd, "send", "x.json", expected=1)

    assert err.startswith("spancost: x.json: not a trace request in OTLP")
    assert len(err.splitlines()) == 1


def test_send_takes_host_and_port(capfd: pytest.CaptureFixture[str]) -> None:
    """An --endpoint that is none is wrong usage."""
    _, err = _run(capfd, "send", "x.json", "--endpoint", "here", expected=2)

    assert err.startswith("spancost: --endpoint: 'here': write host:port")


def test_price_explain_adds_up(capfd: pytest.CaptureFixture[str]) -> None:
    """600 x 2.50 + 400 x 1.25 + 300 x 10.00 per million is 0.005, in JSON and in text."""
    arguments = [
        "price", "explain", "--provider", "openai", "--model", "gpt-4o", "--at", "2026-01-15",
        "--usage", "input_tokens=1000", "--usage", "cache_read_tokens=400", "--usage", "output_tokens=300",
    ]  # fmt: skip
    as_json, _ = _run(capfd, *arguments, "--json")
    as_text, _ = _run(capfd, *arguments)

    assert Decimal(json.loads(as_json)["cost_usd"]) == Decimal("0.005")
    assert "0.005" in as_text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--usage", "inptu=1"), "inptu"),
        (("--usage", "input=1", "--context", "x"), "'x'"),
        (("--usage", "input=1", "--at", "soon"), "--at"),
    ],
)
def test_price_explain_refuses_nonsense(
    capfd: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str
) -> None:
    """A meter, a context or a time that makes no sense is wrong usage."""
    _, err = _run(capfd, "price", "explain", "--provider", "openai", "--model", "gpt-4o", *arguments, expected=2)

    assert words in err
    assert "Traceback" not in err
