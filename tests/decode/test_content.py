"""Message content does not survive decoding; keyed hashes of it do."""

import dataclasses

import numpy as np
import pytest

from ledger_by_hand import RecordingLedger, finish, pipeline_over, rows_of, shipped_conventions
from otlp_by_hand import CALL, agent, request, span
from spancost.decode.otlp import decode
from spancost.model import PREFIX_CHARS
from spancost.normalise.stage import normalise

MARKER = "the-secret-marker"
CONTENT_KEYS = sorted(
    {key for key, role in shipped_conventions().content.roles.items() if role}
    | {f"{prefix}0.content" for prefix, _ in shipped_conventions().content.prefixes}
)
SHAPES = {
    "text": MARKER,
    "long text": MARKER * 1000,
    "list": [MARKER, [MARKER]],
    "map": {MARKER: {MARKER: MARKER}},
    "bytes": MARKER.encode(),
}


def decoded(*spans, secret=b"secret"):
    return decode([request(*spans)], shipped_conventions().content, secret)


def everything_in(thing):
    """The text of all that a batch holds."""
    if dataclasses.is_dataclass(thing):
        return " ".join(everything_in(getattr(thing, f.name)) for f in dataclasses.fields(thing))
    if isinstance(thing, dict):
        return " ".join(everything_in(part) for item in thing.items() for part in item)
    if isinstance(thing, list | tuple):
        return " ".join(everything_in(item) for item in thing)
    return repr(thing.tolist() if isinstance(thing, np.ndarray) else thing)


@pytest.mark.parametrize("shape", SHAPES)
def test_content_is_nowhere_in_a_decoded_batch(shape):
    """Every attribute that the conventions call content is gone, whatever its type; only numbers stay of it."""
    spans = decoded(span(1, CALL | dict.fromkeys(CONTENT_KEYS, SHAPES[shape])))

    assert MARKER not in everything_in(spans)
    assert MARKER.encode().hex() not in everything_in(spans)


def test_content_is_nowhere_in_a_row():
    """Neither in the columns nor in the attributes that are left."""
    said = CALL | dict.fromkeys(CONTENT_KEYS, MARKER) | {"custom.json": f'{{"messages": "{MARKER}"}}'}
    ledger = rows_of(request(span(1, said), span(2, agent("a") | {key: [MARKER] for key in CONTENT_KEYS})))

    assert MARKER not in repr(ledger.rows)


def test_content_is_nowhere_in_a_request_with_a_damaged_neighbour():
    """The slower way through the decoder keeps no more than the fast one."""
    body = request(span(1, CALL | dict.fromkeys(CONTENT_KEYS, MARKER))) + b"\x0a\x06\x12\x04\x12\x02\x0a\x10"

    spans = decode([body], shipped_conventions().content, b"secret")

    assert len(spans) == 1
    assert MARKER not in everything_in(spans)


def hashes(attributes, secret=b"secret"):
    """Hashes of one span."""
    batch = normalise(decoded(span(1, CALL | attributes), secret=secret), shipped_conventions())
    return {name: int(column[0]) for name, column in batch.hashes.items()}


PROMPT = {"gen_ai.input.messages": '[{"role": "user"}]', "gen_ai.system_instructions": "be brief"}


def test_equal_prompts_have_equal_hashes_in_any_order_of_attributes():
    """The order in which attributes are sent is no part of a prompt."""
    assert hashes(PROMPT) == hashes(dict(reversed(PROMPT.items())))
    assert hashes(PROMPT)["prompt_hash"] != 0


def test_different_prompts_have_different_hashes():
    """A character more, the same text under another attribute, or an answer in its place."""
    changed = PROMPT | {"gen_ai.system_instructions": "be brief!"}
    swapped = dict(zip(PROMPT, reversed(PROMPT.values()), strict=True))

    assert len({hashes(prompt)["prompt_hash"] for prompt in (PROMPT, changed, swapped, {})}) == 4


def test_hashes_are_keyed():
    """Without the secret nobody can test a guess at a prompt."""
    arguments = {"gen_ai.tool.call.arguments": '{"q": 1}'}
    one, other = (hashes(PROMPT | arguments, secret) for secret in (b"one", b"other"))

    assert all(one[name] != other[name] and one[name] for name in ("prompt_hash", "prefix_hash", "args_hash"))


def test_a_prefix_hash_is_that_of_the_start_of_the_prompt():
    """Prompts that differ only after the cacheable prefix share it."""
    start = "s" * PREFIX_CHARS
    one, other = (hashes({"gen_ai.input.messages": start + end}) for end in ("a", "b"))

    assert one["prefix_hash"] == other["prefix_hash"]
    assert one["prompt_hash"] != other["prompt_hash"]


def test_answers_are_no_part_of_the_prompt():
    """Output content is dropped without a trace in the hashes."""
    assert hashes(PROMPT | {"gen_ai.output.messages": "anything"}) == hashes(PROMPT)


def test_the_length_of_a_prompt_is_known_and_that_of_no_prompt_is_not():
    """A prompt that was not sent has no length of 0."""
    ledger = RecordingLedger()
    pipeline = pipeline_over(ledger)
    pipeline.take([request(span(1, CALL | {"gen_ai.input.messages": "12345"}), span(2, CALL))], 1, 0)
    finish(pipeline, 10**9)

    assert [ledger.span(n)["prompt_chars"] for n in (1, 2)] == [5, None]
    assert [ledger.span(n)["prompt_hash"] is None for n in (1, 2)] == [False, True]
