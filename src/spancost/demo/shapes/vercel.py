"""The Vercel AI SDK 6 below an application's own agent span, with inputs and outputs not recorded.

https://ai-sdk.dev/docs/ai-sdk-core/telemetry
"""

from __future__ import annotations

import numpy as np

from spancost.demo.columns import Block
from spancost.demo.company import FEATURES, MODELS, TOOLS, Model
from spancost.demo.dice import Int64
from spancost.demo.shapes import common
from spancost.demo.wire import (
    INTERNAL,
    Pieces,
    attribute,
    attributes,
    hexadecimal,
    int_attributes,
    kept,
    looked_up,
    span_end,
    span_name,
    text_head,
)


def inner(block: Block, rows: Int64) -> list[Pieces]:
    """`ai.generateText`, which repeats the usage of all calls below it in `ai.usage.*`."""
    story = block.story
    trace, first = story.inner.trace[rows], story.inner.first[rows]
    read, written = common.totals(block, trace)
    return [
        *common.inner_heads(block, rows, [span_name(_OUTER_NAME, INTERNAL)] * len(rows)),
        looked_up(_OUTER, story.runs.feature[trace]),
        looked_up(_MODELS, story.calls.model[first]),
        int_attributes("ai.usage.inputTokens", read),
        int_attributes("ai.usage.outputTokens", written),
        int_attributes("ai.usage.totalTokens", read + written),
        [span_end()] * len(rows),
    ]


def calls(block: Block, rows: Int64) -> list[Pieces]:
    """`ai.generateText.doGenerate`, one for every attempt."""
    calls = block.story.calls
    model, failed = calls.model[rows], calls.failed[rows]
    ids = hexadecimal(block.ids.responses[rows])
    return [
        *common.call_heads(block, rows, [span_name(_CALL_NAME, INTERNAL)] * len(rows)),
        looked_up(_REQUESTS, block.story.runs.feature[calls.trace[rows]]),
        looked_up(_MODELS, model),
        looked_up(_RESPONSES, np.where(failed, -1, model)),
        kept(ids, ~failed),
        looked_up(_SECOND_IDS, np.where(failed, -1, 0)),
        kept(ids, ~failed),
        looked_up(_FINISHES, common.finishes(block, rows)),
        *_usage(block, rows),
        looked_up(_CALL_ENDS, failed.astype("i8")),
    ]


def tools(block: Block, rows: Int64) -> list[Pieces]:
    """`ai.toolCall`."""
    return [
        *common.tool_heads(block, rows, [span_name(_TOOL_NAME, INTERNAL)] * len(rows)),
        looked_up(_TOOLS, block.story.tools.tool[rows]),
        common.tool_arguments(block, "ai.toolCall.args", rows),
        [span_end()] * len(rows),
    ]


def _usage(block: Block, rows: Int64) -> list[Pieces]:
    usage = block.story.usage
    read, written, cached = usage.input[rows], usage.output[rows], usage.cache_read[rows]
    return [
        int_attributes("gen_ai.usage.input_tokens", read),
        int_attributes("gen_ai.usage.output_tokens", written),
        int_attributes("ai.usage.inputTokens", read),
        int_attributes("ai.usage.outputTokens", written),
        int_attributes("ai.usage.totalTokens", np.where(read < 0, -1, read + written)),
        int_attributes("ai.usage.inputTokenDetails.noCacheTokens", np.where(read < 0, -1, read - cached)),
        int_attributes("ai.usage.inputTokenDetails.cacheReadTokens", cached),
    ]


def _operation(name: str, feature: str) -> bytes:
    return attributes(
        {
            "operation.name": f"{name} {feature}",
            "resource.name": feature,
            "ai.operationId": name,
            "ai.telemetry.functionId": feature,
            "ai.settings.maxRetries": 2,
        }
    )


def _model(model: Model) -> bytes:
    provider = f"{model.provider}.chat"
    return attributes(
        {
            "ai.model.provider": provider,
            "ai.model.id": model.name,
            "gen_ai.system": provider,
            "gen_ai.request.model": model.name,
        }
    )


def _response(model: Model) -> bytes:
    models = attribute("ai.response.model", model.snapshot) + attribute("gen_ai.response.model", model.snapshot)
    return models + text_head("gen_ai.response.id", "chatcmpl-", 24)


def _finish(reason: str) -> bytes:
    return attribute("gen_ai.response.finish_reasons", (reason,)) + attribute("ai.response.finishReason", reason)


_OUTER_NAME, _CALL_NAME, _TOOL_NAME = "ai.generateText", "ai.generateText.doGenerate", "ai.toolCall"
_OUTER = [_operation(_OUTER_NAME, feature.name) for feature in FEATURES]
_REQUESTS = [_operation(_CALL_NAME, feature.name) for feature in FEATURES]
_MODELS = [_model(model) for model in MODELS]
_RESPONSES = [*(_response(model) for model in MODELS), b""]
_SECOND_IDS = [text_head("ai.response.id", "chatcmpl-", 24), b""]
_FINISHES = [*(_finish(reason) for reason in ("stop", "tool-calls", "length")), b""]
_TOOLS = [
    attributes({"operation.name": _TOOL_NAME, "ai.operationId": _TOOL_NAME, "ai.toolCall.name": tool}) for tool in TOOLS
]
_CALL_ENDS = [span_end(), span_end(2, "Rate limit")]
