"""Calls of the OpenAI client."""

import openai
from tracing import agent_span

_WEATHER = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}
_QUESTION = {"role": "user", "content": "What is the weather in Paris?"}
_RESULT = {"role": "tool", "tool_call_id": "call_1", "content": "sunny"}


def openai_chat():
    """One call of gpt-4o in a trace of its own."""
    openai.OpenAI().chat.completions.create(model="gpt-4o", messages=[_QUESTION])


def openai_agent():
    """An agent run around two calls of gpt-4o: a tool call, then the answer."""
    client = openai.OpenAI()
    with agent_span():
        client.chat.completions.create(model="gpt-4o", messages=[_QUESTION], tools=[_WEATHER])
        client.chat.completions.create(model="gpt-4o", messages=[_QUESTION, _RESULT], tools=[_WEATHER])
