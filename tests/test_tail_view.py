"""The tail as a terminal shows it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest
from rich.console import Console

from spancost.tail import IS_STEP
from spancost.tail_view import line, show

_CALL: dict[str, Any] = {
    "billing_role": "call",
    "start_time": "2026-01-02 03:04:05.678+00:00",
    "agent": "planner",
    "service": "shop",
    "model": "gpt-4o",
    "input_tokens": 1000,
    "cache_read_tokens": 400,
    "output_tokens": 300,
    "cost": "0.005000000000",
    "cost_status": "priced",
    "unpriced_reason": "",
}


def _shown(*messages: dict[str, Any], seconds: float = 0.0) -> list[str]:
    stream = io.StringIO()
    show(messages, Console(file=stream, width=300), _clock(seconds))
    return [" ".join(text.split()) for text in stream.getvalue().splitlines()]


def _clock(step: float) -> Any:
    ticks: Iterator[float] = iter(range(1000))
    return lambda: next(ticks) * step


def test_a_call_shows_who_what_and_how_much() -> None:
    """Time, agent, model, tokens and price stand on one line."""
    assert _shown({"row": _CALL}) == ["03:04:05 planner gpt-4o 1,000 in (400 cached), 300 out $0.005"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"cost": None, "cost_status": "unpriced", "unpriced_reason": "model_unknown"}, "no price: model_unknown"),
        ({"cost_status": "partial", "unpriced_reason": "meter_unpriced"}, "$0.005 in part: meter_unpriced"),
        ({"cost": "0.000000000000", "cost_status": "free"}, "$0"),
        ({"cost": "1E-8"}, "$0.00000001"),
        ({"cost": "100"}, "$100"),
        ({"input_tokens": None, "cache_read_tokens": None}, "? in, 300 out"),
        ({"agent": ""}, "shop"),
    ],
)
def test_what_is_unknown_is_said(changes: dict[str, Any], words: str) -> None:
    """A call without price says why, an unknown count is not zero, and a call without agent shows its service."""
    assert words in line(_CALL | changes).plain


def test_other_roles_say_what_they_are() -> None:
    """A span of another role has its role, kind, name and reason."""
    step = {"billing_role": "step", "kind": "tool", "name": "search", "service": "shop", "role_reason": "tool_span"}

    assert " ".join(line(step).plain.split()) == "shop step: tool search (tool_span)"


def test_spans_that_are_no_calls_are_summed_up() -> None:
    """They are added up over messages, and shown once at the end with service, scope and reason."""
    group = {"service": "shop", "scope": "requests", "reason": "no_ai_attributes", "spans": 2}
    shown = _shown({"others": [group]}, {}, {"others": [group | {"spans": 1000}]})

    assert shown == ["no call: 1,002 spans of shop, requests: no_ai_attributes"]


def test_steps_are_counted_as_steps() -> None:
    """Nobody misses them among the calls: they are shown by service and scope, and not as a fault."""
    group = {"service": "shop", "scope": "langchain", "reason": IS_STEP, "spans": 12}

    assert _shown({"others": [group]}) == ["steps: 12 spans of shop, langchain"]


def test_the_summary_comes_every_few_seconds() -> None:
    """Someone who watches a service without calls need not stop to learn why."""
    group = {"service": "", "scope": "", "reason": "no_ai_attributes", "spans": 1}
    shown = _shown({"others": [group]}, {}, {"row": _CALL}, seconds=6.0)

    assert shown[0] == "no call: 1 span of unknown service, no scope: no_ai_attributes"
    assert len(shown) == 2


def test_losses_and_refusals_are_told() -> None:
    """What could not be shown is counted, and a watcher that was turned away learns why."""
    assert _shown({"lost": 7}, {"refused": "too many are watching"}) == [
        "... 7 more came too fast to show; they are stored",
        "too many are watching",
    ]


def test_markup_in_names_is_text() -> None:
    """Square brackets in a model's name are shown as they are."""
    assert "[red]evil[/red]" in _shown({"row": _CALL | {"model": "[red]evil[/red]"}})[0]


def test_control_characters_do_not_reach_the_terminal() -> None:
    """An escape sequence in a span's name cannot drive the terminal."""
    assert "\x1b" not in "".join(_shown({"row": _CALL | {"agent": "a\x1b[2Jb"}}))
