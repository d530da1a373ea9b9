"""OpenInference, with message content hidden.

https://github.com/Arize-ai/openinference (spec/semantic_conventions.md)
"""

from __future__ import annotations

import numpy as np

from spancost.demo.columns import Block
from spancost.demo.company import AGENTS, MODELS, TOOLS, Model
from spancost.demo.dice import Int64
from spancost.demo.shapes import common
from spancost.demo.wire import INTERNAL, Pieces, attribute, attributes, int_attributes, looked_up, span_end, span_name


def runs(block: Block, rows: Int64) -> list[Pieces]:
    """Root spans of kind AGENT."""
    agent = block.story.runs.agent[rows]
    return [
        *common.run_heads(block, rows, looked_up(_AGENT_NAMES, agent)),
        looked_up(_AGENTS, agent),
        common.conversations(block, "session.id", rows),
        *common.attribution(block, rows),
        common.run_ends(block, rows),
    ]


def inner(block: Block, rows: Int64) -> list[Pieces]:
    """Spans of kind AGENT for helpers."""
    agent = block.story.inner.agent[rows]
    heads = common.inner_heads(block, rows, looked_up(_AGENT_NAMES, agent))
    return [*heads, looked_up(_AGENTS, agent), [_OK] * len(rows)]


def calls(block: Block, rows: Int64) -> list[Pieces]:
    """Spans of kind LLM and EMBEDDING; a failed one has no model but in its invocation parameters."""
    calls, usage = block.story.calls, block.story.usage
    model, failed = calls.model[rows], calls.failed[rows]
    read, written = usage.input[rows], usage.output[rows]
    return [
        *common.call_heads(block, rows, looked_up(_CALL_NAMES, model)),
        looked_up(_REQUESTS, model),
        common.conversations(block, "session.id", calls.trace[rows]),
        looked_up(_RESPONSES, np.where(failed, -1, model)),
        looked_up(_FINISHES, np.where(written < 0, -1, common.finishes(block, rows))),
        int_attributes("llm.token_count.prompt", read),
        int_attributes("llm.token_count.completion", written),
        int_attributes("llm.token_count.total", np.where(read < 0, -1, read + np.maximum(written, 0))),
        int_attributes("llm.token_count.prompt_details.cache_read", common.positive(usage.cache_read[rows])),
        looked_up(_CALL_ENDS, failed.astype("i8")),
    ]


def tools(block: Block, rows: Int64) -> list[Pieces]:
    """Spans of kind TOOL."""
    tool = block.story.tools.tool[rows]
    return [
        *common.tool_heads(block, rows, looked_up(_TOOL_NAMES, tool)),
        looked_up(_TOOLS, tool),
        common.tool_arguments(block, "input.value", rows),
        [_OK] * len(rows),
    ]


_OK = span_end(1)

_AGENT_NAMES = [span_name(agent.name, INTERNAL) for agent in AGENTS]
_AGENTS = [attributes({"openinference.span.kind": "AGENT", "agent.name": agent.name}) for agent in AGENTS]
_TOOL_NAMES = [span_name(tool, INTERNAL) for tool in TOOLS]
_TOOLS = [
    attributes({"openinference.span.kind": "TOOL", "tool.name": tool, "input.mime_type": "application/json"})
    for tool in TOOLS
]


def _request(model: Model) -> bytes:
    embeds = model.operation == "embeddings"
    family = "embedding" if embeds else "llm"
    return attributes(
        {
            "openinference.span.kind": "EMBEDDING" if embeds else "LLM",
            "llm.system": model.provider,
            "llm.provider": model.provider,
            f"{family}.invocation_parameters": f'{{"model": "{model.name}"}}',
        }
    )


def _response(model: Model) -> bytes:
    family = "embedding" if model.operation == "embeddings" else "llm"
    return attribute(f"{family}.model_name", model.snapshot)


_CALL_NAMES = [
    span_name("CreateEmbeddings" if model.operation == "embeddings" else "ChatCompletion", INTERNAL) for model in MODELS
]
_REQUESTS = [_request(model) for model in MODELS]
_RESPONSES = [*(_response(model) for model in MODELS), b""]
_FINISHES = [*(attribute("llm.finish_reason", reason) for reason in ("stop", "tool_calls", "length")), b""]
_CALL_ENDS = [_OK, span_end(2, "RateLimitError: Error code: 429 - rate limit reached")]
