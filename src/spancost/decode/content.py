"""What is kept of message content: keyed hashes, lengths, and what a dialect's pattern takes out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import blake2b

from spancost.model import PREFIX_CHARS, Content, ContentRules


def reduce_content(key: str, text: str, role: str, rules: ContentRules, secret: bytes) -> Content:
    """Reduce the value `text` of a content attribute to a `Content`; the text itself goes no further.

    `secret` keys the hashes (https://docs.python.org/3/library/hashlib.html#blake2, `key`), so that nobody without it
    can test a guess at a prompt against the table.
    """
    whole = _hash64(key, text, secret)
    is_prompt = role == "input" and starts_prompt(key)
    is_longer = is_prompt and len(text) > PREFIX_CHARS
    prefix = _hash64(key, text[:PREFIX_CHARS], secret) if is_longer else whole
    return Content(
        hash=whole,
        prefix_hash=prefix if is_prompt else 0,
        chars=len(text),
        extracted=_extract(text, rules.patterns.get(key)),
    )


def starts_prompt(key: str) -> bool:
    """Whether the attribute is the start of a prompt: one that is not numbered, or is numbered 0."""
    number = next((part for part in key.split(".") if part.isdigit()), "0")
    return number == "0"


def _hash64(key: str, text: str, secret: bytes) -> int:
    digest = blake2b(f"{key}\0{text}".encode("utf-8", "replace"), digest_size=8, key=secret)
    return int.from_bytes(digest.digest(), "big") or 1


def _extract(text: str, patterns: Mapping[str, re.Pattern[str]] | None) -> Mapping[str, str]:
    if not patterns:
        return {}
    found = {name: pattern.search(text) for name, pattern in patterns.items()}
    return {name: match[1] for name, match in found.items() if match}
