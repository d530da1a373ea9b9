"""Which book entry a span's provider and model names mean. Pure text work; every answer says which rule gave it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import cast

from spancost.price.book import Book, Clause, Model, Provider

# Names from the OpenTelemetry registry (gen_ai.provider.name and the older gen_ai.system), and the ones that tracers
# and gateways use for the same companies. The book's own ids need no line here.
PROVIDER_ALIASES = MappingProxyType({
    "aws.bedrock": "aws",
    "aws_bedrock": "aws",
    "bedrock": "aws",
    "bedrock_converse": "aws",
    "amazon-bedrock": "aws",
    "az.ai.inference": "azure",
    "az.ai.openai": "azure",
    "azure.ai.inference": "azure",
    "azure.ai.openai": "azure",
    "azure_ai": "azure",
    "azure-ai": "azure",
    "azure-openai": "azure",
    "azure_openai": "azure",
    "azureopenai": "azure",
    "claude": "anthropic",
    "fireworks_ai": "fireworks",
    "fireworks-ai": "fireworks",
    "gcp.gemini": "google",
    "gcp.gen_ai": "google",
    "gcp.vertex_ai": "google",
    "gemini": "google",
    "google_genai": "google",
    "mistral_ai": "mistral",
    "mistralai": "mistral",
    "moonshot": "moonshotai",
    "moonshot_ai": "moonshotai",
    "together_ai": "together",
    "togetherai": "together",
    "vertex_ai": "google",
    "vertexai": "google",
    "x_ai": "x-ai",
    "xai": "x-ai",
})  # fmt: skip

# Servers that people run themselves: the model's maker is not who is paid, whatever the model is called.
SELF_HOSTED = frozenset({
    "huggingface_tgi", "lmstudio", "lm_studio", "llama.cpp", "llama_cpp", "llamacpp", "llamafile", "local", "localai",
    "mlx", "ollama", "openai_compatible", "openai-compatible", "self_hosted", "self-hosted", "sglang", "tgi", "triton",
    "vllm", "xinference",
})  # fmt: skip

# Makers whose models nobody else may host at a price of their own. Only these are trusted when an unknown provider
# (a gateway, a proxy) is named: `deepseek-r1` behind one may be anybody's GPU, `claude-opus-5` is not.
CLOSED_WEIGHTS = frozenset({"anthropic", "google", "openai", "x-ai"})

# Passed through by these, a model keeps its maker: the name says nothing about who is paid, the model's prefix does.
GATEWAYS = frozenset({"custom", "gateway", "helicone", "litellm", "other", "portkey", "unknown"})

# Where weights are published. As a prefix these name who made a model, which anybody may run; not who is paid.
OPEN_WEIGHT_PUBLISHERS = frozenset({"arcee-ai", "cohereforai", "coherelabs", "deepseek-ai", "mistralai", "moonshotai"})

# Models with published weights from makers that otherwise publish none: anybody may run these.
_OPEN_MODEL = re.compile(r"gpt-oss|gemma")

_BEDROCK_ID = re.compile(
    r"^(?:(?:us|us-gov|eu|apac|jp|au|ca|in|global)\.)?"
    r"(?:ai21|amazon|anthropic|cohere|deepseek|luma|meta|mistral|openai|qwen|stability|twelvelabs|writer)\."
)
#: A model name longer than this is none, and is not worth matching against every pattern.
NAME_LIMIT = 256

_COMPACT_DATE = re.compile(r"-(20\d{2})(\d{2})(\d{2})(?=-|:|$)")


@dataclass(frozen=True, slots=True)
class Found:
    """A book entry and how it was found. `owner` holds the price: another than `provider` when that one resells it."""

    provider: str
    owner: Provider
    model: Model
    clause: str
    rule: str


@dataclass(frozen=True, slots=True)
class NotFound:
    """No price, and the reason as it is stored with the call."""

    reason: str
    provider: str
    rule: str


def find(book: Book, provider: str, response_model: str, request_model: str) -> Found | NotFound:
    """The book entry for a call's provider and model names, each '' when unknown.

    The response model is what was served, so it goes first; on Bedrock the request goes first, because only it names
    the inference profile that decides the price. No match is an answer: nothing is ever priced by likeness.
    """
    named, rule = provider_named(book, provider)
    refs = _references(named, response_model, request_model)
    if not refs:
        return NotFound("no_model", named, rule)
    if any(_is_opaque(text) for _, text in refs[:1]):
        return NotFound("alias_needed", named, f"{rule}; {refs[0][1]!r} names a profile of yours, not a model")
    for origin, text in refs:
        found = _find_in(book, named, text, f"{rule}; {origin}") if named else _infer(book, provider, text, rule)
        if found:
            return found
    return NotFound("unknown_model" if named else "unknown_provider", named, rule)


def provider_named(book: Book, name: str) -> tuple[str, str]:
    """The book's provider id for a name from telemetry ('' when it has none), and the rule that decided."""
    text = name.strip().lower()
    if not text:
        return "", "no provider given"
    if text in SELF_HOSTED:
        return "", f"provider {text!r} is self-hosted"
    for candidate, how in _spellings(text):
        if candidate in book.providers:
            return candidate, f"provider {text!r} is {how}"
        if candidate in PROVIDER_ALIASES:
            return PROVIDER_ALIASES[candidate], f"provider {text!r} is an alias of {PROVIDER_ALIASES[candidate]!r}"
    for provider in book.providers.values():
        clause = matching_clause(provider.get("provider_match"), text)
        if clause:
            return provider["id"], f"provider {text!r} {clause}"
    return "", f"provider {text!r} is not in the book"


def matching_clause(clause: Clause | None, text: str) -> str:
    """The clause that holds for the lower-case text, in words; '' when none does."""
    if not clause:
        return ""
    ((kind, value),) = clause.items()
    if kind == "or":
        return next(filter(None, (matching_clause(part, text) for part in cast("Sequence[Clause]", value))), "")
    if kind == "and":
        parts = [matching_clause(part, text) for part in cast("Sequence[Clause]", value)]
        return " and ".join(parts) if all(parts) else ""
    return f"{kind} {value!r}" if _holds(kind, cast("str", value), text) else ""


def _holds(kind: str, value: str, text: str) -> bool:
    if kind == "equals":
        return text == value
    if kind == "starts_with":
        return text.startswith(value)
    if kind == "ends_with":
        return text.endswith(value)
    if kind == "contains":
        return value in text
    return re.search(value, text) is not None


def _spellings(text: str) -> Iterator[tuple[str, str]]:
    yield text, "in the book"
    yield text.replace("_", "-"), "in the book"
    head = text.split(".", 1)[0]  # "openai.chat", "amazon-bedrock.converse": the SDK's product before the API's name
    yield head, f"read as {head!r}"


def _references(provider: str, response_model: str, request_model: str) -> list[tuple[str, str]]:
    named = [("response model", response_model), ("request model", request_model)]
    if provider == "aws" or _is_bedrock(request_model.strip().lower()):
        named.reverse()
    return [(origin, text.strip().lower()) for origin, text in named if 0 < len(text.strip()) <= NAME_LIMIT]


def _is_bedrock(text: str) -> bool:
    return ":bedrock:" in text or _BEDROCK_ID.match(text) is not None


def _is_opaque(text: str) -> bool:
    return ":application-inference-profile/" in text or ":provisioned-model/" in text


def _find_in(book: Book, provider: str, text: str, rule: str) -> Found | None:
    return _first_match(book, provider, text, rule) or _find_by_prefix(book, provider, text, rule)


def _find_by_prefix(book: Book, provider: str, text: str, rule: str) -> Found | None:
    """`anthropic/claude-opus-5`: the vendor in front of the model, as gateways and their clients write it."""
    prefix, _, rest = text.partition("/")
    vendor, _ = provider_named(book, prefix) if rest else ("", "")
    if not vendor or (vendor != provider and (prefix in OPEN_WEIGHT_PUBLISHERS or _is_anybodys(vendor, rest))):
        return None
    return _first_match(book, vendor, rest, f"{rule} names the vendor {prefix!r}:")


def _first_match(book: Book, provider: str, text: str, rule: str) -> Found | None:
    hits = (_match(book, provider, spelling, f"{rule} {spelling!r}") for spelling in model_spellings(text))
    return next(filter(None, hits), None)


def _match(book: Book, provider: str, text: str, rule: str) -> Found | None:
    """The first model that fits, in the provider's own list and then in those it resells (one step, no further)."""
    sellers = [provider, *book.providers[provider].get("fallbacks", ())]
    for seller in sellers:
        models, index = book.providers[seller]["models"], book.indexes[seller]
        last = index.exact.get(text, len(models))
        for position in (*(p for p in index.patterned if p < last), *range(last, len(models))[:1]):
            clause = matching_clause(models[position]["match"], text)
            if clause:
                resold = "" if seller == provider else f"; price taken from {seller!r}"
                return Found(provider, book.providers[seller], models[position], clause, rule + resold)
    return None


def model_spellings(text: str) -> Iterator[str]:
    """The lower-case model name and the other ways to write it, in the order in which they are tried."""
    yield text
    bare = text.rsplit("models/", 1)[-1]  # models/gemini-..., projects/.../publishers/anthropic/models/claude-...
    if ":bedrock:" in text:
        bare = text.rsplit("/", 1)[-1]
    versioned = bare.removesuffix("@default").replace("@", "-")
    for other in (bare, versioned, _COMPACT_DATE.sub(_dashed_date, versioned)):
        if other != text:
            yield other


def _dashed_date(match: re.Match[str]) -> str:
    year, month, day = (int(part) for part in match.groups())
    try:
        return f"-{date(year, month, day).isoformat()}"
    except ValueError:
        return match.group(0)


def _infer(book: Book, provider: str, text: str, rule: str) -> Found | None:
    """For a provider the book does not know: the one first-party provider whose models are called that."""
    name = provider.strip().lower()
    if name in SELF_HOSTED:
        return None
    is_anyone = not name or name in GATEWAYS
    if is_anyone and _is_bedrock(text) and (found := _first_match(book, "aws", text, f"{rule}; Bedrock id")):
        return found
    found = _find_by_prefix(book, "", text, f"{rule}; {text!r}")
    if found and (is_anyone or found.provider in CLOSED_WEIGHTS):
        return found
    owners = book.providers.keys() if is_anyone else CLOSED_WEIGHTS
    for spelling in model_spellings(text):
        hits = [hit for owner in owners if (hit := _first_party(book, owner, spelling, rule))]
        if hits:
            return hits[0] if len(hits) == 1 else None
    return None


def _first_party(book: Book, owner: str, text: str, rule: str) -> Found | None:
    if _is_anybodys(owner, text) or not matching_clause(book.providers[owner].get("model_match"), text):
        return None
    found = _match(book, owner, text, f"{rule}; only {owner!r} has a model {text!r}")
    return found if found and found.owner["id"] == owner else None


def _is_anybodys(maker: str, text: str) -> bool:
    return maker in CLOSED_WEIGHTS and _OPEN_MODEL.search(text) is not None
