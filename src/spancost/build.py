"""The composition root: a configuration becomes a running collector. The only module that knows every part."""

from __future__ import annotations

import os
import secrets
import signal
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote, urlsplit

import pyarrow as pa
import structlog

from spancost import __version__
from spancost.admin import admin_app
from spancost.attribute.window import Window
from spancost.books import record_book
from spancost.config import Config
from spancost.config_keys import named
from spancost.errors import ConfigError, SpancostError
from spancost.ledger.protocol import Ledger
from spancost.memory import return_unused_memory
from spancost.metrics import Metrics
from spancost.normalise.dialects import Conventions, load_conventions
from spancost.pipeline import Pipeline
from spancost.price.book import Book, load_book
from spancost.price.pricer import make_pricer
from spancost.receive.auth import Credentials
from spancost.receive.grpc_server import GrpcServer
from spancost.receive.http_server import HttpServer
from spancost.receive.intake import Intake
from spancost.receive.otlp_http import otlp_app
from spancost.receive.service import Service
from spancost.runtime import local_token, write_endpoints
from spancost.spool.spool import Spool
from spancost.store.asking import Identity
from spancost.store.client import Store, open_store
from spancost.store.endpoint import endpoint_app
from spancost.store.errors import StoreError, StoreRejected, in_short
from spancost.store.ledger import StoreLedger
from spancost.store.migrate import migrate
from spancost.store.record import record
from spancost.tail import Tail
from spancost.worker import Limits, Worker

_log = structlog.get_logger(__name__)

_GRACE_SECONDS = 10.0
_RELOAD_SPANS = 20_000


def run(config: Config, announce: Callable[[Mapping[str, str]], None]) -> None:
    """Run the collector in this process until SIGTERM or SIGINT. The data directory is claimed already.

    `announce` is called with the endpoints taken, once everything answers. Raises `ConfigError` before any of them
    listens.
    """
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    with ExitStack() as stack:
        announce(start(config, stack))
        stopped.wait()
        _log.info("stopping")


def start(config: Config, stack: ExitStack, ledger: Ledger | None = None) -> Mapping[str, str]:
    """Start every part; `stack` stops them in reverse order. Returns where each listens, as in `endpoints.json`.

    With a `ledger` of the caller's own no store is opened and no SQL answered: that is for measuring the rest.
    """
    return_unused_memory()
    pa.set_cpu_count(1)
    conventions = load_conventions(config.conventions.extra_dir, config.attribution.keys, config.attribution.tags)
    metrics, tail = Metrics(), Tail()
    stack.callback(metrics.close)
    book = load_book()
    store = None if ledger else _open_store(config, stack)
    if store:
        record_book(store, book, datetime.now(UTC))
    spool = _open_spool(config, stack)
    pipeline = _pipeline(config, conventions, book, ledger or StoreLedger(cast(Store, store)))
    worker = Worker(pipeline, spool, metrics, tail, _limits(config))
    _watch(metrics, spool, pipeline)
    servers = _bind(config, spool, metrics, tail, store, worker)
    stack.callback(worker.stop, _GRACE_SECONDS)
    worker.start()
    for server in servers.values():
        server.start()
        stack.callback(server.stop, _GRACE_SECONDS)
    stack.callback(tail.close)
    endpoints = {name: f"{config.listeners()[name].host}:{server.port}" for name, server in servers.items()}
    while not worker.ready:
        time.sleep(0.01)
    write_endpoints(config.data_dir, endpoints)
    return endpoints


def _open_store(config: Config, stack: ExitStack) -> Store:
    store = stack.enter_context(open_store(config.store_url, config.database))
    try:
        store.create_database()
    except (StoreError, StoreRejected) as error:
        if config.embedded:
            raise
        what = "does not answer" if error.code is None else "refuses"
        raise ConfigError([f"{named('store.url')}: {store.address} {what}: {in_short(error)}"]) from error
    migrate(store)
    return store


def _open_spool(config: Config, stack: ExitStack) -> Spool:
    spool = Spool(config.data_dir / "spool", quota_bytes=config.spool.quota_bytes)
    stack.callback(spool.close)
    return spool


def _pipeline(config: Config, conventions: Conventions, book: Book, ledger: Ledger) -> Pipeline:
    detail = {dialect.name: dialect.detail for dialect in conventions.dialects}
    window = Window(config.window.max_spans, _nanoseconds(config.window.max_age), detail)
    return Pipeline(
        conventions,
        make_pricer(book),
        window,
        ledger,
        _content_key(config.data_dir),
        _nanoseconds(config.window.settle),
    )


def _bind(
    config: Config, spool: Spool, metrics: Metrics, tail: Tail, store: Store | None, worker: Worker
) -> dict[str, GrpcServer | HttpServer]:
    """Take every port before any of them answers."""
    token = config.receive.token
    service = Service(
        accept=Intake(spool.append).accept,
        observe=metrics,
        credentials=Credentials(tokens=[token.get_secret_value()]) if token else None,
        max_request_bytes=config.receive.max_message_bytes,
    )
    listeners = config.listeners()
    admin = admin_app(
        not_ready=lambda: _not_ready(store, worker),
        metrics=metrics.text,
        status=lambda: _status(config, spool, worker),
        tail=tail,
        record=partial(record, store) if store else None,
        token=config.admin.token.get_secret_value() if config.admin.token else None,
        local_token=local_token(config.data_dir),
    )
    apps = {"receive.http": otlp_app(service), "admin": admin}
    if config.embedded and store:
        password = config.clickhouse_http.password
        apps["clickhouse_http"] = endpoint_app(
            unquote(urlsplit(config.store_url).path),
            config.database,
            credentials=Identity(config.clickhouse_http.user, password.get_secret_value()) if password else None,
            cores=os.cpu_count() or 1,
        )
    servers: dict[str, GrpcServer | HttpServer] = {}
    try:
        name = "receive.grpc"
        servers[name] = GrpcServer(str(listeners[name]), service)
        for name, app in apps.items():
            servers[name] = HttpServer(app, listeners[name].host, listeners[name].port)
    except OSError as error:
        raise ConfigError([f"{named(f'{name}.endpoint')}: {listeners[name]} cannot be had: {error}"]) from error
    return servers


def _not_ready(store: Store | None, worker: Worker) -> list[str]:
    reasons = [] if worker.ready else ["the window of open traces is being loaded"]
    try:
        answers = store is None or store.ping()
    except SpancostError as error:
        return [*reasons, f"the store does not answer: {error}"]
    trouble = [worker.trouble] if worker.trouble else []
    return [*reasons, *trouble] if answers else [*reasons, *trouble, "the store does not answer"]


def _status(config: Config, spool: Spool, worker: Worker) -> dict[str, Any]:
    now = spool.status(time.time())
    return {
        "version": __version__,
        "ready": worker.ready,
        "spool": {
            "records": now.records,
            "appended": now.appended,
            "bytes": now.bytes,
            "quota_bytes": now.quota_bytes,
            "oldest_age": now.oldest_age,
        },
        "store": {"database": config.database, "embedded": config.embedded},
    }


def _watch(metrics: Metrics, spool: Spool, pipeline: Pipeline) -> None:
    metrics.gauge("spool_bytes", "Bytes in the spool", lambda: spool.status(time.time()).bytes, "By")
    metrics.gauge("spool_records", "Requests in the spool", lambda: spool.status(time.time()).records)
    metrics.gauge("exporter_queue_size", "Rows that wait to be stored", lambda: pipeline.waiting)
    metrics.gauge("window_spans", "Spans in the window of open traces", lambda: pipeline.window_spans)


def _content_key(data_dir: Path) -> bytes:
    """The key of the content hashes, made on first use; only its owner can read it."""
    path = data_dir / "content-key"
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(32))
    return path.read_bytes()


def _limits(config: Config) -> Limits:
    most = config.window.max_spans
    return Limits(most, _nanoseconds(config.window.max_age), min(most, _RELOAD_SPANS))


def _nanoseconds(duration: Any) -> int:
    return int(duration.total_seconds() * 1_000_000) * 1000
