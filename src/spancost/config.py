"""The configuration: one YAML file, every key with a default, environment variables over it.

`load_config` is the only way in. It reports every problem at once, in the user's own words: the dotted YAML key and the
environment variable that sets the same thing. What a key means stands next to it; `docs/configuration.md` lists them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from spancost.config_keys import Tree, mentioned, named, prune, wording
from spancost.config_sources import overlay, read_environment, read_yaml
from spancost.config_values import (
    AttributeKey,
    DatabaseName,
    DimensionName,
    Duration,
    Endpoint,
    HostPort,
    Secret,
    StoreUrl,
    Timezone,
    parse_duration,
)
from spancost.errors import ConfigError


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class Grpc(_Section):
    """OTLP over gRPC."""

    endpoint: Endpoint = Field(default=HostPort("127.0.0.1", 4317), description="Where OTLP/gRPC is received.")


class Http(_Section):
    """OTLP over HTTP."""

    endpoint: Endpoint = Field(
        default=HostPort("127.0.0.1", 4318), description="Where OTLP/HTTP is received, on /v1/traces."
    )


class Receive(_Section):
    """How telemetry comes in."""

    grpc: Grpc = Grpc()
    http: Http = Http()
    max_message_bytes: int = Field(
        default=67_108_864,
        ge=1024,
        le=2**31 - 1,
        description="The largest request taken, in bytes after decompression.",
    )
    token: Secret | None = Field(
        default=None, description="The bearer token that senders must present; needed to receive from other machines."
    )


class Spool(_Section):
    """The durable log between the receivers and the store."""

    quota_bytes: int = Field(
        default=4_294_967_296,
        ge=1_048_576,
        description="How much may wait on disk for the store (4 GiB); past it senders are told to come back later.",
    )


class Store(_Section):
    """Where rows are kept."""

    url: StoreUrl | None = Field(
        default=None,
        repr=False,
        description="`chdb:///DIRECTORY` for the embedded engine, `clickhouse[s]://USER:PASSWORD@HOST:PORT/DATABASE` "
        "for a server. Not set: `chdb://<data_dir>/clickhouse`.",
    )
    database: DatabaseName = Field(default="spancost", description="The database that holds every table and view.")


class ClickhouseHttp(_Section):
    """The read-only ClickHouse HTTP endpoint over the embedded engine."""

    endpoint: Endpoint = Field(
        default=HostPort("127.0.0.1", 8123), description="Where SQL is answered; not opened when the store is a server."
    )
    user: str = Field(default="default", min_length=1, description="The user name that SQL clients present.")
    password: Secret | None = Field(
        default=None, description="The password that SQL clients must present; needed to answer other machines."
    )


class Admin(_Section):
    """Health, metrics and the JSON API."""

    endpoint: Endpoint = Field(
        default=HostPort("127.0.0.1", 8080), description="Where /healthz, /readyz, /metrics and /api/v1/ are."
    )
    token: Secret | None = Field(
        default=None, description="The bearer token that /metrics and /api/v1 ask for; needed to answer other machines."
    )


class Window(_Section):
    """The recent traces kept in memory, so that late and twin spans find each other."""

    max_spans: int = Field(default=500_000, ge=1000, description="How many spans are kept (about 350 bytes each).")
    max_age: Duration = Field(
        default=parse_duration("15m"), description="How long after its last span a quiet trace is kept."
    )
    settle: Duration = Field(
        default=parse_duration("1s"), description="How long rows wait for more spans of their trace."
    )


class Reporting(_Section):
    """How time is cut for people."""

    timezone: Timezone = Field(default="UTC", description="The time zone in which days and months begin.")


class Attribution(_Section):
    """Which attributes say who a call is for."""

    keys: dict[DimensionName, tuple[AttributeKey, ...]] = Field(
        default={},
        description="Per dimension, the attribute keys that name it; asked in order, before the built-in ones.",
    )
    tags: tuple[AttributeKey, ...] = Field(
        default=(), description="Attribute keys that are copied to `tags`, for dimensions of your own."
    )


class Conventions(_Section):
    """What is known about tracers."""

    extra_dir: Path | None = Field(
        default=None, description="A directory of your own dialect files, read after the built-in."
    )


class Config(_Section):
    """Everything that can be set. Immutable; made by `load_config`."""

    data_dir: Path = Field(
        default=Path("./spancost-data"), description="Where the spool, the embedded engine and the tokens are kept."
    )
    receive: Receive = Receive()
    spool: Spool = Spool()
    store: Store = Store()
    clickhouse_http: ClickhouseHttp = ClickhouseHttp()
    admin: Admin = Admin()
    window: Window = Window()
    reporting: Reporting = Reporting()
    attribution: Attribution = Attribution()
    conventions: Conventions = Conventions()

    @property
    def store_url(self) -> str:
        """`store.url`, or the embedded engine in the data directory, as an absolute path."""
        return self.store.url or f"chdb://{quote(str((self.data_dir / 'clickhouse').absolute()))}"

    @property
    def database(self) -> str:
        """The database in the store's URL, or `store.database`."""
        path = "" if self.embedded else urlsplit(self.store_url).path.strip("/")
        return path or self.store.database

    @property
    def embedded(self) -> bool:
        """Whether the store is the engine inside this process."""
        return self.store_url.startswith("chdb://")

    def listeners(self) -> dict[str, HostPort]:
        """The endpoints that `spancost up` opens, under the names `endpoints.json` uses."""
        listeners = {
            "receive.grpc": self.receive.grpc.endpoint,
            "receive.http": self.receive.http.endpoint,
            "admin": self.admin.endpoint,
        }
        return listeners | ({"clickhouse_http": self.clickhouse_http.endpoint} if self.embedded else {})


def load_config(path: Path | None, environ: Mapping[str, str], *, data_dir: Path | None = None) -> Config:
    """The configuration of a YAML file, with environment variables over it and `data_dir` over both.

    Without a file every key has its default. Raises ConfigError with every problem of the file, the environment and the
    values taken together; nothing outside the file is read or touched.
    """
    file_tree, file_problems = read_yaml(path) if path else ({}, [])
    environ_tree, environ_problems = read_environment(environ, Config)
    tree = overlay(file_tree, environ_tree)
    if data_dir is not None:
        tree["data_dir"] = str(data_dir)
    config, value_problems, faulty = _validated(tree)
    problems = [*file_problems, *environ_problems, *value_problems, *_contradictions(config, faulty)]
    if problems:
        raise ConfigError(problems)
    return config


def _validated(tree: Tree) -> tuple[Config, list[str], set[str]]:
    """The configuration without its faulty keys, a problem for each of those, and their paths."""
    try:
        return Config.model_validate(tree), [], set()
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=False)
    config, problems, faulty = _validated(prune(tree, [detail["loc"] for detail in details]))
    here = [wording(detail, Config) for detail in details]
    return config, here + problems, faulty | {mentioned(detail["loc"]) for detail in details}


def _contradictions(config: Config, faulty: set[str]) -> list[str]:
    return [*_exposed(config, faulty), *_two_databases(config, faulty)]


def _exposed(config: Config, faulty: set[str]) -> list[str]:
    """A problem for each endpoint that other machines could use without credentials."""
    token, password = config.receive.token, config.clickhouse_http.password
    guarded = {
        "receive.grpc": ("receive.token", token),
        "receive.http": ("receive.token", token),
        "admin": ("admin.token", config.admin.token),
        "clickhouse_http": ("clickhouse_http.password", password),
    }
    problems = []
    for name, endpoint in config.listeners().items():
        credential, secret = guarded[name]
        if not endpoint.is_loopback and secret is None and credential not in faulty:
            problems.append(
                f"{named(f'{name}.endpoint')}: {endpoint} is open to other machines, and nothing guards it; "
                f"set {named(credential)}, or listen on 127.0.0.1:{endpoint.port}"
            )
    return problems


def _two_databases(config: Config, faulty: set[str]) -> list[str]:
    chosen = "database" in config.store.model_fields_set and "store.database" not in faulty
    if chosen and config.database != config.store.database:
        return [
            f"{named('store.url')}: names the database {config.database!r}, but {named('store.database')} is "
            f"{config.store.database!r}; keep one of them"
        ]
    return []
