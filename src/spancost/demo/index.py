"""The company as look-up tables: columns hold positions, never names."""

from __future__ import annotations

import numpy as np

from spancost.demo.company import (
    AGENTS,
    FEATURES,
    MODELS,
    PROMPTS,
    SERVICES,
    TIER_SIZES,
    TIER_WEIGHTS,
    TIERS,
    TOOLS,
    Agent,
    Prompt,
)

_AGENT = {agent.name: position for position, agent in enumerate(AGENTS)}
_SERVICE = {service.name: position for position, service in enumerate(SERVICES)}
_MODEL = {model.name: position for position, model in enumerate(MODELS)}
_PROMPT = {prompt.name: position for position, prompt in enumerate(PROMPTS)}
_TOOL = {tool: position for position, tool in enumerate(TOOLS)}


def agent_at(name: str) -> int:
    """Position of an agent in `AGENTS`."""
    return _AGENT[name]


def model_at(name: str) -> int:
    """Position of a model in `MODELS`."""
    return _MODEL[name]


def prompt_at(name: str) -> int:
    """Position of a prompt in `PROMPTS`, which for a feature is its position in `FEATURES`."""
    return _PROMPT[name]


def _prompts(agent: Agent) -> tuple[Prompt, ...]:
    return (agent.helps,) if agent.helps else agent.features


def _mix(prompt: Prompt, agent: Agent) -> list[int]:
    if prompt.model:
        return [_MODEL[prompt.model]] * 1000
    return [_MODEL[name] for name, share in agent.models for _ in range(share)]


_OWNERS = {prompt.name: agent for agent in AGENTS for prompt in _prompts(agent)}

PROMPT_AGENT = np.array([_AGENT[_OWNERS[prompt.name].name] for prompt in PROMPTS])
PROMPT_MODELS = np.array([_mix(prompt, _OWNERS[prompt.name]) for prompt in PROMPTS])
"""Prompt, draw below 1,000 -> model."""
PROMPT_TOKENS = np.array([prompt.tokens for prompt in PROMPTS])
PROMPT_TURN = np.array([prompt.turn for prompt in PROMPTS])
PROMPT_OUTPUT = np.array([prompt.output for prompt in PROMPTS])
FEATURE_WEIGHTS = tuple(_OWNERS[feature.name].weight for feature in FEATURES)

AGENT_SERVICE = np.array([_SERVICE[agent.service] for agent in AGENTS])
AGENT_TRACER = np.array([SERVICES[_SERVICE[agent.service]].tracer for agent in AGENTS])
AGENT_CONTENT = np.array([SERVICES[_SERVICE[agent.service]].content for agent in AGENTS])
AGENT_HELPER = np.array([_AGENT.get(agent.helper, -1) for agent in AGENTS])
AGENT_HELPS = np.array([_PROMPT[agent.helps.name] if agent.helps else -1 for agent in AGENTS])
AGENT_EMBEDS = np.array([agent.embeds for agent in AGENTS])
AGENT_STREAMS = np.array([agent.streams for agent in AGENTS])
AGENT_INTERNAL = np.array([agent.internal for agent in AGENTS])
AGENT_REUSES_CACHE = np.array([agent.reuses_cache for agent in AGENTS])
AGENT_TOOL_COUNT = np.array([len(agent.tools) for agent in AGENTS])
AGENT_TOOLS = np.array([[_TOOL[tool] for tool in (agent.tools * 3)[:3]] for agent in AGENTS])

MODEL_CACHE = np.array([("", "auto", "explicit").index(model.cache) for model in MODELS])
MODEL_OUTPUT_US = np.array([model.output_us for model in MODELS])
MODEL_OPENAI = np.array([model.provider == "openai" for model in MODELS])

CUSTOMER_TIER = np.repeat(np.arange(len(TIERS)), TIER_SIZES)
CUSTOMER_WEIGHTS = np.repeat(np.array(TIER_WEIGHTS), TIER_SIZES)
