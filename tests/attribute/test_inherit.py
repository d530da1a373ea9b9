"""The vectors of `attribute.inherit` and `attribute.index` against the obvious loops."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from spancost.attribute.index import SortedRuns, mix
from spancost.attribute.inherit import cut_cycles, fold, inherit, nearest

QUICK = settings(max_examples=60, deadline=None, derandomize=True)


@st.composite
def forests(draw):
    """Parent positions without cycles, in any order, -1 for tops."""
    n = draw(st.integers(1, 40))
    above = [draw(st.integers(-1, at - 1)) for at in range(n)]
    place = draw(st.permutations(range(n)))
    up = np.full(n, -1, np.int32)
    for at, parent in enumerate(above):
        up[place[at]] = place[parent] if parent >= 0 else -1
    return up


def column(draw, n, lowest=-1):
    return np.array(draw(st.lists(st.integers(lowest, 3), min_size=n, max_size=n)), np.int32)


def chain(at, up):
    """A position and all above it, nearest first."""
    found = [at]
    while up[found[-1]] >= 0:
        found.append(int(up[found[-1]]))
    return found


@QUICK
@given(st.data())
def test_nearest_is_the_first_holder_on_the_way_up(data):
    """Where nobody holds, it is the top."""
    up = data.draw(forests())
    holds = column(data.draw, len(up), 0) > 1

    expected = [next((p for p in chain(at, up) if holds[p]), chain(at, up)[-1]) for at in range(len(up))]

    assert nearest(holds, up).tolist() == expected


@QUICK
@given(st.data())
def test_inherit_takes_the_nearest_value_above(data):
    """Where no span on the way up has one, what lies outside the top counts."""
    up = data.draw(forests())
    own, outside = column(data.draw, len(up)), column(data.draw, len(up))

    expected = [
        next((int(own[p]) for p in chain(at, up) if own[p] >= 0), int(outside[chain(at, up)[-1]]))
        for at in range(len(up))
    ]

    assert inherit(own, up, outside).tolist() == expected


@QUICK
@given(st.data())
def test_fold_combines_from_the_top_down(data):
    """Every holder adds its own value to the state from above; the others keep that state."""
    up = data.draw(forests())
    own, outside = column(data.draw, len(up), 0), column(data.draw, len(up))
    holds = column(data.draw, len(up), 0) > 1
    states = {}

    def combine(above, value):
        return states.setdefault((above, value), len(states) + 100)

    found = fold(holds, own, up, outside, combine).tolist()

    for at in range(len(up)):
        state = int(outside[chain(at, up)[-1]])
        for position in reversed(chain(at, up)):
            state = combine(state, int(own[position])) if holds[position] else state
        assert found[at] == state


@QUICK
@given(st.data())
def test_each_cycle_is_cut_once_at_its_smallest_identity(data):
    """Afterwards no span is its own ancestor, and nothing outside a cycle was cut."""
    n = data.draw(st.integers(1, 30))
    up = np.array(data.draw(st.lists(st.integers(-1, n - 1), min_size=n, max_size=n)), np.int32)
    identity = np.array(data.draw(st.permutations(range(n))), np.uint64)
    cycles = {frozenset(c) for at in range(n) if (c := cycle_from(at, up))}

    cuts = cut_cycles(up, identity).tolist()

    assert sorted(cuts) == sorted(min(cycle, key=lambda p: int(identity[p])) for cycle in cycles)


def cycle_from(at, up):
    """The positions of the cycle that a position lies on, none when it lies on none."""
    seen = [at]
    while up[seen[-1]] >= 0:
        following = int(up[seen[-1]])
        if following == at:
            return seen
        if following in seen:
            return []
        seen.append(following)
    return []


def test_a_long_chain_needs_no_recursion():
    """A hundred thousand spans in a line inherit from the first."""
    n = 100_000
    up = np.arange(-1, n - 1, dtype=np.int32)
    own = np.full(n, -1, np.int32)
    own[0] = 7

    assert (inherit(own, up, np.full(n, -1, np.int32)) == 7).all()


KEYS = st.integers(0, 20)


@QUICK
@given(st.lists(st.lists(KEYS, max_size=12), max_size=12), st.lists(KEYS, max_size=10))
def test_sorted_runs_find_all_is_that_of_a_dictionary_of_lists(batches, wanted):
    """Every slot under a key is found, whatever the batches in which they were added."""
    runs, expected, slot = SortedRuns(), {}, 0
    for keys in batches:
        slots = np.arange(slot, slot + len(keys), dtype=np.int32)
        runs.add(np.array(keys, np.uint64), slots)
        for key, number in zip(keys, slots.tolist(), strict=True):
            expected.setdefault(key, []).append(number)
        slot += len(keys)

    positions, found = runs.find_all(np.array(wanted, np.uint64))

    pairs = sorted(zip(positions.tolist(), found.tolist(), strict=True))
    assert pairs == sorted((at, number) for at, key in enumerate(wanted) for number in expected.get(key, []))
    assert len(runs) == slot


@QUICK
@given(st.lists(st.integers(0, 2**64 - 1), unique=True, max_size=60), st.integers(1, 9))
def test_sorted_runs_find_is_that_of_a_dictionary(keys, size):
    """Keys that were added have their slot, the others none."""
    runs = SortedRuns()
    for at in range(0, len(keys), size):
        part = keys[at : at + size]
        runs.add(np.array(part, np.uint64), np.arange(at, at + len(part), dtype=np.int32))

    assert runs.find(np.array(keys, np.uint64)).tolist() == list(range(len(keys)))
    absent = np.array([key ^ 1 for key in keys if key ^ 1 not in keys], np.uint64)
    assert (runs.find(absent) == -1).all()


def test_a_cleared_index_is_empty():
    """`clear` forgets every entry."""
    runs = SortedRuns()
    runs.add(np.array([5], np.uint64), np.array([1], np.int32))
    runs.clear()

    assert (len(runs), runs.find(np.array([5], np.uint64)).tolist()) == (0, [-1])


@QUICK
@given(st.lists(st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1)), min_size=1, unique=True))
def test_mixed_keys_depend_on_every_word_and_on_their_order(pairs):
    """Different pairs get different keys."""
    first, second = (np.array(words, np.uint64) for words in zip(*pairs, strict=True))

    assert len(np.unique(mix(first, second))) == len(pairs)
