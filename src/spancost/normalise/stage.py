"""`Spans` -> `Normalised`: what each span is, in which dialect it says so, and what it used."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation

import numpy as np

from spancost.model import (
    CLS_CALL,
    CLS_OTHER,
    CLS_STEP,
    CLS_TOTALS,
    FLAG,
    Bool,
    Coded,
    Column,
    Content,
    Int8,
    Int32,
    Int64,
    Normalised,
    Spans,
    UInt64,
)
from spancost.normalise.dialects import BasisRule, Conventions, Dialect, Source
from spancost.normalise.fields import COUNTS, TEXTS
from spancost.normalise.names import canonical_models, canonical_providers
from spancost.normalise.own import is_tag, own_dimensions, own_tags, resource_labels
from spancost.normalise.pick import as_label, carriers, pick_count, pick_number, pick_text
from spancost.normalise.usage import resolve_usage


def normalise(spans: Spans, conventions: Conventions) -> Normalised:
    """Normalise one batch. Pure: the same spans give the same columns."""
    n = len(spans)
    dialect = _recognise(spans, conventions)
    groups = _Groups(n, dialect, conventions)
    operation, cls, kind = _classify(spans, dialect, groups, conventions)
    texts = {name: pick_text(n, spans.columns, groups.of(name)) for name in TEXTS}
    request_model = pick_text(n, spans.columns, groups.of("request_model"))
    response_model = pick_text(n, spans.columns, groups.of("response_model"))
    model = canonical_models(response_model, request_model)
    provider = canonical_providers(pick_text(n, spans.columns, groups.of("provider")), model, conventions)
    counts, bad = _counts(n, spans, groups)
    told = (counts["input_tokens"] >= 0) | (counts["output_tokens"] >= 0)
    untold = (cls == CLS_OTHER) & (dialect >= 0) & (model.codes >= 0) & told & (operation.codes < 0)
    untold &= ~_named_no_call(spans, groups)
    cls[untold] = CLS_CALL
    operation, kind = _fill(operation, untold, "chat"), _fill(kind, untold, "call")
    cls[(cls == CLS_STEP) & ((counts["input_tokens"] > 0) | (counts["output_tokens"] > 0))] = CLS_TOTALS
    is_call = (cls == CLS_CALL) | (cls == CLS_TOTALS)
    usage = resolve_usage(counts, is_call, *_basis(spans, dialect, provider, conventions))
    failed = (spans.status == _ERROR) | carriers(n, spans.columns.get("error.type"))
    agent_name = pick_text(n, spans.columns, groups.of("agent"))
    agent_span = _agent_spans(spans, kind, agent_name, dialect, conventions)
    labels = resource_labels(spans, conventions)
    tags, tag_sets = own_tags(spans, conventions)
    flags = spans.flags | usage.flags | np.where(bad, FLAG["bad_tokens"], 0).astype(np.uint32)
    return Normalised(
        spans=spans,
        cls=cls,
        strings={
            **texts,
            **labels,
            "dialect": Coded(dialect, [d.name for d in conventions.dialects]),
            "operation": operation,
            "kind": kind,
            "provider": provider,
            "request_model": request_model,
            "response_model": response_model,
            "model": model,
            "usage_basis": usage.basis,
            "error": _errors(n, spans, groups, failed),
        },
        tokens=usage.tokens,
        usage=usage.meters,
        expects_output=~_is_one_of(operation, conventions.without_output),
        failed=failed,
        reported_cost=_reported(spans, groups, is_call),
        seconds_to_first_chunk=pick_number(n, spans.columns, groups.of("time_to_first_chunk")),
        streaming=_booleans(n, spans, groups),
        attempts=_attempts(n, spans, groups, dialect, conventions),
        hashes=_content_hashes(spans, conventions),
        prompt_chars=_prompt_chars(spans, conventions),
        span_dimensions=own_dimensions(spans, conventions),
        resource_dimensions={name: labels_of for name, labels_of in _resource_dimensions(spans, conventions)},
        agent_span=agent_span,
        agent_carried=agent_name,
        tags=tags,
        tag_sets=tag_sets,
        rest=_rest(spans, conventions),
        flags=flags,
    )


_ERROR = 2


def _resource_dimensions(spans: Spans, conventions: Conventions) -> list[tuple[str, Coded]]:
    return [
        (name, _from_resources(spans, [source.key for source in sources if not source.json]))
        for name, sources in conventions.dimensions.items()
    ]


def _from_resources(spans: Spans, keys: list[str]) -> Coded:
    table: dict[str, int] = {}
    firsts = [next((t for key in keys if (t := as_label(r.get(key)))), "") for r in spans.resources]
    lut = np.array([table.setdefault(text, len(table)) if text else -1 for text in firsts], np.int32)
    return Coded(lut[spans.resource] if len(lut) else np.full(len(spans), -1, np.int32), list(table))


class _Groups:
    """The spans of each dialect, so that a field is read from the dialect's own sources."""

    def __init__(self, n: int, dialect: Int32, conventions: Conventions) -> None:
        present = np.unique(dialect)
        self._masks: list[tuple[Bool, Dialect]] = [
            (dialect == code, conventions.dialects[code]) for code in present.tolist() if code >= 0
        ]

    def of(self, field: str) -> list[tuple[Bool, tuple[Source, ...]]]:
        """(spans, sources) for a canonical field; dialects that read it alike are one group."""
        merged: dict[tuple[Source, ...], Bool] = {}
        for mask, dialect in self._masks:
            sources = dialect.fields.get(field, ())
            if sources:
                merged[sources] = merged[sources] | mask if sources in merged else mask
        return [(mask, sources) for sources, mask in merged.items()]

    def each(self) -> list[tuple[Bool, Dialect]]:
        return self._masks


def _recognise(spans: Spans, conventions: Conventions) -> Int32:
    """Position of each span's dialect in `conventions.dialects`, -1 for spans that no dialect claims.

    A scope's name decides first; what no scope claims goes by its attributes, in the order of the dialects.
    """
    by_scope = [
        next((i for i, d in enumerate(conventions.dialects) if d.claims_scope(scope.name)), -1)
        for scope in spans.scopes
    ]
    n = len(spans)
    claimed = np.array(by_scope, np.int32)[spans.scope] if by_scope else np.full(n, -1, np.int32)
    carries = np.full(n, -1, np.int32)
    for i, dialect in enumerate(conventions.dialects):
        for key in dialect.attributes:
            column = spans.columns.get(key)
            if column is not None:
                rows = column.rows[carries[column.rows] < 0]
                carries[rows] = i
    return np.where(claimed >= 0, claimed, carries).astype(np.int32)


def _classify(spans: Spans, dialect: Int32, groups: _Groups, conventions: Conventions) -> tuple[Coded, Int8, Coded]:
    """The canonical operation, `CLS_*` and the kind of each span."""
    n = len(spans)
    raw = np.full(n, -1, np.int32)
    table: dict[str, int] = {}
    for mask, spoken in groups.each():
        for source in spoken.operations:
            column = spans.columns.get(source.key)
            if column is not None:
                lut = np.array([_intern(source.operation(as_label(v)), table) for v in column.values], np.int32)
                found = lut[column.codes]
                ok = mask[column.rows] & (raw[column.rows] < 0) & (found >= 0)
                if source.unless:
                    ok &= ~carriers(n, spans.columns.get(source.unless))[column.rows]
                raw[column.rows[ok]] = found[ok]
    raw[_named_no_call(spans, groups)] = -1
    names = list(table)
    canonical: dict[str, int] = {}
    to_operation = np.array([_intern(_operation(name, conventions), canonical) for name in names] + [-1], np.int32)
    to_cls = np.array([_cls(name, conventions) for name in names] + [CLS_OTHER], np.int8)
    kinds: dict[str, int] = {}
    to_kind = np.array([_intern(_kind(name, conventions), kinds) for name in names] + [-1], np.int32)
    return Coded(to_operation[raw], list(canonical)), to_cls[raw], Coded(to_kind[raw], list(kinds))


def _named_no_call(spans: Spans, groups: _Groups) -> Bool:
    """Spans whose name their dialect lists as no call, whatever they carry."""
    out = np.zeros(len(spans), np.bool_)
    for mask, spoken in groups.each():
        if spoken.not_calls:
            out |= mask & _is_one_of(spans.name, frozenset(name for name, _ in spoken.not_calls))
    return out


def _operation(name: str, conventions: Conventions) -> str:
    return conventions.calls.get(name, name)


def _cls(name: str, conventions: Conventions) -> int:
    return CLS_CALL if name in conventions.calls else CLS_STEP


def _kind(name: str, conventions: Conventions) -> str:
    return "call" if name in conventions.calls else conventions.steps.get(name, "other")


def _intern(text: str, table: dict[str, int]) -> int:
    return table.setdefault(text, len(table)) if text else -1


def _fill(column: Coded, rows: Bool, text: str) -> Coded:
    if not rows.any():
        return column
    values = column.values if text in column.values else [*column.values, text]
    return Coded(np.where(rows, values.index(text), column.codes).astype(np.int32), values)


def _is_one_of(column: Coded, names: frozenset[str]) -> Bool:
    lut = np.array([*(value in names for value in column.values), False], np.bool_)
    return lut[column.codes]


def _counts(n: int, spans: Spans, groups: _Groups) -> tuple[dict[str, Int64], Bool]:
    counts: dict[str, Int64] = {}
    bad = np.zeros(n, np.bool_)
    for name in COUNTS:
        counts[name], wrong = pick_count(n, spans.columns, groups.of(name))
        bad |= wrong
    five, hour, write = (counts[f"cache_write{part}_tokens"] for part in ("_5m", "_1h", ""))
    by_ttl = (write < 0) & ((five >= 0) | (hour >= 0))
    counts["cache_write_tokens"] = np.where(by_ttl, np.maximum(five, 0) + np.maximum(hour, 0), write)
    return counts, bad


def _basis(spans: Spans, dialect: Int32, provider: Coded, conventions: Conventions) -> tuple[Bool, Bool, Bool]:
    """Which spans count input without the cache, output without reasoning, and by no rule at all."""
    n = len(spans)
    exclusive, without_reasoning = np.zeros(n, np.bool_), np.zeros(n, np.bool_)
    for i, spoken in enumerate(conventions.dialects):
        for rule in spoken.input_exclusive:
            exclusive |= (dialect == i) & _matches(rule, spans, provider)
        for rule in spoken.output_without_reasoning:
            without_reasoning |= (dialect == i) & _matches(rule, spans, provider)
    claimed = np.array([any(d.claims_scope(s.name) for d in conventions.dialects) for s in spans.scopes], np.bool_)
    assumed = ~claimed[spans.scope] if len(claimed) else np.zeros(n, np.bool_)
    return exclusive, without_reasoning, assumed


def _matches(rule: BasisRule, spans: Spans, provider: Coded) -> Bool:
    ok = np.ones(len(spans), np.bool_)
    if rule.scope:
        ok &= np.array([scope.name == rule.scope for scope in spans.scopes], np.bool_)[spans.scope]
    if rule.provider:
        ok &= _is_one_of(provider, frozenset({rule.provider}))
    if rule.without:
        ok &= ~carriers(len(spans), spans.columns.get(rule.without))
    return ok


def _agent_spans(spans: Spans, kind: Coded, name: Coded, dialect: Int32, conventions: Conventions) -> Coded:
    """The agent's name on agent spans: the one it carries, else the span's own name where the dialect puts it there."""
    is_agent = _is_one_of(kind, frozenset({"agent"}))
    from_name = np.array([*(d.agent_from_span_name for d in conventions.dialects), False], np.bool_)[dialect]
    values = [*name.values, *(_agent_of(text) for text in spans.name.values)]
    prefixed = np.array([*(_agent_of(text) != text for text in spans.name.values), False], np.bool_)[spans.name.codes]
    use_name = is_agent & (name.codes < 0) & (from_name | prefixed)
    codes = np.where(is_agent & (name.codes >= 0), name.codes, -1)
    return Coded(np.where(use_name, spans.name.codes + len(name.values), codes).astype(np.int32), values)


def _agent_of(span_name: str) -> str:
    return span_name.removeprefix("invoke_agent ")


def _errors(n: int, spans: Spans, groups: _Groups, failed: Bool) -> Coded:
    told = pick_text(n, spans.columns, groups.of("error"))
    return _fill(told, failed & (told.codes < 0), "error")


def _reported(spans: Spans, groups: _Groups, is_call: Bool) -> dict[int, Decimal]:
    """What the tracer said a call cost, in USD. 0 is no figure: tracers write it for models that they cannot price."""
    n = len(spans)
    told = pick_text(n, spans.columns, groups.of("reported_cost"))
    currency = pick_text(n, spans.columns, groups.of("reported_currency"))
    foreign = np.array([*(value.upper() != "USD" for value in currency.values), False], np.bool_)[currency.codes]
    amounts = [_amount(text) for text in told.values]
    rows = np.flatnonzero(is_call & (told.codes >= 0) & ~foreign).tolist()
    found = ((row, amounts[told.codes[row]]) for row in rows)
    return {row: amount for row, amount in found if amount is not None}


def _amount(text: str) -> Decimal | None:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return None
    if not amount.is_finite() or not 0 < amount < _MAX_REPORTED:
        return None
    return amount.quantize(_MICRODOLLAR, ROUND_HALF_EVEN) or None


_MAX_REPORTED = 1_000_000
_MICRODOLLAR = Decimal("0.000001")


def _booleans(n: int, spans: Spans, groups: _Groups) -> Int8:
    told = pick_text(n, spans.columns, groups.of("streaming"))
    lut = np.array([*(value.lower() in ("true", "1") for value in told.values), -1], np.int8)
    return lut[told.codes]


def _attempts(n: int, spans: Spans, groups: _Groups, dialect: Int32, conventions: Conventions) -> Int64:
    told, _bad = pick_count(n, spans.columns, groups.of("attempts"))
    more = np.array([*(d.attempts_are_retries for d in conventions.dialects), False], np.bool_)[dialect]
    return np.where((told >= 0) & more, told + 1, told)


def _content_hashes(spans: Spans, conventions: Conventions) -> dict[str, UInt64]:
    """Sums of the hashes of all attributes of a role: the order in which attributes come does not matter."""
    rules = conventions.content
    of_role = {
        role: [c for key, c in spans.columns.items() if rules.role(key) == role] for role in ("input", "arguments")
    }
    return {
        "prompt_hash": _summed(len(spans), of_role["input"], lambda content: content.hash),
        "prefix_hash": _summed(len(spans), of_role["input"], lambda content: content.prefix_hash),
        "args_hash": _summed(len(spans), of_role["arguments"], lambda content: content.hash),
    }


def _summed(n: int, columns: list[Column], part: Callable[[Content], int]) -> UInt64:
    out = np.zeros(n, np.uint64)
    for column in columns:
        lut = np.array([part(value) if isinstance(value, Content) else 0 for value in column.values], np.uint64)
        out[column.rows] += lut[column.codes]
    return out


def _prompt_chars(spans: Spans, conventions: Conventions) -> Int64:
    out = np.full(len(spans), -1, np.int64)
    for key, column in spans.columns.items():
        if conventions.content.role(key) == "input":
            lut = np.array([value.chars if isinstance(value, Content) else 0 for value in column.values], np.int64)
            out[column.rows] = np.maximum(out[column.rows], 0) + lut[column.codes]
    return out


def _rest(spans: Spans, conventions: Conventions) -> list[tuple[str, Column]]:
    return [
        (key, column)
        for key, column in spans.columns.items()
        if not (key in conventions.consumed or conventions.content.role(key) or is_tag(key, conventions))
    ]
