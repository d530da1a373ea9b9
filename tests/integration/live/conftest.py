"""Real applications with real instrumentation, run in environments of their own against the fake provider."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from virtualenvs import Environment, environment, names

from spancost.testing import FakeProvider

APPS = Path(__file__).parent / "apps"

RunApp = Callable[..., int]


@pytest.fixture(scope="session")
def environments() -> Iterator[dict[str, Future[Environment]]]:
    """Every environment, as a future: all are built at once, two at a time."""
    pool = ThreadPoolExecutor(2)
    yield {name: pool.submit(environment, name) for name in names()}
    pool.shutdown(cancel_futures=True)


@pytest.fixture(scope="session")
def fake_provider() -> Iterator[FakeProvider]:
    with FakeProvider() as running:
        yield running


@pytest.fixture(scope="session")
def run_app(environments: dict[str, Future[Environment]], fake_provider: FakeProvider) -> RunApp:
    """`run_app(environment, app, *arguments, service=, endpoint=)` runs an app; returns how many spans it exported."""

    def run(environment: str, app: str, *arguments: str, service: str, endpoint: str) -> int:
        interpreter, settings = environments[environment].result()
        settings = settings | {
            "PATH": os.environ["PATH"],
            "OTEL_SERVICE_NAME": service,
            "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
            "OPENAI_BASE_URL": f"{fake_provider.url}/v1",
            "OPENAI_API_KEY": "any",
            "ANTHROPIC_BASE_URL": fake_provider.url,
            "ANTHROPIC_API_KEY": "any",
        }
        [script] = APPS.glob(f"app_{app}.*")
        command = [interpreter, str(script), *arguments]
        done = subprocess.run(command, env=settings, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        return int(json.loads(done.stdout.splitlines()[-1])["spans"])

    return run
