"""What the fake provider says: pure functions from a request's JSON to an answer.

The usage is fixed, so that a cost can be worked out by hand:

    OpenAI chat      input 1000 (of it 400 cached, 20 audio), output 300 (of it 120 reasoning, 10 audio)
    OpenAI responses input 1000 (of it 400 cached), output 300 (of it 120 reasoning)
    OpenAI embedding input 50
    Anthropic        input 600 beside 400 read from cache and 200 written to it (150 for 5 min, 50 for 1 h), output 300

Whoever offers tools gets a call of the first tool, and text once a tool result is in the conversation.
"""

import base64
import json
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

_TEXT = "Hello world"
_TOOL_CALL_ID = "call_1"
_CREATED = 1_700_000_000
_DATED = {
    "gpt-4o": "gpt-4o-2024-08-06",
    "gpt-5": "gpt-5-2025-08-07",
    "claude-sonnet-4-5": "claude-sonnet-4-5-20250929",
}
_CHAT_USAGE = {
    "prompt_tokens": 1000,
    "completion_tokens": 300,
    "total_tokens": 1300,
    "prompt_tokens_details": {"cached_tokens": 400, "audio_tokens": 20},
    "completion_tokens_details": {"reasoning_tokens": 120, "audio_tokens": 10},
}
_RESPONSES_USAGE = {
    "input_tokens": 1000,
    "input_tokens_details": {"cached_tokens": 400},
    "output_tokens": 300,
    "output_tokens_details": {"reasoning_tokens": 120},
    "total_tokens": 1300,
}
_MESSAGES_USAGE = {
    "input_tokens": 600,
    "cache_creation_input_tokens": 200,
    "cache_read_input_tokens": 400,
    "cache_creation": {"ephemeral_5m_input_tokens": 150, "ephemeral_1h_input_tokens": 50},
    "output_tokens": 300,
    "service_tier": "standard",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """One JSON body, or the server-sent events of a stream (each with its event name, '' for none)."""

    body: Json
    events: tuple[tuple[str, str], ...] = ()


def answer(path: str, request: Json, unique: str) -> Answer | None:
    """The answer to a request, or None for a path no provider has.

    `unique` goes into the response id, by which two descriptions of one call find each other.
    """
    build = _BUILDERS.get(path)
    return build(request, unique) if build else None


def _chat(request: Json, unique: str) -> Answer:
    head = {
        "id": f"chatcmpl-{unique}",
        "created": _CREATED,
        "model": _dated(request),
        "service_tier": "default",
        "system_fingerprint": "fp_fake",
    }
    tool = _wanted_tool(request)
    message, finish = _chat_message(tool)
    choice = {"index": 0, "message": message, "finish_reason": finish, "logprobs": None}
    body = head | {"object": "chat.completion", "choices": [choice], "usage": _CHAT_USAGE}
    return Answer(body, _chat_events(request, head, message, finish))


def _chat_message(tool: str | None) -> tuple[Json, str]:
    if tool is None:
        return {"role": "assistant", "content": _TEXT, "refusal": None}, "stop"
    call = {"id": _TOOL_CALL_ID, "type": "function", "function": {"name": tool, "arguments": "{}"}}
    return {"role": "assistant", "content": None, "refusal": None, "tool_calls": [call]}, "tool_calls"


def _chat_events(request: Json, head: Json, message: Json, finish: str) -> tuple[tuple[str, str], ...]:
    calls = [call | {"index": i} for i, call in enumerate(message.get("tool_calls", []))]
    delta = message | ({"tool_calls": calls} if calls else {})
    with_usage = (request.get("stream_options") or {}).get("include_usage", False)
    head = head | {"object": "chat.completion.chunk"} | ({"usage": None} if with_usage else {})
    chunks = [
        head | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]},
        head | {"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]},
    ]
    if with_usage:
        chunks.append(head | {"choices": [], "usage": _CHAT_USAGE})
    return (*(("", json.dumps(chunk)) for chunk in chunks), ("", "[DONE]"))


def _responses(request: Json, unique: str) -> Answer:
    tool = _wanted_tool(request)
    item = _responses_text(unique) if tool is None else _responses_tool_call(tool, unique)
    body = {
        "id": f"resp_{unique}",
        "object": "response",
        "created_at": _CREATED,
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "model": _dated(request),
        "output": [item],
        "parallel_tool_calls": True,
        "service_tier": "default",
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": request.get("tools") or [],
        "top_p": 1.0,
        "usage": _RESPONSES_USAGE,
    }
    return Answer(body, _responses_events(body, item))


def _responses_text(unique: str) -> Json:
    text = {"type": "output_text", "text": _TEXT, "annotations": []}
    return {"type": "message", "id": f"msg_{unique}", "role": "assistant", "status": "completed", "content": [text]}


def _responses_tool_call(tool: str, unique: str) -> Json:
    call = {"id": f"fc_{unique}", "call_id": _TOOL_CALL_ID, "name": tool, "arguments": "{}"}
    return {"type": "function_call", "status": "completed"} | call


def _responses_events(body: Json, item: Json) -> tuple[tuple[str, str], ...]:
    started = body | {"status": "in_progress", "output": [], "usage": None}
    said: Json = {"type": "response.output_text.delta", "delta": _TEXT, "logprobs": []}
    said |= {"item_id": item["id"], "output_index": 0, "content_index": 0}
    events: list[Json] = [
        {"type": "response.created", "response": started},
        {"type": "response.output_item.added", "output_index": 0, "item": item | {"status": "in_progress"}},
        *([said] if "content" in item else []),
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": body},
    ]
    return tuple((event["type"], json.dumps(event | {"sequence_number": i})) for i, event in enumerate(events))


def _embeddings(request: Json, unique: str) -> Answer:
    texts = request["input"] if isinstance(request["input"], list) else [request["input"]]
    data = [{"object": "embedding", "index": i, "embedding": _vector(request)} for i in range(len(texts))]
    usage = {"prompt_tokens": 50, "total_tokens": 50}
    return Answer({"object": "list", "data": data, "model": _dated(request), "usage": usage})


def _vector(request: Json) -> list[float] | str:
    numbers = [0.25, -0.5, 1.0]
    if request.get("encoding_format") == "base64":
        return base64.b64encode(struct.pack("<3f", *numbers)).decode()
    return numbers


def _messages(request: Json, unique: str) -> Answer:
    tool = _wanted_tool(request)
    block, stop = _messages_block(tool)
    body = {
        "id": f"msg_{unique}",
        "type": "message",
        "role": "assistant",
        "model": _dated(request),
        "content": [block],
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": _MESSAGES_USAGE,
    }
    return Answer(body, _messages_events(body, block, stop))


def _messages_block(tool: str | None) -> tuple[Json, str]:
    if tool is None:
        return {"type": "text", "text": _TEXT}, "end_turn"
    return {"type": "tool_use", "id": _TOOL_CALL_ID, "name": tool, "input": {}}, "tool_use"


def _messages_events(body: Json, block: Json, stop: str) -> tuple[tuple[str, str], ...]:
    # As the real API does, the first event claims one output token and the last one the final count.
    started = body | {"content": [], "stop_reason": None, "usage": _MESSAGES_USAGE | {"output_tokens": 1}}
    is_text = block["type"] == "text"
    empty: Json = {"text": ""} if is_text else {"input": {}}
    delta = {"type": "text_delta", "text": _TEXT} if is_text else {"type": "input_json_delta", "partial_json": "{}"}
    events: list[Json] = [
        {"type": "message_start", "message": started},
        {"type": "content_block_start", "index": 0, "content_block": block | empty},
        {"type": "content_block_delta", "index": 0, "delta": delta},
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": stop, "stop_sequence": None},
            "usage": {"output_tokens": 300},
        },
        {"type": "message_stop"},
    ]
    return tuple((event["type"], json.dumps(event)) for event in events)


def _dated(request: Json) -> str:
    model = str(request["model"])
    return _DATED.get(model, model)


def _wanted_tool(request: Json) -> str | None:
    if not request.get("tools") or any(_has_tool_result(part) for part in _conversation(request)):
        return None
    tool = request["tools"][0]
    return str(tool["name"] if "name" in tool else tool["function"]["name"])


def _conversation(request: Json) -> list[Any]:
    said = request.get("messages", request.get("input"))
    return said if isinstance(said, list) else []


def _has_tool_result(part: Json) -> bool:
    blocks = part.get("content") if isinstance(part.get("content"), list) else []
    return (
        part.get("role") == "tool"
        or part.get("type") == "function_call_output"
        or any(block.get("type") == "tool_result" for block in blocks or [])
    )


_BUILDERS: dict[str, Callable[[Json, str], Answer]] = {
    "/v1/chat/completions": _chat,
    "/v1/responses": _responses,
    "/v1/embeddings": _embeddings,
    "/v1/messages": _messages,
}
