"""Counts on every basis that tracers use become inclusive totals and disjoint meters."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spancost.model import FLAGS
from spancost.normalise.usage import resolve_usage

NAMES = {
    "in": "input_tokens",
    "out": "output_tokens",
    "total": "total_tokens",
    "read": "cache_read_tokens",
    "write": "cache_write_tokens",
    "write_5m": "cache_write_5m_tokens",
    "write_1h": "cache_write_1h_tokens",
    "reasoning": "reasoning_tokens",
    "audio_in": "audio_input_tokens",
    "audio_out": "audio_output_tokens",
    "audio_read": "audio_cache_read_tokens",
    "image_in": "image_input_tokens",
    "image_out": "image_output_tokens",
    "extra_in": "extra_input_tokens",
    "extra_out": "extra_output_tokens",
}


def resolved(*, exclusive=False, without_reasoning=False, assumed=False, call=True, **counts):
    """(input, output, meters above zero, basis, flags) of one span; counts that are not given are unknown."""
    columns = {NAMES[name]: np.array([counts.get(name, -1)], np.int64) for name in NAMES}
    masks = (np.array([told], np.bool_) for told in (call, exclusive, without_reasoning, assumed))
    usage = resolve_usage(columns, *masks)
    tokens = {name: int(column[0]) for name, column in usage.tokens.items()}
    meters = {name: int(column[0]) for name, column in usage.meters.items() if column[0] > 0}
    flags = [name for bit, name in enumerate(FLAGS) if int(usage.flags[0]) >> bit & 1]
    return tokens["input_tokens"], tokens["output_tokens"], meters, usage.basis.texts()[0], flags


TABLE = {
    "plain": ({"in": 1000, "out": 300}, 1000, 300, {"input": 1000, "output": 300}, "inclusive"),
    "cache inside the input": (
        {"in": 1000, "out": 300, "read": 400},
        1000, 300, {"input": 600, "cache_read": 400, "output": 300}, "inclusive",
    ),
    "cache beside the input, as the dialect says": (
        {"in": 600, "out": 300, "read": 400, "write": 200, "exclusive": True},
        1200, 300, {"input": 600, "cache_read": 400, "cache_write_5m": 200, "output": 300}, "exclusive:dialect",
    ),
    "cache larger than the input": (
        {"in": 10, "out": 300, "read": 400},
        410, 300, {"input": 10, "cache_read": 400, "output": 300}, "exclusive:cache_exceeds_input",
    ),
    "cache that only the total reveals": (
        {"in": 600, "out": 300, "read": 400, "total": 1300},
        1000, 300, {"input": 600, "cache_read": 400, "output": 300}, "exclusive:total",
    ),
    "a total that includes the cache": (
        {"in": 1000, "out": 300, "read": 400, "total": 1300},
        1000, 300, {"input": 600, "cache_read": 400, "output": 300}, "inclusive",
    ),
    "all of the input from the cache": (
        {"in": 400, "out": 1, "read": 400}, 400, 1, {"cache_read": 400, "output": 1}, "inclusive",
    ),
    "lifetimes of cache writes": (
        {"in": 1200, "out": 1, "write": 200, "write_5m": 150, "write_1h": 50},
        1200, 1, {"input": 1000, "cache_write_5m": 150, "cache_write_1h": 50, "output": 1}, "inclusive",
    ),
    "an hour's writes above all writes": (
        {"in": 1200, "out": 1, "write": 200, "write_1h": 900},
        1200, 1, {"input": 1000, "cache_write_1h": 200, "output": 1}, "inclusive",
    ),
    "audio": (
        {"in": 100, "out": 50, "audio_in": 40, "audio_out": 20},
        100, 50, {"input": 60, "audio_input": 40, "output": 30, "audio_output": 20}, "inclusive",
    ),
    "cached audio": (
        {"in": 100, "out": 1, "read": 30, "audio_in": 40, "audio_read": 10},
        100, 1, {"input": 40, "cache_read": 20, "audio_input": 30, "audio_cache_read": 10, "output": 1}, "inclusive",
    ),
    "images": (
        {"in": 100, "out": 50, "image_in": 40, "image_out": 50},
        100, 50, {"input": 60, "image_input": 40, "image_output": 50}, "inclusive",
    ),
    "reasoning inside the output": (
        {"in": 10, "out": 300, "reasoning": 120}, 10, 300, {"input": 10, "output": 300}, "inclusive",
    ),
    "reasoning that only the total reveals": (
        {"in": 10, "out": 180, "total": 310, "without_reasoning": True},
        10, 300, {"input": 10, "output": 300}, "inclusive+reasoning",
    ),
    "compaction on top": (
        {"in": 10, "out": 20, "extra_in": 5, "extra_out": 7}, 15, 27, {"input": 15, "output": 27}, "inclusive",
    ),
    "input alone": ({"in": 50}, 50, -1, {"input": 50}, "inclusive"),
    "an output of nothing": ({"in": 50, "out": 0}, 50, 0, {"input": 50}, "inclusive"),
    "nothing": ({}, -1, -1, {}, "none"),
    "zeros are no counts": ({"in": 0, "out": 0, "read": 0}, -1, -1, {}, "zeros_are_unknown"),
}  # fmt: skip


@pytest.mark.parametrize("case", TABLE)
def test_usage_is_cut_into_disjoint_meters(case):
    """Totals count everything once, and no token is under two meters."""
    given_counts, *expected = TABLE[case]

    assert list(resolved(**given_counts)[:4]) == expected


def test_what_is_assumed_is_flagged():
    """A basis that no rule knows, a lifetime that nobody told, parts that exceed their total."""
    assert resolved(**{"in": 1000}, out=1, read=5, assumed=True)[4] == ["basis_assumed"]
    assert resolved(**{"in": 1000}, out=1, write=5)[4] == ["ttl_assumed"]
    assert resolved(**{"in": 10}, out=1, audio_in=50)[4] == ["cache_over_input"]
    assert resolved(**{"in": 1000}, out=1, read=5)[4] == []


COUNT = st.integers(-1, 2000)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.fixed_dictionaries({name: COUNT for name in NAMES}), st.booleans(), st.booleans())
def test_input_meters_add_up_to_the_input_unless_flagged(counts, exclusive, without_reasoning):
    """For any counts at all: nothing is lost, nothing is counted twice, and nothing is negative."""
    total_in, total_out, meters, _, flags = resolved(exclusive=exclusive, without_reasoning=without_reasoning, **counts)

    outputs = {"output", "audio_output", "image_output"}
    sum_in = sum(count for name, count in meters.items() if name not in outputs)
    sum_out = sum(count for name, count in meters.items() if name in outputs)
    if "cache_over_input" not in flags:
        assert (sum_in, sum_out) == (max(total_in, 0), max(total_out, 0))
    assert sum_in >= max(total_in, 0)
    assert sum_out >= max(total_out, 0)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.lists(st.fixed_dictionaries({name: COUNT for name in NAMES}), min_size=1, max_size=8))
def test_spans_do_not_influence_each_other(spans):
    """A batch says of each span what the span alone says."""
    n = len(spans)
    columns = {NAMES[name]: np.array([counts[name] for counts in spans], np.int64) for name in NAMES}
    usage = resolve_usage(columns, np.ones(n, np.bool_), *(np.zeros(n, np.bool_) for _ in range(3)))

    for row, counts in enumerate(spans):
        alone = {name: int(column[row]) for name, column in usage.meters.items() if column[row] > 0}
        assert alone == resolved(**counts)[2]
