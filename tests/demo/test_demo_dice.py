"""Draws that are the same everywhere, and as likely as they should be."""

from __future__ import annotations

import numpy as np

from spancost.demo.dice import Dice

_MANY = 20_000


def test_a_key_decides_the_draws() -> None:
    """The raw PCG64 stream of a key never changes: these numbers hold for every machine and version."""
    assert Dice(1, 2).below(1000, 5).tolist() == [448, 430, 419, 277, 821]
    assert Dice(1, 3).below(1000, 5).tolist() != Dice(1, 2).below(1000, 5).tolist()


def test_draws_stay_in_their_range() -> None:
    """`below` reaches every number under its limit and none above, for one limit or one for each draw."""
    assert set(Dice(1).below(7, _MANY).tolist()) == set(range(7))
    limits = np.arange(1, 101)
    assert (Dice(1).below(limits, 100) < limits).all()
    assert Dice(1).below(2**31 - 1, _MANY).max() > 2**30


def test_shares_are_kept() -> None:
    """A chance of 200 in a thousand comes true about that often, and weights decide what is picked."""
    assert 0.18 < Dice(1).chance(200, _MANY).mean() < 0.22
    assert not Dice(1).chance(0, _MANY).any()
    assert Dice(1).chance(1000, _MANY).all()
    picked = np.bincount(Dice(1).pick((1, 0, 3), _MANY)) / _MANY
    assert picked[1] == 0
    assert 0.22 < picked[0] < 0.28


def test_spread_is_long_tailed_around_its_base() -> None:
    """From a fifth to five times the base, half of it below, mean above the median."""
    drawn = Dice(1).spread(10_000, _MANY)
    assert 2_000 <= drawn.min() < drawn.max() < 50_000
    assert 9_000 < np.median(drawn) < 10_500 < drawn.mean() < 13_500


def test_octets_are_rows_of_bytes() -> None:
    """As many rows as asked for, and no two alike."""
    rows = Dice(1).octets(_MANY, 12)
    assert rows.shape == (_MANY, 12)
    assert len({row.tobytes() for row in rows}) == _MANY
