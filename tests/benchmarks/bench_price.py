"""CPU time of the pricing stage: batches of 8,192 calls, ten distinct keys, starts spread over two days.

python tests/benchmarks/bench_price.py
"""

from __future__ import annotations

import time

import numpy as np

from spancost.price.book import load_book
from spancost.price.engine import CallColumns, price_calls
from spancost.price.pricer import make_pricer
from spancost.price.resolve import CallKey

ROWS = 8192
ROUNDS = 200
KEYS = [
    CallKey("openai", "gpt-4o", "gpt-4o-2024-08-06"),
    CallKey("openai", "gpt-5", "gpt-5-2025-08-07", service_tier="default"),
    CallKey("openai", "gpt-6-astra"),
    CallKey("openai", "text-embedding-3-small"),
    CallKey("anthropic", "claude-sonnet-4-5", "claude-sonnet-4-5-20250929"),
    CallKey("anthropic", "claude-opus-4-6"),
    CallKey("aws.bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
    CallKey("gcp.gemini", "gemini-2.5-pro"),
    CallKey("deepseek", "deepseek-v4-pro"),
    CallKey("acme", "not-a-model"),
]


def batch(seed: int, rows: int = ROWS) -> CallColumns:
    """A batch like a day's traffic: mostly short inputs, some cached, a few above the long-context thresholds."""
    draw = np.random.default_rng(seed)
    total = draw.integers(1, 300_000, rows)
    cached, written = total // 3, total // 10
    return CallColumns(
        key=draw.integers(0, len(KEYS), rows).astype(np.int32),
        keys=KEYS,
        start_time=1_795_000_000_000_000_000 + draw.integers(0, 2 * 86_400 * 10**9, rows),
        usage={
            "input": total - cached - written,
            "cache_read": cached,
            "cache_write_5m": written,
            "cache_write_1h": np.zeros(rows, dtype=np.int64),
            "output": draw.integers(1, 4_000, rows),
            "audio_input": np.full(rows, -1, dtype=np.int64),
            "web_search": np.full(rows, -1, dtype=np.int64),
        },
        input_total=total,
        output_total=draw.integers(1, 4_000, rows),
        failed=np.zeros(rows, dtype=np.bool_),
        expects_output=np.ones(rows, dtype=np.bool_),
    )


def main() -> None:
    """Print load time and the cost of a row, the best and the median of many batches."""
    started = time.process_time()
    book = load_book()
    print(f"load the book: {1e3 * (time.process_time() - started):.1f} ms")
    pricer = make_pricer(book)
    batches = [batch(seed) for seed in range(8)]
    price_calls(pricer, batches[0])
    took = []
    for i in range(ROUNDS):
        started = time.process_time()
        price_calls(pricer, batches[i % len(batches)])
        took.append((time.process_time() - started) / ROWS)
    took.sort()
    print(f"price a call:  {1e6 * took[0]:.3f} us at best, {1e6 * took[ROUNDS // 2]:.3f} us in the median")
    print(f"               {1e-6 / took[ROUNDS // 2]:.2f} M rows/s")


if __name__ == "__main__":
    main()
