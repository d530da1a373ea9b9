"""What `spancost up` says once it is ready: where it listens, what to set in an application, where to ask."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from spancost.config import Config


def banner(config: Config, endpoints: Mapping[str, str], command: str = "spancost") -> str:
    """The text for people; `endpoints` are the ones taken, as in `endpoints.json`, `command` is how we are called."""
    grpc, http = endpoints["receive.grpc"], endpoints["receive.http"]
    guarded = config.receive.token is not None
    token = ' OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer%20$TOKEN"' if guarded else ""
    return "\n".join(
        [
            "Spancost is ready.",
            "",
            f"  OTLP/gRPC   {grpc}",
            f"  OTLP/HTTP   {http}/v1/traces",
            *_sql_lines(config, endpoints),
            f"  admin       http://{endpoints['admin']}/metrics",
            f"  data        {config.data_dir}",
            "",
            "Point a tracer at it (the second line is for OTLP over HTTP):",
            "",
            f"  export OTEL_EXPORTER_OTLP_PROTOCOL=grpc OTEL_EXPORTER_OTLP_ENDPOINT=http://{grpc}{token}",
            f"  export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf OTEL_EXPORTER_OTLP_ENDPOINT=http://{http}{token}",
            "",
            "See what it cost, or watch it land:",
            "",
            *_asking_lines(config, endpoints, command),
            f"  {command} tail{data_dir_option(config)}",
            "",
            "Ctrl-C stops it; everything acknowledged is kept.",
        ]
    )


def _sql_lines(config: Config, endpoints: Mapping[str, str]) -> list[str]:
    sql = endpoints.get("clickhouse_http")
    return [f"  SQL         http://{sql} (ClickHouse HTTP, read-only)"] if sql else []


def _asking_lines(config: Config, endpoints: Mapping[str, str], command: str) -> list[str]:
    sql = f"SELECT agent, model, count(), sum(cost) FROM {config.database}.calls GROUP BY ALL"  # noqa: S608 - only shown
    lines = [f'  {command} query{data_dir_option(config)} "{sql}"']
    if where := endpoints.get("clickhouse_http"):
        user = config.clickhouse_http.user
        key = f" -u {user}:$PASSWORD" if config.clickhouse_http.password else ""
        lines.append(f"  curl{key} http://{where} --data-binary '{sql} FORMAT PrettyCompact'")
    return lines


def data_dir_option(config: Config) -> str:
    """What a command needs to find this data directory, with a space before it; '' for the default one."""
    default = Config.model_fields["data_dir"].default
    return "" if config.data_dir == default else f" --data-dir {shlex.quote(str(config.data_dir))}"
