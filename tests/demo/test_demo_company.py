"""The month looks like one company's, and its spans like those of real tracers."""

from __future__ import annotations

from collections import Counter, defaultdict

from demo_months import UNTIL, Month, Seen

from spancost.demo.encode import SPANS_A_REQUEST

_DAY = 86_400_000_000_000


def test_the_company_has_its_size(month: Month) -> None:
    """6 teams, 12 agents, 30 features, 200 customers, two environments."""
    assert len({seen.resource["team.id"] for seen in month.spans}) == 6
    assert len({_agent(seen) for seen in month.spans if _agent(seen)}) == 12
    assert len({seen.attributes["app.feature"] for seen in _roots(month)}) == 30
    assert len({seen.attributes.get("app.customer.id") for seen in _roots(month)} - {None}) == 200
    assert {_environment(seen) for seen in month.spans} == {"production", "staging"}


def test_a_fifth_is_staging(month: Month) -> None:
    """About 20 % of the calls are staging's, and none of them serves a customer."""
    staging = [seen for seen in month.calls if _environment(seen) == "staging"]
    assert 0.17 < len(staging) / len(month.calls) < 0.23
    assert not any("app.customer.id" in seen.attributes for seen in _roots(month) if _environment(seen) == "staging")


def test_a_task_takes_3_to_30_calls(month: Month) -> None:
    """Every trace has 3 to 30 calls, but for the storm's and the runaway's."""
    special = {
        bytes.fromhex(trace)
        for incident in month.manifest["incidents"]
        if incident["kind"] in ("retry_storm", "runaway_agent")
        for trace in incident["trace_ids"]
    }
    sizes = Counter(seen.span.trace_id for seen in month.calls)
    usual = [size for trace, size in sizes.items() if trace not in special]
    assert (min(usual), max(usual)) == (3, 30)
    assert len(month.calls) == 12_000
    assert 1.3 < len(month.spans) / len(month.calls) < 1.6


def test_ids_are_valid_and_unique_and_every_parent_exists(month: Month) -> None:
    """One root a trace, every other span inside a span of its own trace."""
    by_id = {seen.id: seen for seen in month.spans}
    assert len(by_id) == len(month.spans)
    assert all(any(trace) and any(span) and (len(trace), len(span)) == (16, 8) for trace, span in by_id)
    for seen in month.spans:
        if seen.span.parent_span_id:
            parent = by_id[seen.span.trace_id, seen.span.parent_span_id].span
            assert parent.start_time_unix_nano <= seen.span.start_time_unix_nano
            assert seen.span.end_time_unix_nano <= parent.end_time_unix_nano
    assert len(_roots(month)) == len({seen.span.trace_id for seen in month.spans})


def test_times_lie_in_the_month(month: Month) -> None:
    """Every span lies between the first midnight and `until`, and ends after it starts."""
    first, last = month.plan.days[0].start_ns, int(UNTIL.timestamp()) * 1_000_000_000
    for seen in month.spans:
        assert first <= seen.span.start_time_unix_nano < seen.span.end_time_unix_nano < last


def test_requests_come_as_an_exporter_sends_them(month: Month) -> None:
    """Day after day, in each scope by end, children no later than parents, and some traces cut by requests."""
    sent_in = {seen.id: seen.request for seen in month.spans}
    scopes, days, cut = defaultdict(list), defaultdict(set), 0
    for seen in month.spans:
        scopes[seen.request, seen.resource["service.name"], _environment(seen), seen.scope].append(seen.span)
        days[seen.request].add(seen.span.start_time_unix_nano // _DAY)
        if seen.span.parent_span_id:
            parent = sent_in[seen.span.trace_id, seen.span.parent_span_id]
            assert seen.request <= parent
            cut += seen.request < parent
    assert cut
    for spans in scopes.values():
        assert [span.end_time_unix_nano for span in spans] == sorted(span.end_time_unix_nano for span in spans)
    first_days = [min(days[request]) for request in sorted(days)]
    assert first_days == sorted(first_days)
    assert max(Counter(sent_in.values()).values()) == SPANS_A_REQUEST


def test_response_ids_are_never_used_twice(month: Month) -> None:
    """Every answer has an id of its own; failed calls and the tracer that tells none have no id."""
    ids = [seen.attributes["gen_ai.response.id"] for seen in month.calls if "gen_ai.response.id" in seen.attributes]
    assert len(ids) == len(set(ids))
    failed = [seen for seen in month.calls if seen.span.status.code == _ERROR]
    assert failed
    assert not any("gen_ai.response.id" in seen.attributes for seen in failed)
    assert not any(key.startswith("gen_ai.usage") for seen in failed for key in seen.attributes)


def test_three_tracer_families_take_part(month: Month) -> None:
    """The scopes are those of real instrumentations, and one of the application's own."""
    assert {seen.scope for seen in month.calls} == {
        "opentelemetry.instrumentation.genai.openai",
        "opentelemetry.instrumentation.genai.anthropic",
        "opentelemetry.instrumentation.google_genai",
        "openinference.instrumentation.openai",
        "ai",
    }


def test_loops_and_retries_show(month: Month) -> None:
    """A looping run asks a tool the same thing again; a failed call is followed by the same request."""
    asked = Counter(
        (seen.span.trace_id, seen.attributes["gen_ai.tool.call.arguments"])
        for seen in month.spans
        if "gen_ai.tool.call.arguments" in seen.attributes
    )
    assert max(asked.values()) > 10
    sent = defaultdict(list)
    for seen in month.calls:
        if "gen_ai.input.messages" in seen.attributes:
            request = seen.attributes["gen_ai.request.model"], seen.attributes["gen_ai.input.messages"]
            sent[seen.span.trace_id, request].append(seen.span.status.code)
    assert any(codes[0] == _ERROR and len(codes) > 1 for codes in sent.values())


_ERROR = 2


def _roots(month: Month) -> list[Seen]:
    return [seen for seen in month.spans if not seen.span.parent_span_id]


def _agent(seen: Seen) -> str:
    return str(seen.attributes.get("gen_ai.agent.name") or seen.attributes.get("agent.name") or "")


def _environment(seen: Seen) -> str:
    return str(seen.resource.get("deployment.environment.name") or seen.resource.get("deployment.environment"))
