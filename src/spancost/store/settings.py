"""Which ClickHouse settings a reader may set, and how far."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

HARMLESS = {
    "bool_false_representation": "no",
    "bool_true_representation": "yes",
    "connect_timeout": "5",
    "date_time_output_format": "iso",
    "describe_include_subcolumns": "1",
    "format_csv_delimiter": "|",
    "format_csv_null_representation": "-",
    "format_tsv_null_representation": "-",
    "join_use_nulls": "1",
    "joined_subquery_requires_alias": "0",
    "max_block_size": "1000",
    "output_format_arrow_string_as_string": "1",
    "output_format_decimal_trailing_zeros": "1",
    "output_format_json_quote_64bit_integers": "1",
    "output_format_json_quote_decimals": "1",
    "output_format_native_write_json_as_string": "1",
    "receive_timeout": "5",
    "send_timeout": "5",
    "session_timezone": "Europe/Berlin",
    "use_client_time_zone": "1",
}
"""Settings that change how an answer looks or how soon it comes, never which rows count, each with a value to test it
by. Everything under `output_format_` is one of them. What is not here is refused: among the rest are settings that cut
an answer short without a word (`read_overflow_mode`), reach other tables (`additional_table_filters`) or files."""
_HARMLESS_NAMES = re.compile(r"output_format_[a-z0-9_]+")
IGNORED = frozenset({
    "add_http_cors_header", "buffer_size", "cancel_http_readonly_queries_on_client_close", "client_protocol_version",
    "compress", "database", "decompress", "default_format", "enable_http_compression",
    "http_headers_progress_interval_ms", "http_write_exception_in_output_format", "log_comment", "log_queries",
    "password", "query", "query_id", "quota_key", "readonly", "role", "send_logs_level",
    "send_progress_in_http_headers", "session_check", "session_id", "session_timeout", "stacktrace", "user",
    "wait_end_of_query",
})  # fmt: skip
"""Parameters of the HTTP interface, and settings that clients send out of habit and that mean nothing here."""
_LIMITED = frozenset({"max_execution_time", "max_memory_usage", "max_result_bytes", "max_result_rows", "max_threads"})
_DEFAULTS = {"session_timezone": "UTC"}
"""Not the machine's own zone, so that the same SQL means the same everywhere."""
_NUMBER = re.compile(r"\d{1,18}(\.\d+)?")


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one query may take."""

    max_threads: int = 1
    max_execution_time: int = 60
    """Seconds."""
    max_memory_usage: int = 1 << 30
    """Bytes."""
    max_result_rows: int = 1_000_000
    max_result_bytes: int = 128 << 20

    def of(self, name: str) -> int:
        """The limit that the setting `name` asks about."""
        return int(getattr(self, name))


def refused_setting(name: str, value: Any, limits: Limits) -> str:
    """Why a setting in a statement's own SETTINGS clause is not taken; '' when it is."""
    if name in _LIMITED:
        fits = _NUMBER.fullmatch(str(value)) is not None and 0 < float(str(value)) <= limits.of(name)
        return "" if fits else f"Setting {name} can be at most {limits.of(name)} here, and not 0"
    # The whole name, for it is written into a SET statement as it stands.
    if name in HARMLESS or _HARMLESS_NAMES.fullmatch(name):
        return ""
    return f"Setting {name} is not taken here"


def session_settings(asked: Mapping[str, str], limits: Limits) -> tuple[dict[str, str], str]:
    """The settings to run with, out of a request's parameters, and why one of them is refused ('' when none is).

    A limit that is asked for beyond ours is lowered to it: drivers derive some from their own deadlines.
    """
    chosen = {name: str(limits.of(name)) for name in sorted(_LIMITED)} | _DEFAULTS
    for name, value in asked.items():
        if name in _LIMITED and _NUMBER.fullmatch(value):
            chosen[name] = str(_lowered(float(value), limits.of(name)))
        elif name not in IGNORED:
            why = refused_setting(name, value, limits)
            if why:
                return {}, why
            chosen[name] = value
    return chosen, ""


def _lowered(asked: float, limit: int) -> int:
    # ClickHouse reads 0 as "no limit".
    return min(max(1, int(asked)), limit) if asked > 0 else limit
