"""The canonical fields: what a dialect says where to find."""

from __future__ import annotations

COUNTS = (
    "input_tokens", "output_tokens", "total_tokens", "cache_read_tokens", "cache_write_tokens", "cache_write_5m_tokens",
    "cache_write_1h_tokens", "reasoning_tokens", "audio_input_tokens", "audio_output_tokens", "audio_cache_read_tokens",
    "image_input_tokens", "image_output_tokens", "extra_input_tokens", "extra_output_tokens",
)  # fmt: skip
"""Token counts, read alike."""

TEXTS = ("service_tier", "finish_reason", "tool", "prompt_name", "prompt_version", "region", "response_id")
"""Texts that are taken as they come."""

FIELDS = frozenset(
    {
        *COUNTS, *TEXTS, "provider", "request_model", "response_model", "agent", "error", "attempts", "streaming",
        "time_to_first_chunk", "reported_cost", "reported_currency",
    }
)  # fmt: skip
"""All of them."""
