"""A day's block as OTLP requests, batched the way a gateway in front of all services would."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from spancost.demo.columns import Block
from spancost.demo.company import ENVIRONMENTS, MODELS, OPENINFERENCE, OTEL, SERVICES, VERCEL, Service
from spancost.demo.dice import Int64
from spancost.demo.index import AGENT_SERVICE, AGENT_TRACER
from spancost.demo.plan import Plan
from spancost.demo.shapes import openinference, otel, vercel
from spancost.demo.wire import RESOURCE_ATTRIBUTE, Pieces, Value, attributes, resource_spans, scope_spans, spans
from spancost.demo.workload import blocks

SPANS_A_REQUEST = 1024


@dataclass(frozen=True, slots=True)
class Request:
    """One encoded ExportTraceServiceRequest."""

    body: bytes
    spans: int
    calls: int


def iter_requests(plan: Plan) -> Iterator[bytes]:
    """Every request of the month, in the order in which it is sent."""
    for block in blocks(plan):
        for request in requests(block):
            yield request.body


def requests(block: Block) -> Iterator[Request]:
    """One day's spans in the order in which they end, so that children come before parents and traces straddle."""
    parts = list(_parts(block))
    order = np.argsort(np.concatenate([part.ends for part in parts]), kind="stable")
    bodies = [body for part in parts for body in part.bodies]
    groups = np.concatenate([part.groups for part in parts])[order].tolist()
    calls = np.concatenate([np.full(len(part.bodies), part.calls) for part in parts])[order]
    rows = order.tolist()
    for start in range(0, len(rows), SPANS_A_REQUEST):
        cut = slice(start, start + SPANS_A_REQUEST)
        body = _body([bodies[row] for row in rows[cut]], groups[cut])
        yield Request(body, len(rows[cut]), int(calls[cut].sum()))


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """Encoded spans of one kind from one tracer; a group is a scope of a resource."""

    bodies: Pieces
    ends: Int64
    groups: Int64
    calls: bool


_Write = Callable[[Block, Int64], list[Pieces]]


@dataclass(frozen=True, slots=True)
class _Shape:
    """How one tracer family writes runs, inner spans, calls and tools, and under which scopes."""

    tracer: int
    write: tuple[_Write, _Write, _Write, _Write]
    scopes: tuple[int, int, int, int]


_RUNS, _INNER, _CALLS, _TOOLS = range(4)
_APP, _OPENAI, _ANTHROPIC, _GOOGLE, _OPENINFERENCE, _AI, _BY_PROVIDER = range(7)

_SCOPES = (
    ("acme.agents", "4.2.0"),
    ("opentelemetry.instrumentation.genai.openai", "1.3b0"),
    ("opentelemetry.instrumentation.genai.anthropic", "1.3b0"),
    ("opentelemetry.instrumentation.google_genai", "1.3b0"),
    ("openinference.instrumentation.openai", "0.1.66"),
    ("ai", ""),
)
_PROVIDER_SCOPES = {"openai": _OPENAI, "anthropic": _ANTHROPIC, "gcp.gemini": _GOOGLE}
_MODEL_SCOPES = np.array([_PROVIDER_SCOPES[model.provider] for model in MODELS])

_SHAPES = (
    _Shape(OTEL, (otel.runs, otel.inner, otel.calls, otel.tools), (_APP, _APP, _BY_PROVIDER, _APP)),
    _Shape(
        OPENINFERENCE,
        (openinference.runs, openinference.inner, openinference.calls, openinference.tools),
        (_APP, _APP, _OPENINFERENCE, _APP),
    ),
    _Shape(VERCEL, (otel.runs, vercel.inner, vercel.calls, vercel.tools), (_APP, _AI, _AI, _AI)),
)


def _parts(block: Block) -> Iterator[_Part]:
    story, ends = block.story, block.ends
    kinds = (
        (_RUNS, np.arange(len(story.runs.size)), ends.runs),
        (_INNER, story.inner.trace, ends.inner),
        (_CALLS, story.calls.trace, ends.calls),
        (_TOOLS, story.calls.trace[story.tools.call], ends.tools),
    )
    for shape in _SHAPES:
        for kind, trace, end in kinds:
            rows = np.flatnonzero(AGENT_TRACER[story.runs.agent[trace]] == shape.tracer)
            bodies = spans(shape.write[kind](block, rows))
            scope = _scope(block, shape.scopes[kind], rows)
            yield _Part(bodies, end[rows], _groups(block, trace[rows], scope), kind == _CALLS)


def _scope(block: Block, scope: int, rows: Int64) -> Int64:
    if scope == _BY_PROVIDER:
        return np.asarray(_MODEL_SCOPES[block.story.calls.model[rows]])
    return np.full(len(rows), scope)


def _groups(block: Block, traces: Int64, scopes: Int64) -> Int64:
    runs = block.story.runs
    resource = AGENT_SERVICE[runs.agent[traces]] * len(ENVIRONMENTS) + runs.staging[traces]
    return np.asarray(resource * len(_SCOPES) + scopes)


def _body(bodies: Pieces, groups: list[int]) -> bytes:
    resources: dict[int, dict[int, Pieces]] = {}
    for body, group in zip(bodies, groups, strict=True):
        resource, scope = divmod(group, len(_SCOPES))
        resources.setdefault(resource, {}).setdefault(scope, []).append(body)
    return b"".join(
        resource_spans(_RESOURCES[resource], [scope_spans(*_SCOPES[scope], found) for scope, found in scopes.items()])
        for resource, scopes in resources.items()
    )


def _resource(service: Service, environment: str) -> bytes:
    """The Node SDK's service still names its environment by the older attribute."""
    node = service.tracer == VERCEL
    values: dict[str, Value] = {
        "service.name": service.name,
        "service.version": service.version,
        "deployment.environment" if node else "deployment.environment.name": environment,
        "team.id": service.team,
        "telemetry.sdk.language": "nodejs" if node else "python",
        "telemetry.sdk.name": "opentelemetry",
        "telemetry.sdk.version": "2.12.0" if node else "1.45.2",
    }
    return attributes(values, RESOURCE_ATTRIBUTE)


_RESOURCES = [_resource(service, environment) for service in SERVICES for environment in ENVIRONMENTS]
