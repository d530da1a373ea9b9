"""Which book entry the names in a span mean, and which they do not."""

from __future__ import annotations

import pytest
from price_tools import make_book, make_book_of, model

from spancost.price.book import Book
from spancost.price.match import Found, NotFound, find, matching_clause, provider_named


@pytest.mark.parametrize(
    ("name", "provider"),
    [
        ("openai", "openai"),
        ("OpenAI", "openai"),
        ("openai.chat", "openai"),
        ("anthropic", "anthropic"),
        ("anthropic.messages", "anthropic"),
        ("aws.bedrock", "aws"),
        ("AWS", "aws"),
        ("amazon-bedrock", "aws"),
        ("azure.ai.openai", "azure"),
        ("azure.ai.inference", "azure"),
        ("az.ai.openai", "azure"),
        ("azure-openai.chat", "azure"),
        ("gcp.gemini", "google"),
        ("gcp.vertex_ai", "google"),
        ("gcp.gen_ai", "google"),
        ("google.vertex.chat", "google"),
        ("VertexAI", "google"),
        ("cohere", "cohere"),
        ("mistral_ai", "mistral"),
        ("MistralAI", "mistral"),
        ("groq", "groq"),
        ("deepseek", "deepseek"),
        ("perplexity", "perplexity"),
        ("x_ai", "x-ai"),
        ("xai.chat", "x-ai"),
        ("moonshot_ai", "moonshotai"),
        ("TogetherAI", "together"),
        ("openrouter", "openrouter"),
        ("ibm.watsonx.ai", ""),
        ("ollama", ""),
        ("vllm", ""),
        ("openai-compatible", ""),
        ("acme", ""),
        ("", ""),
    ],
)
def test_provider_names(book: Book, name: str, provider: str) -> None:
    """Names of the OpenTelemetry registry and of tracers mean a provider of the book, or none."""
    assert provider_named(book, name)[0] == provider


@pytest.mark.parametrize(
    ("provider", "response", "request_model", "owner", "model_id"),
    [
        ("openai", "gpt-4o-2024-08-06", "gpt-4o", "openai", "gpt-4o"),
        ("openai", "", "openai/gpt-4o", "openai", "gpt-4o"),
        ("openai", "", "gpt-5-20250807", "openai", "gpt-5"),
        ("openai", "", "GPT-4o", "openai", "gpt-4o"),
        ("openai", "", "ft:gpt-4o-2024-08-06:acme::abc", "openai", "ft:gpt-4o"),
        ("anthropic", "", "anthropic/claude-opus-4-6", "anthropic", "claude-opus-4-6"),
        ("litellm", "", "anthropic/claude-opus-4-6", "anthropic", "claude-opus-4-6"),
        ("openai", "", "anthropic/claude-opus-4-6", "anthropic", "claude-opus-4-6"),
        ("", "", "claude-opus-4-6", "anthropic", "claude-opus-4-6"),
        ("acme-gateway", "", "claude-opus-4-6", "anthropic", "claude-opus-4-6"),
        ("gcp.gemini", "", "models/gemini-2.5-pro", "google", "gemini-2.5-pro"),
        ("gcp.vertex_ai", "", "claude-sonnet-4-5@20250929", "google", "claude-sonnet-4-5"),
        (
            "gcp.vertex_ai", "", "projects/p/locations/us-east5/publishers/anthropic/models/claude-sonnet-4-5@20250929",
            "google", "claude-sonnet-4-5",
        ),
        ("groq", "", "openai/gpt-oss-120b", "groq", "openai/gpt-oss-120b"),
        ("azure.ai.openai", "gpt-4o-2024-08-06", "prod-chat", "openai", "gpt-4o"),
        (
            "aws.bedrock", "", "arn:aws:bedrock:us-east-1:1:inference-profile/us.amazon.nova-pro-v1:0",
            "aws", "amazon.nova-pro-v1:0",
        ),
        ("", "", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "aws",
         "regional.anthropic.claude-sonnet-4-5-20250929-v1:0"),
        ("", "", "bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0", "aws",
         "regional.anthropic.claude-sonnet-4-5-20250929-v1:0"),
        ("openai", "unheard-of", "gpt-4o", "openai", "gpt-4o"),
    ],
)  # fmt: skip
def test_model_names(book: Book, provider: str, response: str, request_model: str, owner: str, model_id: str) -> None:
    """Prefixes, paths, dates and profiles are read; the response's model goes before the request's."""
    found = find(book, provider, response, request_model)
    assert isinstance(found, Found), found
    assert (found.owner["id"], found.model["id"]) == (owner, model_id)


@pytest.mark.parametrize(
    ("provider", "name"),
    [
        ("openai", "gpt-4o-mega"),
        ("openai", "claude-opus-4-6"),
        ("openai", "mistralai/Mixtral-8x7B-Instruct-v0.1"),
        ("acme-gateway", "deepseek-r1"),
        ("acme-gateway", "openai/gpt-oss-120b"),
        ("", "gpt-oss-120b"),
        ("vllm", "claude-opus-4-6"),
        ("ollama", "mistral/mistral-large-latest"),
        ("azure", "prod-chat"),
        ("openrouter", "deepseek/never-heard:free"),
    ],
)
def test_names_that_must_not_find_a_price(book: Book, provider: str, name: str) -> None:
    """Another maker's model, one that anybody may host, or a name of the user's own: no price by likeness."""
    assert isinstance(find(book, provider, "", name), NotFound)


def test_the_rule_says_how_it_was_found(book: Book) -> None:
    """An inferred provider is told apart from a given one."""
    inferred = find(book, "", "", "claude-opus-4-6")
    given = find(book, "azure.ai.openai", "gpt-4o", "prod-chat")
    assert isinstance(inferred, Found)
    assert isinstance(given, Found)
    assert inferred.rule == "no provider given; only 'anthropic' has a model 'claude-opus-4-6'"
    assert given.rule == (
        "provider 'azure.ai.openai' is an alias of 'azure'; response model 'gpt-4o'; price taken from 'openai'"
    )
    assert given.clause == "equals 'gpt-4o'"


def test_two_providers_with_the_same_model_are_no_answer() -> None:
    """Without a provider, a name that two first-party providers claim stays unknown."""
    twin = {"models": [model("echo-1", {"input": 1})], "model_match": {"starts_with": "echo"}}
    both = make_book_of({"id": "a", **twin}, {"id": "b", **twin})
    one = make_book_of({"id": "a", **twin})
    assert isinstance(find(both, "", "", "echo-1"), NotFound)
    assert isinstance(find(one, "", "", "echo-1"), Found)


@pytest.mark.parametrize(
    ("clause", "text", "told"),
    [
        ({"equals": "a"}, "a", "equals 'a'"),
        ({"equals": "a"}, "ab", ""),
        ({"starts_with": "a"}, "ab", "starts_with 'a'"),
        ({"ends_with": "b"}, "ab", "ends_with 'b'"),
        ({"contains": "b"}, "abc", "contains 'b'"),
        ({"regex": "^a.c$"}, "abc", "regex '^a.c$'"),
        ({"or": [{"equals": "x"}, {"contains": "b"}]}, "abc", "contains 'b'"),
        ({"or": [{"equals": "x"}, {"equals": "y"}]}, "abc", ""),
        ({"and": [{"starts_with": "a"}, {"ends_with": "c"}]}, "abc", "starts_with 'a' and ends_with 'c'"),
        ({"and": [{"starts_with": "a"}, {"ends_with": "x"}]}, "abc", ""),
        (None, "abc", ""),
    ],
)
def test_clauses(clause: object, text: str, told: str) -> None:
    """Every kind of clause holds when it should, and says in words what held."""
    assert matching_clause(clause, text) == told  # type: ignore[arg-type]


def test_the_first_model_in_the_book_wins() -> None:
    """Order decides, also between an exact name and an earlier pattern."""
    early = {**model("early", {"input": 1}), "match": {"starts_with": "m-"}}
    late = {**model("late", {"input": 2}), "match": {"or": [{"equals": "m-1"}, {"equals": "n-1"}]}}
    for models, name, expected in (((early, late), "m-1", "early"), ((late, early), "m-1", "late"),
                                   ((early, late), "n-1", "late")):  # fmt: skip
        found = find(make_book(*models), "acme", "", name)
        assert isinstance(found, Found)
        assert found.model["id"] == expected
