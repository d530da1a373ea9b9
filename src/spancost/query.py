"""`spancost query`: SQL to whoever has the store. A collector that runs, a server, or else the files themselves."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from spancost.client import CommandFailed, ask
from spancost.config import Config
from spancost.config_values import HostPort
from spancost.runtime import Running, claimed
from spancost.store.session import Engine, Statement
from spancost.store.settings import Limits
from spancost.store.wire import Answered

_SERVER_PORTS = {"clickhouse": 8123, "clickhouses": 8443}


def answer(config: Config, running: Running | None, sql: str, output_format: str) -> Iterator[bytes]:
    """What ClickHouse answers, as it comes, in a format of its own. Only reads.

    `running` is the collector on the data directory, if there is one. Raises CommandFailed with ClickHouse's words.
    """
    if not config.embedded:
        return _from_server(config, sql, output_format)
    if running:
        return _from_collector(config, running, sql, output_format)
    return _from_files(config, sql, output_format)


def _from_server(config: Config, sql: str, output_format: str) -> Iterator[bytes]:
    parts = urlsplit(config.store_url)
    where = HostPort(parts.hostname or "", parts.port or _SERVER_PORTS[parts.scheme])
    parameters = {"default_format": output_format, "database": config.database, "readonly": "1"}
    user, password = unquote(parts.username or "default"), unquote(parts.password or "")
    return ask(str(where), sql, parameters=parameters, user=user, password=password, tls=parts.scheme == "clickhouses")


def _from_collector(config: Config, running: Running, sql: str, output_format: str) -> Iterator[bytes]:
    settings = config.clickhouse_http
    password = settings.password.get_secret_value() if settings.password else ""
    parameters = {"default_format": output_format, "database": config.database}
    return ask(running.endpoints["clickhouse_http"], sql, parameters=parameters, user=settings.user, password=password)


def _from_files(config: Config, sql: str, output_format: str) -> Iterator[bytes]:
    directory = unquote(urlsplit(config.store_url).path)
    if not Path(directory).is_dir():
        raise CommandFailed(
            f"nothing is stored in {directory} yet; `spancost up` receives spans, `spancost demo` makes some"
        )
    with claimed(config.data_dir):
        engine = Engine(directory, config.database, Limits(max_threads=os.cpu_count() or 1))
        try:
            result = engine.read(
                Statement(
                    sql=sql, params={}, settings={}, format=output_format, id="spancost query", database=config.database
                )
            )
        except Answered as error:
            raise CommandFailed(f"{error.message} ({error.name})") from error
        yield bytes(result.body)
