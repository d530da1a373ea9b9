"""Why spans are no calls, for the user who misses them."""

from ledger_by_hand import NOW, RecordingLedger, pipeline_over
from otlp_by_hand import CALL, agent, group, request_of, span
from spancost.tail import IS_STEP

SDK = "com.anthropic.sdk.python"


def _reasons(*groups):
    return dict(pipeline_over(RecordingLedger()).take([request_of(*groups)], 1, NOW).not_calls)


def test_spans_are_counted_by_service_scope_and_reason():
    """A step, a span of an unknown tracer and one that says too little are told apart; a call is not among them."""
    told = _reasons(
        group(
            span(1, agent("planner")), span(2, CALL), span(3), span(4, {"gen_ai.system": "openai"}), span(5),
            resource={"service.name": "shop"},
        ),
        group(span(6)),
    )  # fmt: skip

    assert told == {
        ("shop", "by-hand", IS_STEP): 1,
        ("shop", "by-hand", "carries no attribute of any known tracer"): 2,
        ("shop", "by-hand", "names no model operation and no usage"): 1,
        ("", "by-hand", "carries no attribute of any known tracer"): 1,
    }


def test_a_dialect_says_why_its_spans_are_no_calls():
    """The reason of `not_calls` is told for spans of that name and dialect, and for no others."""
    counted = span(1, {"gen_ai.operation.name": "chat"}, name="anthropic.messages.count_tokens")
    told = _reasons(group(counted, scope=SDK), group(span(2, name="anthropic.messages.count_tokens"), scope="other"))

    assert told == {
        ("", SDK, "token counting is free"): 1,
        ("", "other", "carries no attribute of any known tracer"): 1,
    }
