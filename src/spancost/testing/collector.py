"""A real collector in a process of its own, for end-to-end tests."""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_FREE_PORTS = {
    "SPANCOST_RECEIVE__GRPC__ENDPOINT": "127.0.0.1:0",
    "SPANCOST_RECEIVE__HTTP__ENDPOINT": "127.0.0.1:0",
    "SPANCOST_CLICKHOUSE_HTTP__ENDPOINT": "127.0.0.1:0",
    "SPANCOST_ADMIN__ENDPOINT": "127.0.0.1:0",
}
_POLL_SECONDS = 0.1
_HTTP_OK = 200


class Collector:
    """`spancost up` on free loopback ports over `data_dir`, started on entry and stopped on exit of a `with` block.

    `environment` holds further settings, e.g. `{"SPANCOST_STORE__URL": ...}`. What the process prints goes to
    `<data_dir>.log`. The same data directory may be started again after `stop` or `kill`.
    """

    def __init__(self, data_dir: Path, environment: Mapping[str, str] | None = None, *, patience: float = 60) -> None:
        self.data_dir = data_dir
        self.log = data_dir.with_name(f"{data_dir.name}.log")
        self.endpoints: dict[str, str] = {}
        self._environment = {**os.environ, **_FREE_PORTS, **(environment or {})}
        self._patience = patience
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def grpc_endpoint(self) -> str:
        """What OTEL_EXPORTER_OTLP_ENDPOINT takes for OTLP over gRPC."""
        return f"http://{self.endpoints['receive.grpc']}"

    @property
    def http_endpoint(self) -> str:
        """What OTEL_EXPORTER_OTLP_ENDPOINT takes for OTLP over HTTP."""
        return f"http://{self.endpoints['receive.http']}"

    def start(self) -> None:
        """Start and wait until `/readyz` says so; RuntimeError with the end of the log when it does not come up."""
        command = [str(Path(sys.executable).with_name("spancost")), "up", "--data-dir", str(self.data_dir)]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(command, env=self._environment, stdout=log, stderr=log)
        deadline = time.monotonic() + self._patience
        while not self._ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"the collector did not become ready:\n{self.log.read_text()[-4000:]}")
            time.sleep(_POLL_SECONDS)

    def stop(self) -> int:
        """Ask it to stop (SIGTERM), wait until it has, and return its exit code."""
        if self._process is None:
            return 0
        self._process.terminate()
        try:
            return self._process.wait(self._patience)
        finally:
            self.kill()

    def kill(self) -> None:
        """End it at once (SIGKILL); nothing happens when it has ended."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def query(self, sql: str) -> list[dict[str, Any]]:
        """Rows of a SELECT (without FORMAT) from the ClickHouse endpoint; money comes as exact Decimal.

        A query that the endpoint refuses raises RuntimeError with its answer.
        """
        url = f"http://{self.endpoints['clickhouse_http']}/"
        request = urllib.request.Request(url, f"{sql} FORMAT JSONEachRow".encode())
        try:
            with urllib.request.urlopen(request, timeout=self._patience) as response:  # noqa: S310 (our own http address)
                lines = response.read().decode().splitlines()
        except urllib.error.HTTPError as error:
            with error:
                raise RuntimeError(f"{sql}: {error.read().decode()}") from error
        return [json.loads(line, parse_float=Decimal) for line in lines]

    def eventually(self, sql: str, expected: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Rows of `sql` as soon as they equal `expected`, or as they are when patience ends: assert on the result.

        Rows are visible about two seconds after their spans were acknowledged, and a late parent may restate them.
        """
        deadline = time.monotonic() + self._patience
        while (rows := self.query(sql)) != expected and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        return rows

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _ready(self) -> bool:
        # A file left by a killed predecessor names ports that no one serves, so it is read anew until one answers.
        try:
            self.endpoints = json.loads((self.data_dir / "endpoints.json").read_text())
            with urllib.request.urlopen(f"http://{self.endpoints['admin']}/readyz", timeout=5) as response:
                return bool(response.status == _HTTP_OK)
        except (OSError, ValueError):
            return False
