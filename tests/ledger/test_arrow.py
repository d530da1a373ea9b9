"""NumPy columns become Arrow columns without losing a digit."""

from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spancost.ledger.arrow import counts, ids, labels, maps, money, span_ids_or_blank, strings
from spancost.model import Coded, hex_ids

QUICK = settings(max_examples=100, deadline=None, derandomize=True)


@QUICK
@given(st.lists(st.tuples(st.integers(-(10**18) + 1, 10**18 - 1), st.booleans()), max_size=9))
def test_money_is_exact(amounts):
    """Every integer number of 1e-12 USD that the column holds, negative ones included; unknown is NULL."""
    column = np.array([amount for amount, _ in amounts], np.int64)
    known = np.array([told for _, told in amounts], np.bool_)

    found = money(column, known)
    found.validate(full=True)

    assert found.to_pylist() == [Decimal(a).scaleb(-12) if told else None for a, told in amounts]


@pytest.mark.parametrize("amount", [0, 1, -1, 10**18 - 1, -(10**18) + 1, 2**59, -(2**59)])
def test_money_keeps_the_edges(amount):
    """The sign reaches the upper half of the decimal."""
    assert money(np.array([amount]), np.array([True])).to_pylist() == [Decimal(amount).scaleb(-12)]


@QUICK
@given(st.lists(st.integers(0, 2**64 - 1), max_size=9))
def test_ids_are_lower_case_hex(words):
    """One word gives 16 digits, two give 32; a span id of 0 is none."""
    column = np.array(words, np.uint64)

    assert ids(column).to_pylist() == [f"{word:016x}" for word in words]
    assert ids(column, column).to_pylist() == [f"{word:016x}" * 2 for word in words]
    assert span_ids_or_blank(column).to_pylist() == [f"{word:016x}" if word else "" for word in words]
    assert [text.decode() for text in hex_ids((column,)).tolist()] == [f"{word:016x}" for word in words]


@QUICK
@given(st.lists(st.integers(-1, 4), max_size=12), st.permutations(["a", "b", "", "a", "ü\0"]))
def test_coded_columns_are_their_texts(codes, values):
    """As a dictionary with each text once, and as plain strings; -1 is ''."""
    column = Coded(np.array(codes, np.int32), values)

    assert labels(column).to_pylist() == strings(column).to_pylist() == column.texts()
    names = labels(column).dictionary.to_pylist()
    assert len(names) == len(set(names))


def test_unknown_counts_are_null():
    """And 0 is 0."""
    assert counts(np.array([-1, 0, 5])).to_pylist() == [None, 0, 5]


@QUICK
@given(st.lists(st.dictionaries(st.sampled_from("abcde"), st.integers(0, 9), max_size=5), max_size=6), st.randoms())
def test_maps_stand_in_the_order_of_their_names(rows, dice):
    """Whatever the order of the entries."""
    names = list("ebdac")
    entries = [(at, names.index(key), value) for at, row in enumerate(rows) for key, value in row.items()]
    dice.shuffle(entries)
    columns = [np.array([entry[i] for entry in entries], kind) for i, kind in enumerate((np.int64, np.int32, np.int64))]

    found = maps(columns[0], columns[1], names, pa.array(columns[2]), len(rows))

    assert found.to_pylist() == [sorted(row.items()) for row in rows]
