"""Counts on whatever basis a tracer uses -> OpenTelemetry's inclusive totals and disjoint meters.

In OpenTelemetry `input_tokens` includes what was read from and written to the cache and `output_tokens` includes
reasoning (https://github.com/open-telemetry/semantic-conventions-genai, model/gen-ai/registry.yaml). Some tracers copy
the provider's own numbers instead. Which basis a span is on is decided by the dialect's rules first, then by arithmetic
that leaves no doubt; the rule that decided is recorded in `usage_basis`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spancost.model import FLAG, Bool, Coded, Int64, UInt32

BASES = (
    "",
    "inclusive",
    "exclusive:dialect",
    "exclusive:cache_exceeds_input",
    "exclusive:total",
    "inclusive+reasoning",
    "none",
    "zeros_are_unknown",
)
"""Values of `usage_basis`, in the order of their codes."""
_INCLUSIVE, _BY_DIALECT, _BY_CACHE, _BY_TOTAL, _REASONING, _NONE, _ZEROS = range(1, 8)


@dataclass(frozen=True, slots=True)
class Usage:
    """What calls used. int64[n] with -1 for unknown throughout."""

    tokens: dict[str, Int64]
    meters: dict[str, Int64]
    basis: Coded
    flags: UInt32


def resolve_usage(
    counts: dict[str, Int64], is_call: Bool, exclusive: Bool, without_reasoning: Bool, assumed: Bool
) -> Usage:
    """Make totals inclusive and cut them into disjoint meters.

    `counts` holds the columns as read (`input_tokens`, `cache_read_tokens`, ...). `exclusive` marks the spans whose
    dialect counts input without the cache, `without_reasoning` those whose output may lack reasoning, `assumed` those
    for which no rule speaks and the convention is taken on trust.
    """
    n = len(is_call)
    total_in, total_out = counts["input_tokens"].copy(), counts["output_tokens"].copy()
    flags = np.zeros(n, np.uint32)
    basis: Int64 = np.where(is_call, _INCLUSIVE, 0).astype(np.int64)
    empty = is_call & (total_in <= 0) & (total_out <= 0)
    zeros = empty & ((total_in == 0) | (total_out == 0))
    parts = {name: np.where(empty, -1, column) for name, column in counts.items()}
    total_in[empty], total_out[empty] = -1, -1
    basis[empty], basis[zeros] = _NONE, _ZEROS
    read, write = (np.maximum(parts[name], 0) for name in ("cache_read_tokens", "cache_write_tokens"))
    _widen_input(total_in, total_out, read + write, parts["total_tokens"], exclusive, basis)
    _widen_output(total_in, total_out, parts["total_tokens"], parts["reasoning_tokens"], without_reasoning, basis)
    total_in, total_out = (
        _with_extra(total_in, counts["extra_input_tokens"]),
        _with_extra(total_out, counts["extra_output_tokens"]),
    )
    doubtful = assumed & (read + write > 0) & (basis == _INCLUSIVE)
    flags[doubtful] |= FLAG["basis_assumed"]
    meters, meter_flags = _meters(total_in, total_out, parts)
    tokens = {name: parts[name] for name in parts if name in _STORED}
    tokens |= {"input_tokens": total_in, "output_tokens": total_out}
    return Usage(
        tokens, meters, Coded(np.where(basis > 0, basis, -1).astype(np.int32), list(BASES)), flags | meter_flags
    )


_STORED = {
    "cache_read_tokens",
    "cache_write_tokens",
    "cache_write_1h_tokens",
    "reasoning_tokens",
    "audio_input_tokens",
    "audio_output_tokens",
    "image_input_tokens",
    "image_output_tokens",
}


def _widen_input(total_in: Int64, total_out: Int64, cache: Int64, total: Int64, exclusive: Bool, basis: Int64) -> None:
    known = total_in >= 0
    by_dialect = known & exclusive
    by_cache = known & ~exclusive & (cache > total_in)
    sums = total_in + np.maximum(total_out, 0) + cache
    by_total = known & ~exclusive & ~by_cache & (cache > 0) & (total == sums)
    basis[by_dialect], basis[by_cache], basis[by_total] = _BY_DIALECT, _BY_CACHE, _BY_TOTAL
    add = by_dialect | by_cache | by_total
    total_in[add] += cache[add]


def _widen_output(
    total_in: Int64, total_out: Int64, total: Int64, reasoning: Int64, without_reasoning: Bool, basis: Int64
) -> None:
    """Where output lacks reasoning, what the total holds beyond input and output is that reasoning."""
    rest = total - total_in - total_out
    add = without_reasoning & (total_in >= 0) & (total_out >= 0) & (rest > 0)
    total_out[add] += rest[add]
    reasoning[add & (reasoning < 0)] = rest[add & (reasoning < 0)]
    basis[add] = _REASONING


def _with_extra(total: Int64, extra: Int64) -> Int64:
    return np.where((total >= 0) & (extra > 0), total + extra, total)


def _meters(total_in: Int64, total_out: Int64, parts: dict[str, Int64]) -> tuple[dict[str, Int64], UInt32]:
    known_in, known_out = total_in >= 0, total_out >= 0
    flags = np.zeros(len(total_in), np.uint32)
    write = np.maximum(parts["cache_write_tokens"], 0)
    hour = np.minimum(np.maximum(parts["cache_write_1h_tokens"], 0), write)
    untold = (write > 0) & (parts["cache_write_1h_tokens"] < 0) & (parts["cache_write_5m_tokens"] < 0)
    flags[untold] |= FLAG["ttl_assumed"]
    taken = {
        "cache_read": _part(parts["cache_read_tokens"], known_in),
        "cache_write_5m": _part(np.where(parts["cache_write_tokens"] >= 0, write - hour, -1), known_in),
        "cache_write_1h": _part(np.where(parts["cache_write_1h_tokens"] >= 0, hour, -1), known_in),
        "audio_cache_read": _part(parts["audio_cache_read_tokens"], known_in),
        "image_input": _part(parts["image_input_tokens"], known_in),
    }
    audio = np.maximum(parts["audio_input_tokens"], 0) - np.maximum(taken["audio_cache_read"], 0)
    taken["audio_input"] = _part(np.where(parts["audio_input_tokens"] >= 0, np.maximum(audio, 0), -1), known_in)
    taken["cache_read"] = np.where(
        taken["audio_cache_read"] > 0,
        np.maximum(taken["cache_read"] - taken["audio_cache_read"], 0),
        taken["cache_read"],
    )
    out_taken = {
        "audio_output": _part(parts["audio_output_tokens"], known_out),
        "image_output": _part(parts["image_output_tokens"], known_out),
    }
    plain_in = total_in - sum(np.maximum(count, 0) for count in taken.values())
    plain_out = total_out - sum(np.maximum(count, 0) for count in out_taken.values())
    flags[(known_in & (plain_in < 0)) | (known_out & (plain_out < 0))] |= FLAG["cache_over_input"]
    meters = {
        "input": np.where(known_in, np.maximum(plain_in, 0), -1),
        "output": np.where(known_out, np.maximum(plain_out, 0), -1),
    }
    return meters | taken | out_taken, flags


def _part(counts: Int64, known: Bool) -> Int64:
    return np.where(known, counts, -1)
