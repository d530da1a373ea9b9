"""The command line. Each command loads the configuration, calls one part of the package, and prints what it says.

The only module that reads the environment, and the only one that imports inside functions: `spancost --help` should not
wait for an engine to load. Exit codes: 0 done, 1 it could not be done, 2 wrong usage or configuration.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer
import yaml

from spancost import __version__
from spancost.banner import banner, data_dir_option
from spancost.client import CommandFailed, follow, record
from spancost.config import Config, load_config
from spancost.config_values import HostPort, parse_host_port
from spancost.errors import ConfigError, SpancostError
from spancost.logs import configure_logs
from spancost.runtime import Running, check_data_dir, check_ports, claimed, find_running, local_token

app = typer.Typer(
    name="spancost",
    help="An OpenTelemetry collector that puts a price on every LLM span.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
price = typer.Typer(help="Look into the price book.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(price, name="price")

ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="YAML file with the configuration; see docs/configuration.md."),
]
DataDir = Annotated[
    Path | None,
    typer.Option("--data-dir", metavar="DIR", help="Where the data is; ./spancost-data if nothing says else."),
]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; exits the process."""
    try:
        app(args=arguments)
    except ConfigError as error:
        _complain(error.problems)
        sys.exit(2)
    except SpancostError as error:
        _complain([str(error)])
        sys.exit(1)
    except BrokenPipeError:
        # Whoever read the output has left (`spancost query ... | head`); there is nobody to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


@app.callback(invoke_without_command=True)
def root(version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False) -> None:
    """Everything that is true of every command."""
    if version:
        typer.echo(f"spancost {__version__}")
        raise typer.Exit


@app.command()
def up(config: ConfigFile = None, data_dir: DataDir = None) -> None:
    """Run the collector: receive OTLP, price it, store it, answer SQL.

    It runs in the foreground. Without options it listens on this machine only (OTLP on 4317 and 4318, SQL on 8123,
    admin on 8080) and keeps its data in ./spancost-data. Ctrl-C stops it; whatever was acknowledged is kept.
    """
    settings = _settings(config, data_dir)
    configure_logs()
    if problems := _convention_problems(settings):
        raise ConfigError(problems)
    with claimed(settings.data_dir):
        if problems := check_ports(settings):
            raise ConfigError(problems)
        from spancost.build import run

        run(settings, lambda endpoints: print(banner(settings, endpoints, _own_command()), flush=True))


@app.command()
def check(config: ConfigFile = None, data_dir: DataDir = None) -> None:
    """Say whether `spancost up` would start.

    Prints every problem with its key, or the configuration in effect and `ok`. Opens nothing and changes nothing.
    """
    settings = _settings(config, data_dir)
    running = find_running(settings.data_dir)
    problems = check_data_dir(settings.data_dir) + ([] if running else check_ports(settings))
    if problems := problems + _convention_problems(settings):
        raise ConfigError(problems)
    effective = settings.model_dump(mode="json")
    effective["store"]["url"] = effective["store"]["url"] or settings.store_url
    print(yaml.safe_dump(effective, sort_keys=False), end="")
    print(f"# running: process {running.pid}" if running else "# running: no")
    print("ok")


@app.command()
def migrate(config: ConfigFile = None, data_dir: DataDir = None) -> None:
    """Bring the tables and views of the store up to this version.

    `spancost up` does it too. Says what it did.
    """
    from spancost.store.client import open_store
    from spancost.store.migrate import migrate as migrate_store

    settings = _settings(config, data_dir)
    if find_running(settings.data_dir):
        print("nothing to do: the collector that runs on this data directory did it when it started")
        return
    with claimed(settings.data_dir), open_store(settings.store_url, settings.database) as store:
        applied = migrate_store(store)
    print("\n".join(f"applied {name}" for name in applied) or "nothing to do: the store is up to date")


@app.command()
def query(
    sql: Annotated[
        str, typer.Argument(metavar="SQL", help="For example: SELECT team, sum(cost) FROM calls GROUP BY team")
    ],
    output_format: Annotated[
        str,
        typer.Option(
            "--format", metavar="FORMAT", help="A ClickHouse format: PrettyCompact, CSVWithNames, JSONEachRow ..."
        ),
    ] = "",
    config: ConfigFile = None,
    data_dir: DataDir = None,
) -> None:
    """Ask the store in SQL, whether a collector runs or not.

    Read-only; tables without a database are Spancost's own. Without --format a terminal gets PrettyCompact, a pipe
    TabSeparatedWithNames.
    """
    from spancost.query import answer

    settings = _settings(config, data_dir)
    chosen = output_format or ("PrettyCompact" if sys.stdout.isatty() else "TabSeparatedWithNames")
    for chunk in answer(settings, find_running(settings.data_dir), sql, chosen):
        sys.stdout.buffer.write(chunk)
    sys.stdout.flush()


@price.command("explain")
def price_explain(
    provider: Annotated[str, typer.Option(help="Who serves the model: openai, anthropic, aws.bedrock ...")],
    model: Annotated[str, typer.Option(help="The model, as the provider calls it.")],
    usage: Annotated[
        list[str],
        typer.Option(metavar="METER=COUNT", help="What was used: input_tokens=1000, output_tokens=300 ... Repeatable."),
    ],
    at: Annotated[
        str, typer.Option(metavar="TIME", help="When the call started, ISO 8601; now if nothing is said.")
    ] = "",
    context: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE", help="What else prices depend on: service_tier=batch, region=eu ... Repeatable."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for programs.")] = False,
) -> None:
    """Show which prices a call would get and how its cost adds up."""
    from spancost.price.book import load_book
    from spancost.price.explain import explain, render_text
    from spancost.price.pricer import make_pricer
    from spancost.price.usage import call_key, parse_context, parse_usage

    key = call_key(provider, model, parse_context(context or []))
    explanation = explain(make_pricer(load_book()), key, _moment("--at", at), parse_usage(usage, provider))
    print(json.dumps(explanation.to_json(), indent=2) if as_json else render_text(explanation))


@app.command()
def send(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="Trace requests in OTLP: JSON (also one a line) or protobuf."),
    ],
    endpoint: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Where to; the collector on this machine if nothing is said.")
    ] = "",
    protocol: Annotated[Literal["grpc", "http"], typer.Option(help="OTLP over gRPC or over HTTP.")] = "grpc",
    config: ConfigFile = None,
    data_dir: DataDir = None,
) -> None:
    """Send files of spans to a collector and say what it took."""
    from spancost.send import read_requests
    from spancost.send import send as send_requests

    settings = _settings(config, data_dir)
    where = _otlp_endpoint(settings, endpoint, protocol)
    token = settings.receive.token.get_secret_value() if settings.receive.token else None
    for file in files:
        sent = send_requests(read_requests(file), where, protocol, token)
        refused = f", {sent.rejected} refused: {sent.message}" if sent.rejected else ""
        note = f" ({sent.message})" if sent.message and not sent.rejected else ""
        print(f"{file}: {sent.spans - sent.rejected} spans taken by {where}{refused}{note}", flush=True)


@app.command()
def tail(
    every_role: Annotated[
        bool, typer.Option("--all", help="Every AI span as it lands: steps, aggregates, duplicates.")
    ] = False,
    config: ConfigFile = None,
    data_dir: DataDir = None,
) -> None:
    """Show each call as it lands, with its price.

    Or why it has none; and, every few seconds, which spans were no calls and why. If nothing appears, nothing
    arrives. Ctrl-C leaves; the collector goes on.
    """
    from rich.console import Console

    from spancost.tail_view import show

    settings = _settings(config, data_dir)
    admin = _running(settings).endpoints["admin"]
    with suppress(KeyboardInterrupt):
        show(follow(admin, local_token(settings.data_dir), every_role=every_role), Console(), time.monotonic)
        _complain(["the collector has stopped"])


@app.command()
def demo(
    calls: Annotated[int, typer.Option(help="About how many calls the month holds; at least 100 a day.")] = 100_000,
    days: Annotated[int, typer.Option(help="How many days the month has; at least 7.")] = 30,
    seed: Annotated[int, typer.Option(help="The same seed, --until, --days and --calls give the same month.")] = 1,
    until: Annotated[
        str, typer.Option(metavar="TIME", help="When the month ends, ISO 8601; now if nothing is said.")
    ] = "",
    manifest: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write what was planted, with trace ids and exact dollars.")
    ] = None,
    config: ConfigFile = None,
    data_dir: DataDir = None,
) -> None:
    """Fill the store with a believable company's month.

    Sent as OTLP like any application's, into the collector that runs on the data directory, or into one started
    for as long as it takes.
    """
    from spancost.background import collector, wait_until_stored
    from spancost.demo.command import run
    from spancost.demo.plan import make_plan

    settings = _settings(config, data_dir)
    ends = _moment("--until", until)
    make_plan(seed, ends, days, calls)  # what makes no month is told before a collector is started
    with collector(settings.data_dir, _same_options(config, data_dir)) as running:
        summary = run(
            endpoint=running.endpoints["receive.grpc"],
            seed=seed,
            until=ends,
            days=days,
            calls=calls,
            manifest=manifest,
            progress=sys.stderr.isatty(),
            write_rows=partial(record, running.endpoints["admin"], local_token(settings.data_dir)),
            headers=_authorization(settings),
        )
        print("\n".join(summary.lines()), flush=True)
        wait_until_stored(running, local_token(settings.data_dir), sys.stderr)
    ask = "SELECT team, count(), sum(cost) FROM calls GROUP BY team ORDER BY 3 DESC"
    print(f'stored; ask: {_own_command()} query{data_dir_option(settings)} "{ask}"')


def _settings(config: Path | None, data_dir: Path | None) -> Config:
    return load_config(config, os.environ, data_dir=data_dir)


def _convention_problems(settings: Config) -> list[str]:
    from spancost.normalise.dialects import load_conventions

    try:
        load_conventions(settings.conventions.extra_dir, settings.attribution.keys, settings.attribution.tags)
    except ConfigError as error:
        return list(error.problems)
    return []


def _own_command() -> str:
    """How the user calls us: by name where that is found, else by the path from here."""
    script = Path(sys.executable).with_name("spancost")
    if shutil.which("spancost") or not script.exists():
        return "spancost"
    return shlex.quote(str(script.relative_to(Path.cwd())) if script.is_relative_to(Path.cwd()) else str(script))


def _running(settings: Config) -> Running:
    if running := find_running(settings.data_dir):
        return running
    raise CommandFailed(
        f"no collector runs on {settings.data_dir}; start one with `spancost up`, or name another --data-dir"
    )


def _otlp_endpoint(settings: Config, chosen: str, protocol: str) -> HostPort:
    """The endpoint the user chose, else the running collector's, else the configured one."""
    if not chosen:
        running = find_running(settings.data_dir)
        name = f"receive.{protocol}"
        return parse_host_port(running.endpoints[name]) if running else settings.listeners()[name]
    try:
        return parse_host_port(chosen.removeprefix("http://").rstrip("/"))
    except ValueError as error:
        raise ConfigError([f"--endpoint: {chosen!r}: {error}"]) from error


def _moment(option: str, text: str) -> datetime:
    """A time as the user wrote it, UTC unless it says otherwise; now if nothing is said."""
    try:
        moment = datetime.fromisoformat(text) if text else datetime.now(UTC)
    except ValueError as error:
        raise ConfigError([f"{option}: {text!r} is no time; write 2026-01-31 or 2026-01-31T12:00:00Z"]) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _authorization(settings: Config) -> tuple[tuple[str, str], ...]:
    token = settings.receive.token
    return (("authorization", f"Bearer {token.get_secret_value()}"),) if token else ()


def _same_options(config: Path | None, data_dir: Path | None) -> list[str]:
    chosen = {"--config": config, "--data-dir": data_dir}
    return [word for option, value in chosen.items() if value for word in (option, str(value))]


def _complain(problems: Sequence[str]) -> None:
    for problem in problems:
        print(f"spancost: {problem}", file=sys.stderr)


if __name__ == "__main__":
    main()
