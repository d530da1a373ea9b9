"""The calls of the runs: retries and repeats, who makes them, with which model, and the tools they ask for."""

from __future__ import annotations

import numpy as np

from spancost.demo.columns import Calls, Inner, Runs, Tools
from spancost.demo.company import VERCEL
from spancost.demo.dice import Bool, Dice, Int64
from spancost.demo.incidents import ORDINARY, RUNAWAY, STORM
from spancost.demo.index import (
    AGENT_EMBEDS,
    AGENT_HELPER,
    AGENT_HELPS,
    AGENT_TOOL_COUNT,
    AGENT_TOOLS,
    AGENT_TRACER,
    PROMPT_MODELS,
    model_at,
)

_FAIL, _STORM_FAIL, _STORM_REPEAT = 12, 400, 600
_HELPED, _TOOL, _RUNAWAY_TOOL = 500, 350, 800
_EMBEDDING = model_at("text-embedding-3-small")


def make_calls(dice: Dice, runs: Runs) -> Calls:
    """Every call of every run, in order."""
    trace = np.repeat(np.arange(len(runs.size)), runs.size)
    position = np.arange(len(trace)) - np.repeat(np.cumsum(runs.size) - runs.size, runs.size)
    storm = runs.planted[trace] == STORM
    failed = _failures(dice, runs, trace, position, storm)
    retry = np.append(False, failed[:-1]) & (position > 0)
    repeated = storm & dice.chance(_STORM_REPEAT, len(trace)) & (position > 0) & ~retry & ~failed
    turn, source = _turns(position, retry | repeated)
    helping = _helping(dice, runs, trace, position)[source]
    agent = np.where(helping, AGENT_HELPER[runs.agent[trace]], runs.agent[trace])
    prompt = np.where(helping, AGENT_HELPS[agent], runs.feature[trace])
    model = PROMPT_MODELS[prompt, dice.below(1000, len(trace))]
    model = np.where(AGENT_EMBEDS[agent] & (turn == 0), _EMBEDDING, model)[source]
    return Calls(trace, turn, source, helping, agent, prompt, model, failed, repeated)


def _failures(dice: Dice, runs: Runs, trace: Int64, position: Int64, storm: Bool) -> Bool:
    """Now and then one that is tried again; the last call of a run fails when the run does, and only then."""
    last = position == runs.size[trace] - 1
    return np.where(last, runs.failed[trace], dice.chance(np.where(storm, _STORM_FAIL, _FAIL), len(trace)))


def _turns(position: Int64, again: Bool) -> tuple[Int64, Int64]:
    """The step each call is of, counted from 0 in its run, and the position of the first call of that step."""
    rows = np.arange(len(position))
    source = np.maximum.accumulate(np.where(again, 0, rows))
    steps = np.cumsum(~again)
    return steps - np.maximum.accumulate(np.where(position == 0, steps, 0)), source


def _helping(dice: Dice, runs: Runs, trace: Int64, position: Int64) -> Bool:
    """The middle third of half the longer runs of an agent that has a helper."""
    longer = (runs.size >= _LONGER) & (AGENT_HELPER[runs.agent] >= 0) & (runs.planted == ORDINARY)
    helped = (longer & dice.chance(_HELPED, len(runs.size)))[trace]
    size = runs.size[trace]
    return np.asarray(helped & (position >= size // 3) & (position < size * 2 // 3))


_LONGER = 5


def make_tools(dice: Dice, runs: Runs, calls: Calls) -> Tools:
    """The tool steps; a loop asks the same thing of the same tool each time."""
    last = np.append(calls.trace[1:] != calls.trace[:-1], True)
    share = np.where(runs.planted[calls.trace] == RUNAWAY, _RUNAWAY_TOOL, _TOOL)
    call = np.flatnonzero(dice.chance(share, len(last)) & ~last & ~calls.failed & (calls.model != _EMBEDDING))
    agent, looping = calls.agent[call], runs.looping[calls.trace[call]]
    choice = np.where(looping, 0, dice.below(AGENT_TOOL_COUNT[agent], len(call)))
    return Tools(call, AGENT_TOOLS[agent, choice], np.where(looping, 0, calls.turn[call]))


def make_inner(runs: Runs, calls: Calls) -> Inner:
    """A span for each helper's run, and one around all calls of a run that the Vercel AI SDK traces."""
    vercel = AGENT_TRACER[runs.agent] == VERCEL
    gathered = calls.helping | vercel[calls.trace]
    before = np.append(False, gathered[:-1] & (calls.trace[1:] == calls.trace[:-1]))
    after = np.append(gathered[1:] & (calls.trace[1:] == calls.trace[:-1]), False)
    first, last = np.flatnonzero(gathered & ~before), np.flatnonzero(gathered & ~after)
    return Inner(calls.trace[first], calls.agent[first], first, last)
