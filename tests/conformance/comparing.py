"""Rows of the ledger against the truth of a capture (see tests/fixtures/telemetry/README.md)."""

COUNTS = {
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "cache_read": "cache_read_tokens",
    "cache_write": "cache_write_tokens",
    "cache_write_1h": "cache_write_1h_tokens",
    "reasoning": "reasoning_tokens",
    "audio_in": "audio_input_tokens",
    "audio_out": "audio_output_tokens",
}
"""Name in truth.json -> column of the ledger."""


def compare(rows, truth):
    """What differs, one sentence each; nothing when every call is billed exactly once with what is known of it.

    `rows` are dicts with the ledger's columns, '' for text and None for numbers that are not known.
    """
    by_span = {row["span_id"]: row for row in rows}
    differences = [] if len(by_span) == len(rows) else ["a span has more than one row"]
    for call in truth["calls"]:
        differences += [f"call {call['call']}: {text}" for text in _call(call, by_span)]
    differences += _never_billed(truth, by_span)
    return differences


def _call(call, by_span):
    missing = [span for span in call["span_ids"] if span not in by_span]
    rows = [by_span[span] for span in call["span_ids"] if span in by_span]
    billed = [row for row in rows if row["billing_role"] == "call"]
    yield from (f"span {span} has no row" for span in missing)
    if len(billed) != 1:
        yield f"billed {len(billed)} times"
        return
    yield from _duplicates(rows, billed[0])
    yield from _identity(call, billed[0])
    yield from _usage(call, billed[0])


def _duplicates(rows, billed):
    for row in rows:
        same_trace = row["trace_id"] == billed["trace_id"]
        of = billed["span_id"] if same_trace else f"{billed['trace_id']}:{billed['span_id']}"
        found = (row["billing_role"], row["duplicate_of"])
        if row is not billed and found != ("duplicate", of):
            yield f"span {row['span_id']} is {found}, not a duplicate of {of}"


def _identity(call, row):
    for column in ("provider", "request_model", "response_model"):
        if row[column] != (call[column] or ""):
            yield f"{column} is {row[column]!r}, not {call[column]!r}"
    if call["agent"] and row["agent"] != call["agent"]:
        yield f"agent is {row['agent']!r}, not {call['agent']!r}"


def _usage(call, row):
    known = call.get("recoverable_attrs", call["recoverable"])
    for name, column in COUNTS.items():
        if row.get(column) != known[name]:
            yield f"{column} is {row[column]}, not {known[name]}"
    if call["status"] != "ok" and (row["cost_status"], row["cost"]) != ("unpriced", None):
        yield f"{call['status']}, but {row['cost_status']} with cost {row['cost']}"


def _never_billed(truth, by_span):
    for span in truth["aggregate_spans"]:
        role = by_span[span]["billing_role"] if span in by_span else "absent"
        if role not in ("aggregate", "step"):
            yield f"span {span} repeats totals, but is {role}"
    for span in truth["not_calls"]:
        role = by_span[span]["billing_role"] if span in by_span else "absent"
        if role in ("call", "duplicate"):
            yield f"span {span} is no call, but is {role}"
