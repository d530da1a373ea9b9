"""Nothing that reads like a message reaches `attributes` or `tags`, whoever sent it and under whatever name."""

import pytest
import yaml

from ledger_by_hand import rows_of
from otlp_by_hand import CALL, request, span

SECRET = "s3cret"


def _row(attributes):
    return rows_of(request(span(1, CALL | attributes))).span(1)


def _named_in_content(root):
    """Every name of `content.yaml`, with something in place of its `*`."""
    data = yaml.safe_load((root / "conventions" / "content.yaml").read_text())
    names = [name for role in ("input", "output", "arguments") for name in data["content"][role]]
    return [name.replace("*", "x") for name in [*names, *data["drop"]]]


def test_no_content_key_keeps_its_text(root):
    """A single word under any of the names of `content.yaml` is nowhere in the row."""
    row = _row(dict.fromkeys(_named_in_content(root), SECRET))

    assert SECRET not in str(row)
    assert row["prompt_chars"] is not None


@pytest.mark.parametrize(
    "value",
    [
        "a word and another",
        "line\nline",
        "x" * 257,
        '{"role":"user"}',
        '["a"]',
        ["one", "more words"],
        {"a": "b"},
        [{"a": "b"}],
    ],
)
def test_words_under_an_unknown_name_are_left_out(value):
    """White space, structure and length tell a message from a label."""
    assert _row({"acme.anything": value})["attributes"] == []


@pytest.mark.parametrize(
    ("value", "kept"),
    [("calm", "calm"), (7, "7"), (True, "true"), ("x" * 256, "x" * 256), (["a", "b"], "['a', 'b']"), (0.5, "0.5")],
)
def test_labels_stay_readable(value, kept):
    """Single words, numbers and lists of them are what reports group by."""
    assert _row({"acme.anything": value})["attributes"] == [("acme.anything", kept)]


@pytest.mark.parametrize(
    ("value", "tags"),
    [
        ("gold tier", [("tier", "gold tier")]),
        ("x" * 64, [("tier", "x" * 64)]),
        ("x" * 65, []),
        ("two\nlines", []),
        ("", []),
    ],
)
def test_a_tag_is_a_short_line(value, tags):
    """What is longer than a name or has several lines is no tag, and no attribute either."""
    row = _row({"tag.tier": value})

    assert row["tags"] == tags
    assert row["attributes"] == []
