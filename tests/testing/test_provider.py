"""The fake provider answers as the real APIs do, with usage that never changes."""

import json
import urllib.error
import urllib.request

import pytest

from spancost.testing import FakeProvider

SAID = [{"role": "user", "content": "hi"}]
CHAT_TOOLS = [{"type": "function", "function": {"name": "search", "parameters": {}}}]
FLAT_TOOLS = [{"type": "function", "name": "search", "parameters": {}}]


@pytest.fixture
def provider():
    with FakeProvider() as running:
        yield running


def post(provider, path, body):
    request = urllib.request.Request(provider.url + path, json.dumps(body).encode())
    with urllib.request.urlopen(request) as response:
        return response.read().decode()


def post_json(provider, path, **body):
    return json.loads(post(provider, path, body))


def events(provider, path, **body):
    """The data of each server-sent event."""
    lines = post(provider, path, body | {"stream": True}).splitlines()
    return [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]


def test_chat_says_the_fixed_usage_and_a_dated_model(provider):
    """1000 tokens in, of which 400 cached, and 300 out."""
    answer = post_json(provider, "/v1/chat/completions", model="gpt-4o", messages=SAID)

    assert answer["model"] == "gpt-4o-2024-08-06"
    assert answer["choices"][0]["message"]["content"] == "Hello world"
    assert answer["usage"]["prompt_tokens"] == 1000
    assert answer["usage"]["prompt_tokens_details"]["cached_tokens"] == 400
    assert answer["usage"]["completion_tokens"] == 300


def test_a_chat_stream_says_usage_only_when_asked(provider):
    """As with the real API, usage comes in a last chunk without choices, with include_usage alone."""
    body = {"model": "gpt-4o", "messages": SAID}
    silent = events(provider, "/v1/chat/completions", **body)
    asked = events(provider, "/v1/chat/completions", **body, stream_options={"include_usage": True})

    assert not any("prompt_tokens" in event for event in silent)
    assert json.loads(asked[-2])["usage"]["total_tokens"] == 1300
    assert silent[-1] == asked[-1] == "[DONE]"


def test_responses_and_their_stream_say_the_same_usage(provider):
    """The last event of a stream carries the whole response."""
    answer = post_json(provider, "/v1/responses", model="gpt-5", input="hi")
    last = json.loads(events(provider, "/v1/responses", model="gpt-5", input="hi")[-1])

    assert answer["usage"]["input_tokens"] == 1000
    assert last["type"] == "response.completed"
    assert last["response"]["usage"] == answer["usage"]


def test_messages_count_cached_input_beside_plain_input(provider):
    """Anthropic's input_tokens excludes what was read from and written to the cache."""
    usage = post_json(provider, "/v1/messages", model="claude-sonnet-4-5", messages=SAID)["usage"]

    assert usage["input_tokens"] == 600
    assert usage["cache_read_input_tokens"] == 400
    assert usage["cache_creation"] == {"ephemeral_5m_input_tokens": 150, "ephemeral_1h_input_tokens": 50}
    assert usage["output_tokens"] == 300


def test_a_messages_stream_starts_with_one_output_token_and_ends_with_all(provider):
    """The counts of the first event must not be added to those of the last."""
    stream = [json.loads(event) for event in events(provider, "/v1/messages", model="claude-sonnet-4-5", messages=SAID)]

    assert stream[0]["message"]["usage"]["output_tokens"] == 1
    assert stream[-2]["usage"]["output_tokens"] == 300


def test_embeddings_come_as_numbers_or_packed(provider):
    """The OpenAI client asks for base64 of little-endian floats."""
    plain = post_json(provider, "/v1/embeddings", model="text-embedding-3-small", input=["a", "b"])
    packed = post_json(provider, "/v1/embeddings", model="m", input="a", encoding_format="base64")

    assert [item["embedding"] for item in plain["data"]] == [[0.25, -0.5, 1.0]] * 2
    assert packed["data"][0]["embedding"] == "AACAPgAAAL8AAIA/"
    assert plain["usage"]["prompt_tokens"] == 50


@pytest.mark.parametrize(
    ("path", "key", "tools", "result"),
    [
        ("/v1/chat/completions", "messages", CHAT_TOOLS, {"role": "tool", "content": "x"}),
        ("/v1/responses", "input", FLAT_TOOLS, {"type": "function_call_output", "output": "x"}),
        ("/v1/messages", "messages", FLAT_TOOLS, {"role": "user", "content": [{"type": "tool_result"}]}),
    ],
)
def test_an_offered_tool_is_called_once_and_then_comes_text(provider, path, key, tools, result):
    """An agent that runs the tool and asks again gets its answer with the second call."""
    first = post_json(provider, path, model="m", tools=tools, **{key: SAID})
    second = post_json(provider, path, model="m", tools=tools, **{key: [*SAID, result]})

    assert '"search"' in json.dumps(first)
    assert "Hello world" in json.dumps(second)


def test_a_429_model_answers_the_retry(provider):
    """Every odd attempt is refused, and both attempts are in the log."""
    with pytest.raises(urllib.error.HTTPError) as refused:
        post_json(provider, "/v1/chat/completions", model="gpt-4o-429", messages=SAID)
    refused.value.close()
    post_json(provider, "/v1/chat/completions", model="gpt-4o-429", messages=SAID)

    assert [request.status for request in provider.requests] == [429, 200]


@pytest.mark.parametrize(("path", "model", "status"), [("/v1/messages", "claude-500", 500), ("/v1/other", "m", 404)])
def test_a_500_model_and_an_unknown_path_fail(provider, path, model, status):
    """The client sees the status and a body in the vendors' error shape."""
    with pytest.raises(urllib.error.HTTPError) as failed:
        post_json(provider, path, model=model, messages=SAID)

    with failed.value as error:
        assert error.status == status
        assert json.loads(error.read())["type"] == "error"


def test_response_ids_differ_between_providers():
    """Two calls may never look like two descriptions of one."""
    ids = set()
    for _ in range(2):
        with FakeProvider() as provider:
            ids |= {post_json(provider, "/v1/responses", model="m", input="hi")["id"] for _ in range(2)}

    assert len(ids) == 4
