"""The commands against a collector that runs, and against its files when it no longer does."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from spancost.client import status
from spancost.runtime import find_running, local_token
from spancost.testing import Collector

_SPANCOST = Path(sys.executable).with_name("spancost")
_SQL = "SELECT model, count() AS n, sum(cost) AS cost FROM calls GROUP BY model"
_ANSWER = {"model": "gpt-4o", "n": 1, "cost": 0.005}


def _spancost(*arguments: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(_SPANCOST), *arguments], env=os.environ | (environment or {}), capture_output=True, text=True, check=False
    )


def _span(span_id: str, **attributes: str | int) -> dict[str, object]:
    values = [
        {"key": key, "value": {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}}
        for key, value in attributes.items()
    ]
    times = {"startTimeUnixNano": "1768471200000000000", "endTimeUnixNano": "1768471201000000000"}
    return {
        "traceId": "0af7651916cd43dd8448eb211c80319c",
        "spanId": span_id,
        "name": "x",
        "attributes": values,
        **times,
    }


_CALL: dict[str, str | int] = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.usage.input_tokens": 1000,
    "gen_ai.usage.cache_read.input_tokens": 400,
    "gen_ai.usage.output_tokens": 300,
}


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    """A collector that was sent one call, one span that is none, and one with a bad id."""
    directory = tmp_path_factory.mktemp("cli")
    spans = [_span("b7ad6b7169203331", **_CALL), _span("b7ad6b7169203332"), _span("0000000000000000")]
    scope = {"scope": {"name": "requests"}, "spans": spans}
    (directory / "spans.json").write_text(json.dumps({"resourceSpans": [{"scopeSpans": [scope]}]}))
    with Collector(directory / "data") as running:
        yield running


@pytest.fixture(scope="module")
def watched(collector: Collector) -> str:
    """What `tail` shows while `send` sends, and what `send` says."""
    command = [str(_SPANCOST), "tail", "--data-dir", str(collector.data_dir)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"COLUMNS": "300"}) as tail:
        assert tail.stdout is not None
        _until_watched(collector)
        file = collector.data_dir.with_name("spans.json")
        sent = _spancost("send", str(file), "--data-dir", str(collector.data_dir))
        landed = tail.stdout.readline()
        tail.terminate()
    return f"{sent.stdout}{landed}"


def _until_watched(collector: Collector) -> None:
    """Wait until the collector says that somebody watches."""
    admin, token = collector.endpoints["admin"], local_token(collector.data_dir)
    while not status(admin, token)["watchers"]:
        time.sleep(0.05)


def test_send_says_what_was_taken(watched: str, collector: Collector) -> None:
    """A partial success is told with its count and reason."""
    grpc = collector.endpoints["receive.grpc"]

    assert f"spans.json: 2 spans taken by {grpc}, 1 refused: 1 of 3 spans refused" in watched


def test_tail_shows_the_call_as_it_lands(watched: str) -> None:
    """The call appears with its tokens and its exact price."""
    assert "gpt-4o" in watched
    assert "1,000 in (400 cached), 300 out" in watched
    assert "$0.005" in watched


def test_query_asks_the_collector_that_runs(watched: str, collector: Collector) -> None:
    """The answer comes in the format asked for."""
    assert collector.eventually("SELECT count() AS n FROM calls", [{"n": 1}]) == [{"n": 1}]
    answered = _spancost("query", _SQL, "--format", "JSONEachRow", "--data-dir", str(collector.data_dir))

    assert json.loads(answered.stdout) == _ANSWER


@pytest.mark.parametrize("sql", ["SELECT * FROM spans_ledger", "DROP TABLE calls", "SELECT nonsense FROM calls"])
def test_a_refused_query_is_one_clear_line(collector: Collector, sql: str) -> None:
    """ClickHouse's words on standard error, exit code 1, nothing on standard output."""
    answered = _spancost("query", sql, "--data-dir", str(collector.data_dir))

    assert (answered.returncode, answered.stdout) == (1, "")
    assert answered.stderr.startswith("spancost: ")
    assert "Traceback" not in answered.stderr


def test_what_runs_is_left_alone(collector: Collector) -> None:
    """A second `up` on the directory is refused with the process that has it; `migrate` and `check` are not."""
    directory = str(collector.data_dir)
    running = find_running(collector.data_dir)
    second, migrated, checked = (_spancost(each, "--data-dir", directory) for each in ("up", "migrate", "check"))

    assert running is not None
    assert (second.returncode, f"process {running.pid}" in second.stderr) == (2, True)
    assert (migrated.returncode, migrated.stdout.startswith("nothing to do")) == (0, True)
    assert (checked.returncode, f"# running: process {running.pid}" in checked.stdout) == (0, True)


def test_query_opens_the_files_when_nothing_runs(watched: str, collector: Collector) -> None:
    """After the collector stopped the same query gives the same answer, behind the same fence."""
    collector.stop()
    directory = ("--data-dir", str(collector.data_dir))
    answered = _spancost("query", _SQL, "--format", "JSONEachRow", *directory)
    fenced = _spancost("query", "SELECT * FROM spans_ledger", *directory)
    collector.start()

    assert json.loads(answered.stdout) == _ANSWER
    assert (fenced.returncode, "ACCESS_DENIED" in fenced.stderr) == (1, True)


def test_demo_ends_when_all_of_it_is_in_sql(collector: Collector) -> None:
    """With a collector that runs already: what the demo says was sent is there as soon as it says so."""
    known = collector.query("SELECT toInt32(count()) AS n FROM spancost.calls")[0]["n"]
    said = _spancost("demo", "--calls", "1000", "--days", "7", "--data-dir", str(collector.data_dir))
    found = collector.query("SELECT toInt32(count()) AS n FROM spancost.calls")[0]["n"]
    sent = re.search(r"sent ([\d,]+) calls", said.stdout)

    assert (said.returncode, said.stderr) == (0, "")
    assert sent is not None
    assert "\nstored; ask: " in said.stdout
    assert found - known == int(sent[1].replace(",", ""))
