"""Calls of the Anthropic client."""

import anthropic
from tracing import agent_span

_REQUEST = {
    "model": "claude-sonnet-4-5",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "What is the weather in Paris?"}],
}


def anthropic_message():
    """One call of claude-sonnet-4-5 in a trace of its own."""
    anthropic.Anthropic().messages.create(**_REQUEST)


def anthropic_agent():
    """An agent run around two calls of claude-sonnet-4-5, the second one streamed."""
    client = anthropic.Anthropic()
    with agent_span():
        client.messages.create(**_REQUEST)
        with client.messages.stream(**_REQUEST) as stream:
            stream.get_final_message()
