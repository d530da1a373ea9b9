"""Colours that belong to a name: a model or provider has the same one on every dashboard.

A hue a maker, a shade a model family; a later rule wins over an earlier one. A name without a rule gets the colour that
Grafana works out from the name, which is the same everywhere too, though it may come close to another's.
"""

from __future__ import annotations

from source.panels import Json

MODELS = (
    (r"^gpt-", "blue"),
    (r"^gpt-4o", "semi-dark-blue"),
    (r"^gpt-4o-mini", "light-blue"),
    (r"^gpt-4\.1", "super-light-blue"),
    (r"^gpt-5", "dark-blue"),
    (r"^o[1-9]", "#5794F2"),
    (r"embedding", "#6E9FBF"),
    (r"^claude", "orange"),
    (r"opus", "dark-orange"),
    (r"haiku", "light-orange"),
    (r"^gemini", "green"),
    (r"^gemini.*flash", "light-green"),
    (r"^gemini.*lite", "super-light-green"),
    (r"^(meta-)?llama", "purple"),
    (r"^(mistral|mixtral|codestral|magistral|ministral|devstral|pixtral)", "yellow"),
    (r"^deepseek", "dark-purple"),
    (r"^qwen", "light-purple"),
    (r"^grok", "red"),
    (r"^command", "light-red"),
    (r"nova|^titan", "dark-yellow"),
)
PROVIDERS = (
    (r"^openai$", "semi-dark-blue"),
    (r"^azure", "light-blue"),
    (r"^anthropic$", "orange"),
    (r"^gcp", "green"),
    (r"^aws", "dark-yellow"),
    (r"^mistral", "yellow"),
    (r"^deepseek$", "dark-purple"),
    (r"^(x_ai|xai)$", "red"),
    (r"^cohere$", "light-red"),
    (r"^groq$", "dark-red"),
)
_REST = {"other": "#8E8E8E", "(not set)": "#6E6E6E"}


def colours(dimension: str) -> list[Json]:
    """The overrides for a chart by that dimension."""
    rules = {"model": MODELS, "provider": PROVIDERS}.get(dimension, ())
    named = [_coloured("byRegexp", f"/{pattern}/", colour) for pattern, colour in rules]
    return named + [_coloured("byName", name, colour) for name, colour in _REST.items()]


def palette(dimension: str) -> str:
    """Grafana's colour mode for names without a rule. Teams and agents are told apart better by their place."""
    return "palette-classic-by-name" if dimension in ("model", "provider") else "palette-classic"


def _coloured(matcher: str, name: str, colour: str) -> Json:
    value = {"mode": "fixed", "fixedColor": colour}
    return {"matcher": {"id": matcher, "options": name}, "properties": [{"id": "color", "value": value}]}
