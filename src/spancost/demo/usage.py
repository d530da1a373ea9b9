"""Tokens of every call: a history that grows by turns, and what the provider's cache makes of it."""

from __future__ import annotations

import numpy as np

from spancost.demo.columns import Calls, Runs, Usage
from spancost.demo.dice import Dice, Int64
from spancost.demo.incidents import REGRESSION_FACTOR, regressed
from spancost.demo.index import (
    AGENT_REUSES_CACHE,
    AGENT_STREAMS,
    MODEL_CACHE,
    MODEL_OPENAI,
    PROMPT_OUTPUT,
    PROMPT_TOKENS,
    PROMPT_TURN,
    model_at,
)

MAX_INPUT, MAX_OUTPUT = 120_000, 4_000
"""What the company's agents allow themselves: within every model's window, and its cheaper tier."""

_CONTENT, _QUERY, _UNCACHED = 500, 40, 30
_AUTO, _EXPLICIT = 1, 2
_SMALLEST_CACHED, _CACHE_STEP = 1024, 128
"""OpenAI caches prefixes from 1,024 tokens on, in steps of 128: https://platform.openai.com/docs/guides/prompt-caching"""
_HIT, _WARM, _UNREPORTED = 850, 700, 5
_EMBEDDING, _REASONING = model_at("text-embedding-3-small"), model_at("gemini-2.5-flash")


def make_usage(dice: Dice, runs: Runs, calls: Calls) -> Usage:
    """What every call consumed; failed calls, and a few streams that were never asked to tell, have none."""
    number, embedding = len(calls.trace), calls.model == _EMBEDDING
    before, now = _history(dice, runs, calls)
    excess = np.where(regressed(runs, calls), PROMPT_TOKENS[calls.prompt] * (REGRESSION_FACTOR - 1), 0)
    read, write = _cached(dice, calls, before, now)
    output = np.clip(dice.spread(PROMPT_OUTPUT[calls.prompt], number), 5, MAX_OUTPUT)
    query = dice.spread(_QUERY, number)[calls.source]
    silent = calls.failed | (dice.chance(_UNREPORTED, number) & AGENT_STREAMS[calls.agent] & MODEL_OPENAI[calls.model])
    return Usage(
        input=np.where(silent, -1, np.where(embedding, query, now + excess)),
        cache_read=np.where(silent, -1, read),
        cache_write=np.where(silent, -1, write),
        output=np.where(silent | embedding, -1, output),
        reasoning=np.where(silent | (calls.model != _REASONING), -1, output // 3),
        excess=np.where(silent, 0, excess),
    )


def _history(dice: Dice, runs: Runs, calls: Calls) -> tuple[Int64, Int64]:
    """Input of the turn before (what a cache can hold) and of this one, the excess left out."""
    content = dice.spread(_CONTENT, len(runs.size))[calls.trace]
    turn = PROMPT_TURN[calls.prompt]
    now = PROMPT_TOKENS[calls.prompt] + content + calls.turn * turn
    before = np.where(calls.turn > 0, now - turn, PROMPT_TOKENS[calls.prompt])
    return np.minimum(before, MAX_INPUT), np.minimum(now, MAX_INPUT)


def _cached(dice: Dice, calls: Calls, before: Int64, now: Int64) -> tuple[Int64, Int64]:
    """Tokens read from and written to the cache."""
    kind = MODEL_CACHE[calls.model]
    hit = dice.chance(np.where(calls.turn > 0, _HIT, _WARM), len(before)) & (before >= _SMALLEST_CACHED)
    reads = hit & AGENT_REUSES_CACHE[calls.agent]
    written = np.maximum(now - _UNCACHED, 0) * (now >= _SMALLEST_CACHED)
    auto = np.where(reads & (calls.turn > 0), before // _CACHE_STEP * _CACHE_STEP, 0)
    explicit = np.where(reads, np.minimum(before, written), 0)
    read = np.select([kind == _AUTO, kind == _EXPLICIT], [auto, explicit], 0)
    return read, np.where(kind == _EXPLICIT, written - read, 0)
