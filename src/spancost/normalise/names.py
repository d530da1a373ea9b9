"""Provider and model in OpenTelemetry's own spelling."""

from __future__ import annotations

import numpy as np

from spancost.model import Coded, Int32
from spancost.normalise.dialects import Conventions


def canonical_providers(found: Coded, model: Coded, conventions: Conventions) -> Coded:
    """The provider as OpenTelemetry spells it; where none is told, the maker that the model's name gives away.

    `openai.chat` and `anthropic.messages` lose what follows the dot; frameworks are no providers.
    """
    table: dict[str, int] = {}
    told = _lut([_provider(name, conventions) for name in found.values], table)
    guess = _lut([_maker(name, conventions) for name in model.values], table)
    codes = np.where(found.codes >= 0, told[found.codes], -1)
    codes = np.where((codes < 0) & (model.codes >= 0), guess[model.codes], codes)
    return Coded(codes.astype(np.int32), list(table))


def canonical_models(response: Coded, request: Coded) -> Coded:
    """The model that answered, else the one asked for, without a vendor's prefix (`openai/gpt-4o` -> `gpt-4o`)."""
    table: dict[str, int] = {}
    answered = _lut([_bare(name) for name in response.values], table)
    asked = _lut([_bare(name) for name in request.values], table)
    codes = np.where(response.codes >= 0, answered[response.codes], -1)
    codes = np.where((codes < 0) & (request.codes >= 0), asked[request.codes], codes)
    return Coded(codes.astype(np.int32), list(table))


def _lut(names: list[str], table: dict[str, int]) -> Int32:
    """Codes by position; one more at the end, so that the code -1 finds -1."""
    return np.array([*(table.setdefault(name, len(table)) if name else -1 for name in names), -1], np.int32)


def _provider(name: str, conventions: Conventions) -> str:
    lower = name.strip().lower()
    if lower in conventions.not_providers:
        return ""
    known = conventions.providers.get(lower)
    if known:
        return known
    if lower in _WITH_DOTS:
        return lower
    parts = lower.split(".")
    prefixes = (".".join(parts[:length]) for length in range(len(parts) - 1, 0, -1))
    known = next((p for prefix in prefixes if (p := conventions.providers.get(prefix))), "")
    return known or (lower if parts[0] in _FAMILIES else parts[0])


_FAMILIES = ("aws", "azure", "gcp", "ibm")
_WITH_DOTS = frozenset(
    {
        "aws.bedrock", "azure.ai.openai", "azure.ai.inference", "gcp.gemini", "gcp.vertex_ai", "ibm.watsonx.ai",
    }
)  # fmt: skip


def _maker(model: str, conventions: Conventions) -> str:
    bare = _bare(model).lower()
    return next((maker for prefix, maker in conventions.model_prefixes if bare.startswith(prefix)), "")


def _bare(model: str) -> str:
    return model.removeprefix("models/").rsplit("/", 1)[-1].strip()
