"""Exact money: 1e-15 USD (femto) inside, one rounding to 1e-12 USD (pico), and parts that add up to their total."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Context, Decimal
from fractions import Fraction

FEMTO_PER_USD = 10**15
PICO_PER_USD = 10**12
FEMTO_PER_PICO = 1000

#: A cost column is Decimal64(12): 18 digits, so less than a million dollars for one call.
PICO_LIMIT = 10**18

_WIDE = Context(prec=34)


def round_half_even(value: Fraction) -> int:
    """The nearest integer; a tie goes to the even one."""
    return round(value)


def total_and_parts(amounts: Sequence[Fraction]) -> tuple[int, list[int]]:
    """Amounts in femto-USD become a total and parts in pico-USD, rounded once; the parts add up to the total.

    Each part is first cut down; what is left goes, one pico each, to the largest remainders, the earlier one first.
    """
    total = round_half_even(sum(amounts, Fraction(0)) / FEMTO_PER_PICO)
    parts = [int(amount // FEMTO_PER_PICO) for amount in amounts]
    left = total - sum(parts)
    by_remainder = sorted(range(len(amounts)), key=lambda i: -(amounts[i] % FEMTO_PER_PICO))
    for i in by_remainder[:left]:
        parts[i] += 1
    return total, parts


def usd_from_pico(pico: int) -> Decimal:
    """Pico-USD as an exact Decimal in USD with twelve places."""
    return Decimal(pico).scaleb(-12, _WIDE)


def quoted_usd(femto_per_unit: Fraction, per: int) -> Decimal:
    """A unit price as people quote it: USD for `per` units. Exact where that has an end, as every published price does;
    else to 34 digits. For showing: amounts are computed from the fraction.
    """
    usd = femto_per_unit * per / FEMTO_PER_USD
    return _WIDE.normalize(_WIDE.divide(Decimal(usd.numerator), Decimal(usd.denominator)))


def plain(value: Decimal) -> str:
    """A decimal string without an exponent and without trailing zeros."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
