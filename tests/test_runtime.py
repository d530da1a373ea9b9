"""What a running collector claims, and how others find it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from spancost.config import load_config
from spancost.errors import ConfigError
from spancost.runtime import check_data_dir, check_ports, claimed, find_running, local_token, write_endpoints

_HOLDER = """
import signal, sys
from pathlib import Path
from spancost.runtime import claimed, write_endpoints
with claimed(Path(sys.argv[1])) as directory:
    write_endpoints(directory, {"admin": "127.0.0.1:1"})
    print("held", flush=True)
    signal.pause()
"""

_FREE = {
    "SPANCOST_RECEIVE__GRPC__ENDPOINT": "127.0.0.1:0",
    "SPANCOST_RECEIVE__HTTP__ENDPOINT": "127.0.0.1:0",
    "SPANCOST_ADMIN__ENDPOINT": "127.0.0.1:0",
    "SPANCOST_CLICKHOUSE_HTTP__ENDPOINT": "127.0.0.1:0",
}


def _hold(data_dir: Path) -> subprocess.Popen[str]:
    holder = subprocess.Popen([sys.executable, "-c", _HOLDER, str(data_dir)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    return holder


def _end(holder: subprocess.Popen[str]) -> None:
    assert holder.stdout is not None
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    holder.stdout.close()


def test_a_data_directory_is_made_for_its_owner_only(tmp_path: Path) -> None:
    """A missing directory is made with mode 0700, parents too."""
    data_dir = tmp_path / "a" / "b"
    with claimed(data_dir):
        assert data_dir.stat().st_mode & 0o777 == 0o700


def test_a_second_process_is_told_who_has_the_directory(tmp_path: Path) -> None:
    """Another process on the same directory is refused with the key and the process that has it."""
    holder = _hold(tmp_path)
    with pytest.raises(ConfigError) as raised, claimed(tmp_path):
        pass
    _end(holder)

    (problem,) = raised.value.problems
    assert problem.startswith("data_dir (SPANCOST_DATA_DIR): ")
    assert f"process {holder.pid}" in problem


def test_a_killed_process_leaves_nothing_in_the_way(tmp_path: Path) -> None:
    """After kill -9 the directory is free, and what the process wrote about itself does not count."""
    holder = _hold(tmp_path)
    running = find_running(tmp_path)
    _end(holder)

    assert running is not None
    assert (running.pid, running.endpoints) == (holder.pid, {"admin": "127.0.0.1:1"})
    assert find_running(tmp_path) is None
    with claimed(tmp_path):
        pass


def test_endpoints_are_gone_when_the_claim_ends(tmp_path: Path) -> None:
    """endpoints.json lasts as long as the claim."""
    with claimed(tmp_path):
        write_endpoints(tmp_path, {"receive.grpc": "127.0.0.1:4317"})
        written = json.loads((tmp_path / "endpoints.json").read_text())

    assert written == {"receive.grpc": "127.0.0.1:4317", "pid": os.getpid()}
    assert not (tmp_path / "endpoints.json").exists()


def test_nothing_runs_on_a_directory_that_is_not_there(tmp_path: Path) -> None:
    """Looking for a collector makes nothing."""
    assert find_running(tmp_path / "none") is None
    assert not (tmp_path / "none").exists()


def test_a_directory_that_is_a_file_is_refused(tmp_path: Path) -> None:
    """A data_dir that cannot be written is a problem with its key, on start and on check."""
    (tmp_path / "file").touch()
    with (
        pytest.raises(ConfigError, match=r"data_dir \(SPANCOST_DATA_DIR\): .*cannot be written"),
        claimed(tmp_path / "file"),
    ):
        pass

    (problem,) = check_data_dir(tmp_path / "file" / "below")
    assert problem.startswith("data_dir (SPANCOST_DATA_DIR): ")
    assert check_data_dir(tmp_path / "new" / "below") == []
    assert not (tmp_path / "new").exists()


def test_a_lock_that_cannot_be_opened_is_a_problem(tmp_path: Path) -> None:
    """Something else in the lock's place is one problem with the key, not a crash."""
    (tmp_path / "lock").mkdir()
    with pytest.raises(ConfigError, match=r"^data_dir \(SPANCOST_DATA_DIR\): .*lock cannot"), claimed(tmp_path):
        pass


def test_the_token_is_its_owners_and_stays(tmp_path: Path) -> None:
    """The token file has mode 0600, and the same token is found every time."""
    token = local_token(tmp_path)

    assert len(token) >= 32
    assert local_token(tmp_path) == token
    assert (tmp_path / "token").stat().st_mode & 0o777 == 0o600


def test_every_port_in_use_is_named_at_once() -> None:
    """For each port that is taken: the key, the variable, and port 0 as the way out."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        taken = [f"127.0.0.1:{server.getsockname()[1]}" for server in (one, two)]
        environ = {"SPANCOST_RECEIVE__GRPC__ENDPOINT": taken[0], "SPANCOST_CLICKHOUSE_HTTP__ENDPOINT": taken[1]}
        problems = check_ports(load_config(None, _FREE | environ))

    assert [problem.split(": ")[0] for problem in problems] == [
        "receive.grpc.endpoint (SPANCOST_RECEIVE__GRPC__ENDPOINT)",
        "clickhouse_http.endpoint (SPANCOST_CLICKHOUSE_HTTP__ENDPOINT)",
    ]
    assert all(address in problem for address, problem in zip(taken, problems, strict=True))
    assert all("127.0.0.1:0" in problem for problem in problems)


def test_two_keys_on_one_port_are_a_problem() -> None:
    """The same port for two endpoints is found before either is opened."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        free = f"127.0.0.1:{probe.getsockname()[1]}"
    environ = {"SPANCOST_RECEIVE__HTTP__ENDPOINT": free, "SPANCOST_ADMIN__ENDPOINT": free}
    (problem,) = check_ports(load_config(None, _FREE | environ))

    assert problem.startswith("admin.endpoint (SPANCOST_ADMIN__ENDPOINT): ")
    assert "receive.http.endpoint" in problem


def test_an_address_of_another_machine_is_a_problem() -> None:
    """An address that this machine does not have cannot be listened on, and the message says so."""
    environ = {"SPANCOST_ADMIN__ENDPOINT": "192.0.2.1:0", "SPANCOST_ADMIN__TOKEN": "x"}
    (problem,) = check_ports(load_config(None, _FREE | environ))

    assert problem.startswith("admin.endpoint (SPANCOST_ADMIN__ENDPOINT): 192.0.2.1:0 cannot be listened on: ")


def test_free_ports_are_no_problem() -> None:
    """Port 0 is always free."""
    assert check_ports(load_config(None, _FREE)) == []
