"""Fakes for testing code that is traced by, or exports to, Spancost.

`FakeProvider` answers like OpenAI and Anthropic with fixed usage, `OtlpSink` keeps what an OTLP exporter sends, and
`Collector` runs the real thing in a process of its own. All are servers on free
loopback ports, so the libraries under test run unchanged:

    with FakeProvider() as provider, OtlpSink() as sink:
        client = openai.OpenAI(base_url=f"{provider.url}/v1", api_key="any")
        ...
        assert sink.spans()[0].name == "chat gpt-4o"
"""

from spancost.testing.collector import Collector
from spancost.testing.provider import FakeProvider, ProviderRequest
from spancost.testing.sink import OtlpSink

__all__ = ["Collector", "FakeProvider", "OtlpSink", "ProviderRequest"]
