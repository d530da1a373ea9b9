"""OpenTelemetry's own GenAI convention, as the official instrumentations of OpenAI, Anthropic and Google write it.

https://github.com/open-telemetry/semantic-conventions-genai (model/gen-ai/spans.yaml, registry.yaml)
"""

from __future__ import annotations

import numpy as np

from spancost.demo.columns import Block
from spancost.demo.company import AGENTS, MODELS, PROMPTS, TOOLS, Model
from spancost.demo.dice import Bool, Int64
from spancost.demo.incidents import REGRESSED_VERSION, regressed
from spancost.demo.index import AGENT_CONTENT, AGENT_REUSES_CACHE, AGENT_STREAMS, agent_at
from spancost.demo.shapes import common
from spancost.demo.wire import (
    CLIENT,
    INTERNAL,
    Pieces,
    attribute,
    attributes,
    double_attributes,
    hexadecimal,
    int_attributes,
    kept,
    looked_up,
    span_end,
    span_name,
    text_attributes,
    text_head,
)


def runs(block: Block, rows: Int64) -> list[Pieces]:
    """Root spans `invoke_agent`; those of one agent repeat the totals of their calls, as some frameworks do."""
    agent = block.story.runs.agent[rows]
    read, written = common.totals(block, rows)
    repeats = agent == _REPEATS_TOTALS
    return [
        *common.run_heads(block, rows, looked_up(_AGENT_NAMES, agent)),
        looked_up(_AGENTS, agent),
        common.conversations(block, "gen_ai.conversation.id", rows),
        *common.attribution(block, rows),
        int_attributes("gen_ai.usage.input_tokens", np.where(repeats, read, -1)),
        int_attributes("gen_ai.usage.output_tokens", np.where(repeats, written, -1)),
        common.run_ends(block, rows),
    ]


def inner(block: Block, rows: Int64) -> list[Pieces]:
    """`invoke_agent` spans of helpers."""
    agent = block.story.inner.agent[rows]
    heads = common.inner_heads(block, rows, looked_up(_AGENT_NAMES, agent))
    return [*heads, looked_up(_AGENTS, agent), [span_end()] * len(rows)]


def calls(block: Block, rows: Int64) -> list[Pieces]:
    """`chat` and `generate_content` spans."""
    calls = block.story.calls
    model, failed = calls.model[rows], calls.failed[rows]
    version = np.where(regressed(block.story.runs, calls)[rows], len(PROMPTS), 0)
    return [
        *common.call_heads(block, rows, looked_up(_CALL_NAMES, model)),
        looked_up(_REQUESTS, model),
        looked_up(_PROMPTS, calls.prompt[rows] + version),
        common.conversations(block, "gen_ai.conversation.id", calls.trace[rows]),
        *_streams(block, rows),
        *_content(block, rows, version),
        looked_up(_RESPONSES, np.where(failed, -1, model)),
        kept(hexadecimal(block.ids.responses[rows]), ~failed),
        looked_up(_FINISHES, common.finishes(block, rows)),
        *_usage(block, rows),
        looked_up(_CALL_ENDS, failed.astype("i8")),
    ]


def tools(block: Block, rows: Int64) -> list[Pieces]:
    """`execute_tool` spans."""
    tool = block.story.tools.tool[rows]
    ids = [b"call_" + text for text in hexadecimal(block.ids.tools[rows])]
    return [
        *common.tool_heads(block, rows, looked_up(_TOOL_NAMES, tool)),
        looked_up(_TOOLS, tool),
        text_attributes("gen_ai.tool.call.id", ids),
        common.tool_arguments(block, "gen_ai.tool.call.arguments", rows),
        [span_end()] * len(rows),
    ]


def _usage(block: Block, rows: Int64) -> list[Pieces]:
    usage, own = block.story.usage, block.story.calls.agent[rows] == _REPEATS_TOTALS
    written = common.positive(usage.cache_write[rows])
    return [
        int_attributes("gen_ai.usage.input_tokens", usage.input[rows]),
        int_attributes("gen_ai.usage.output_tokens", usage.output[rows]),
        int_attributes("gen_ai.usage.cache_read.input_tokens", common.positive(usage.cache_read[rows])),
        int_attributes("gen_ai.usage.cache_write.input_tokens", np.where(own, -1, written)),
        int_attributes("gen_ai.usage.cache_creation.input_tokens", np.where(own, written, -1)),
        int_attributes("gen_ai.usage.reasoning.output_tokens", usage.reasoning[rows]),
    ]


def _streams(block: Block, rows: Int64) -> list[Pieces]:
    calls = block.story.calls
    streams = AGENT_STREAMS[calls.agent[rows]]
    waited = (block.ends.calls[rows] - block.starts.calls[rows]) // 4
    chunks = double_attributes("gen_ai.response.time_to_first_chunk", waited / 1e9)
    return [
        looked_up((b"", attribute("gen_ai.request.stream", True)), streams.astype("i8")),
        kept(chunks, streams & ~calls.failed[rows]),
    ]


def _content(block: Block, rows: Int64, version: Int64) -> list[Pieces]:
    """Instructions and messages, where the service sends them: short ones that stand for longer ones."""
    calls = block.story.calls
    agent = calls.agent[rows]
    sends, stable = AGENT_CONTENT[agent], AGENT_REUSES_CACHE[agent]
    cases = common.case_numbers(block, calls.trace[rows])
    messages = [_MESSAGE % pair for pair in zip(cases, calls.turn[rows].tolist(), strict=True)]
    return [
        kept(looked_up(_INSTRUCTIONS, calls.prompt[rows] + version), sends & stable),
        *_clocked(block, rows, ~stable),
        kept(text_attributes("gen_ai.input.messages", messages), sends),
    ]


def _clocked(block: Block, rows: Int64, wanted: Bool) -> list[Pieces]:
    """Instructions that begin with the time: the reason why this agent's cache is written and never read."""
    texts = [_CLOCKED % (start // 1_000_000) for start in block.starts.calls[rows].tolist()]
    return [kept(text_attributes("gen_ai.system_instructions", texts), wanted)]


_REPEATS_TOTALS = agent_at("code-reviewer")
"""Its own instrumentation repeats totals on the root span and writes the cache attribute's name of convention 1.40."""

_MESSAGE = b'[{"role": "user", "parts": [{"type": "text", "content": "Case %s, step %05d."}]}]'
_CLOCKED = b'[{"type": "text", "content": "It is %013d. You audit the ledgers of Acme."}]'


def _instructions(version: str, name: str) -> bytes:
    text = f'[{{"type": "text", "content": "You are Acme\'s assistant for {name}, version {version}."}}]'
    return attribute("gen_ai.system_instructions", text)


def _prompt(version: str, name: str) -> bytes:
    return attributes({"gen_ai.prompt.name": name, "gen_ai.prompt.version": version})


_VERSIONS = [(prompt.version, prompt.name) for prompt in PROMPTS]
_VERSIONS += [(REGRESSED_VERSION, prompt.name) for prompt in PROMPTS]
_PROMPTS = [_prompt(*prompt) for prompt in _VERSIONS]
_INSTRUCTIONS = [_instructions(*prompt) for prompt in _VERSIONS]

_AGENT_NAMES = [span_name(f"invoke_agent {agent.name}", INTERNAL) for agent in AGENTS]
_AGENTS = [attributes({"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": agent.name}) for agent in AGENTS]
_TOOL_NAMES = [span_name(f"execute_tool {tool}", INTERNAL) for tool in TOOLS]
_TOOLS = [
    attributes({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": tool, "gen_ai.tool.type": "function"})
    for tool in TOOLS
]


def _request(model: Model) -> bytes:
    return attributes(
        {
            "gen_ai.operation.name": model.operation,
            "gen_ai.provider.name": model.provider,
            "gen_ai.request.model": model.name,
            "server.address": model.host,
            "server.port": 443,
        }
    )


def _response(model: Model) -> bytes:
    start = {"anthropic": "msg_", "gcp.gemini": "gem-"}.get(model.provider, "chatcmpl-")
    return attribute("gen_ai.response.model", model.snapshot) + text_head("gen_ai.response.id", start, 24)


_CALL_NAMES = [span_name(f"{model.operation} {model.name}", CLIENT) for model in MODELS]
_REQUESTS = [_request(model) for model in MODELS]
_RESPONSES = [*(_response(model) for model in MODELS), b""]
_FINISHES = [
    *(attribute("gen_ai.response.finish_reasons", (reason,)) for reason in ("stop", "tool_calls", "length")),
    attribute("error.type", "RateLimitError"),
]
_CALL_ENDS = [span_end(), span_end(2, "Error code: 429 - rate limit reached")]
