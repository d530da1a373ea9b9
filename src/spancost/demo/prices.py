"""What the demo's models cost, written down a second time so that the price book has something to agree with.

List prices in USD for a million tokens, standard tier, as published in November 2026:
https://platform.openai.com/docs/pricing, https://platform.claude.com/docs/en/about-claude/pricing (cache writes at five
minutes; prompts up to 200,000 tokens), https://ai.google.dev/gemini-api/docs/pricing (text).
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Context, Decimal

METERS = ("input", "cache_read", "cache_write", "output")
"""Disjoint: `input` is what was neither read from nor written to a cache."""

PRICES: dict[str, tuple[Decimal, Decimal, Decimal, Decimal]] = {
    "gpt-4o": (Decimal("2.50"), Decimal("1.25"), Decimal("0"), Decimal("10.00")),
    "gpt-4o-mini": (Decimal("0.15"), Decimal("0.075"), Decimal("0"), Decimal("0.60")),
    "gpt-4.1": (Decimal("2.00"), Decimal("0.50"), Decimal("0"), Decimal("8.00")),
    "text-embedding-3-small": (Decimal("0.02"), Decimal("0"), Decimal("0"), Decimal("0")),
    "claude-sonnet-4-5": (Decimal("3.00"), Decimal("0.30"), Decimal("3.75"), Decimal("15.00")),
    "claude-haiku-4-5": (Decimal("1.00"), Decimal("0.10"), Decimal("1.25"), Decimal("5.00")),
    "gemini-2.5-flash": (Decimal("0.30"), Decimal("0.03"), Decimal("0"), Decimal("2.50")),
}
"""Model -> price of each meter. A price of 0 stands for a meter that the model has not. Who is missing has no price."""


def cost(model: str, tokens: Sequence[int]) -> Decimal | None:
    """USD for `tokens` of each meter, exact; None for a model without a price."""
    rates = PRICES.get(model)
    if rates is None:
        return None
    products = [_EXACT.multiply(rate, Decimal(count)) for rate, count in zip(rates, tokens, strict=True)]
    return sum(products, Decimal(0)).scaleb(-6, _EXACT)


def exact(amount: Decimal) -> str:
    """An amount in plain digits, with no more of them than it needs."""
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


_EXACT = Context(prec=60)
