"""`spancost demo`: make the month, send it, write down what was planted."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from spancost.demo.encode import Request, requests
from spancost.demo.ledger import Ledger
from spancost.demo.manifest import make_manifest, outcome_rows, revenue_rows
from spancost.demo.plan import Plan, make_plan
from spancost.demo.send import Sent, send_all
from spancost.demo.workload import blocks
from spancost.errors import ConfigError

DEFAULT_CALLS = 100_000
"""A month to look at in half a minute."""

WriteRows = Callable[[str, list[dict[str, Any]]], None]
"""Takes rows for the table named, by its column names: `outcomes` (task_id, outcome, source, told_at) or `revenue`
(revenue_id, customer, earned_at, amount, source)."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What was sent and what it must add up to."""

    calls: int
    spans: int
    tasks: int
    cost: Decimal
    """USD of the priced calls."""
    unpriced_calls: int
    requests: int
    retries: int
    rejected_spans: int
    messages: tuple[str, ...]
    """What the collector said of the spans that it rejected."""
    seconds: float
    rows_written: bool
    """Whether there was someone to take revenue and outcomes."""

    def lines(self) -> list[str]:
        """The summary for a terminal."""
        pace = self.calls / self.seconds if self.seconds else 0
        lines = [
            f"sent {self.calls:,} calls in {self.tasks:,} tasks ({self.spans:,} spans) in {self.seconds:.1f} s,"
            f" {pace:,.0f} calls/s",
            f"they cost ${self.cost:,.2f}; {self.unpriced_calls:,} calls have no price",
        ]
        if self.rejected_spans:
            lines.append(f"{self.rejected_spans:,} spans were rejected: {'; '.join(self.messages)}")
        if not self.rows_written:
            lines.append("revenue was not written, and outcomes only on the tasks' root spans (spancost.outcome)")
        return lines


def run(  # noqa: PLR0913 - one keyword for each option of the command
    *,
    endpoint: str,
    seed: int,
    until: datetime,
    days: int = 30,
    calls: int = DEFAULT_CALLS,
    manifest: Path | None = None,
    progress: bool = True,
    write_rows: WriteRows | None = None,
    headers: tuple[tuple[str, str], ...] = (),
) -> Summary:
    """Send the month that `seed`, `until`, `days` and `calls` decide to the OTLP/gRPC endpoint `host:port`.

    The same arguments send the same bytes. Raises ConfigError for arguments that make no month or a manifest that
    cannot be written, RetryableError and PermanentError as `send.send_all` does.
    """
    plan = make_plan(seed, until, days, calls)
    if manifest is not None:
        _check_writable(manifest)
    ledger, started = Ledger(plan), time.perf_counter()
    with ExitStack() as stack:
        advance = _bar(stack, calls) if progress else _nothing
        sent = send_all(_month(plan, ledger, write_rows), endpoint, headers=headers, on_answer=advance)
    if write_rows is not None:
        write_rows("revenue", revenue_rows(plan, ledger))
    if manifest is not None:
        manifest.write_text(json.dumps(make_manifest(plan, ledger), indent=1) + "\n")
    return _summary(ledger, sent, time.perf_counter() - started, write_rows is not None)


def _check_writable(path: Path) -> None:
    try:
        path.open("a").close()
    except OSError as error:
        raise ConfigError([f"manifest: {path} cannot be written: {error.strerror}"]) from error


def _month(plan: Plan, ledger: Ledger, write_rows: WriteRows | None) -> Iterator[Request]:
    for block in blocks(plan):
        ledger.add(block)
        yield from requests(block)
        if write_rows is not None:
            write_rows("outcomes", outcome_rows(block))


def _summary(ledger: Ledger, sent: Sent, seconds: float, rows_written: bool) -> Summary:
    total = ledger.total()
    return Summary(
        calls=total.calls,
        spans=ledger.spans,
        tasks=ledger.tasks,
        cost=total.cost,
        unpriced_calls=total.unpriced,
        requests=sent.requests,
        retries=sent.retries,
        rejected_spans=sent.rejected,
        messages=sent.messages,
        seconds=seconds,
        rows_written=rows_written,
    )


def _bar(stack: ExitStack, calls: int) -> Callable[[Request], None]:
    columns = (TextColumn("calls"), BarColumn(), MofNCompleteColumn(), _Pace(), TimeRemainingColumn())
    bar = stack.enter_context(Progress(*columns, console=Console(stderr=True)))
    task = bar.add_task("calls", total=calls)
    return lambda request: bar.advance(task, request.calls)


class _Pace(ProgressColumn):
    """Calls a second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed or 0:,.0f} calls/s")


def _nothing(request: Request) -> None:
    """Without a progress bar."""
