"""The tail as a terminal shows it: a line for each call, and now and then what was no call, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.text import Text

from spancost.tail import IS_STEP

Message = Mapping[str, Any]

_SUMMARY_SECONDS = 5.0
_COLOURS = {"priced": "green", "free": "green", "partial": "yellow", "unpriced": "red"}


def show(messages: Iterable[Message], console: Console, clock: Callable[[], float]) -> None:
    """Print messages of the tail as they come; `clock` gives seconds."""
    others: Counter[tuple[str, str, str]] = Counter()
    shown_at = clock()
    for message in messages:
        if "refused" in message:
            console.print(Text(message["refused"], "red"))
        if "row" in message:
            console.print(line(_printable(message["row"])), soft_wrap=True)
        if "lost" in message:
            console.print(Text(f"... {message['lost']} more came too fast to show; they are stored", "dim"))
        for group in map(_printable, message.get("others", ())):
            others[group["service"], group["scope"], group["reason"]] += group["spans"]
        if others and clock() - shown_at >= _SUMMARY_SECONDS:
            _summarise(others, console)
            others.clear()
            shown_at = clock()
    _summarise(others, console)


def line(row: Mapping[str, Any]) -> Text:
    """One span: when, agent, model, tokens, and its price or why it has none."""
    time = str(row.get("start_time", "")).replace("T", " ")[11:19]
    if row.get("billing_role") != "call":
        return _other_role(time, row)
    model = row.get("model") or row.get("request_model") or "-"
    status = str(row.get("cost_status", ""))
    return Text.assemble(
        (f"{time}  ", "dim"),
        f"{_who(row):<24} ",
        (f"{model:<32} ", "cyan"),
        f"{_tokens(row):<36} ",
        (_price(row, status), _COLOURS.get(status, "")),
    )


def _printable(values: Mapping[str, Any]) -> dict[str, Any]:
    """Names come from applications: a control character in one must not drive the terminal."""
    return {
        name: "".join(each if each.isprintable() else "?" for each in value) if isinstance(value, str) else value
        for name, value in values.items()
    }


def _other_role(time: str, row: Mapping[str, Any]) -> Text:
    what = " ".join(str(row.get(column) or "") for column in ("kind", "name")).strip()
    reason = f" ({row['role_reason']})" if row.get("role_reason") else ""
    return Text(f"{time}  {_who(row):<24} {row.get('billing_role')}: {what}{reason}", "dim")


def _who(row: Mapping[str, Any]) -> str:
    return str(row.get("agent") or row.get("service") or "-")


def _tokens(row: Mapping[str, Any]) -> str:
    cached = row.get("cache_read_tokens")
    held = f" ({cached:,} cached)" if cached else ""
    return f"{_count(row.get('input_tokens'))} in{held}, {_count(row.get('output_tokens'))} out"


def _count(tokens: int | None) -> str:
    return "?" if tokens is None else f"{tokens:,}"


def _price(row: Mapping[str, Any], status: str) -> str:
    reason = row.get("unpriced_reason") or "no reason given"
    if row.get("cost") is None:
        return f"no price: {reason}"
    return f"${_plain(row['cost'])}" + (f" in part: {reason}" if status == "partial" else "")


def _plain(amount: Any) -> str:
    """Money as people write it; the ledger's twelve decimal places come with it, and the last ones are zeros."""
    text = format(Decimal(amount), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _summarise(others: Mapping[tuple[str, str, str], int], console: Console) -> None:
    for (service, scope, reason), spans in sorted(others.items()):
        console.print(
            Text(_summary(service or "unknown service", scope or "no scope", reason, spans), "dim"), soft_wrap=True
        )


def _summary(service: str, scope: str, reason: str, spans: int) -> str:
    counted = f"{spans:,} {'span' if spans == 1 else 'spans'} of {service}, {scope}"
    return f"steps: {counted}" if reason == IS_STEP else f"no call: {counted}: {reason}"
