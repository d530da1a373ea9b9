"""The batch: what the stages of the pipeline hand to each other, column by column.

A batch holds `n` spans as arrays of length `n`; no object per span exists. Strings are dictionary-coded (`Coded`),
counts are int64 with -1 for "unknown", money is int64 in 1e-12 USD with a mask of what is known. Attributes keep the
form they have on the wire: a sparse column for each key (`Column`), parsed once per distinct value.

Nothing in this module does I/O, and nothing but NumPy and PyArrow is imported.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Int8 = npt.NDArray[np.int8]
Int16 = npt.NDArray[np.int16]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
UInt8 = npt.NDArray[np.uint8]
UInt32 = npt.NDArray[np.uint32]
UInt64 = npt.NDArray[np.uint64]
Bool = npt.NDArray[np.bool_]

HOUR_NS = 3_600_000_000_000
"""Rows of the ledger are sorted by the hour in which they start."""

FLAGS = (
    "bad_time",
    "end_before_start",
    "bad_utf8",
    "bad_attribute",
    "bad_tokens",
    "basis_assumed",
    "ttl_assumed",
    "cache_over_input",
    "parent_cycle",
    "attributes_cut",
)
"""Names of the bits in `flags`, lowest first; the column `flags` in SQL holds the names."""
FLAG = {name: np.uint32(1 << bit) for bit, name in enumerate(FLAGS)}

CLS_OTHER, CLS_CALL, CLS_STEP, CLS_TOTALS = 0, 1, 2, 3
"""What one span is by itself: no AI span; a model call; a step; a step that repeats the usage of calls below it."""

DIMENSIONS = (
    "team",
    "feature",
    "environment",
    "customer",
    "user",
    "project",
    "task_type",
    "experiment",
    "conversation_id",
    "task_id",
)
"""The dimensions that a call inherits from the spans above it. The agent has a rule of its own (`attribute.window`)."""

METERS = (
    "input",
    "cache_read",
    "cache_write_5m",
    "cache_write_1h",
    "output",
    "audio_input",
    "audio_cache_read",
    "audio_output",
    "image_input",
    "image_output",
    "web_search",
)
"""Disjoint meters of usage: no token is counted under two of them. `input` is uncached text, `output` includes
reasoning."""

Value: TypeAlias = "str | int | float | bool | list[object] | dict[str, object] | bytes | Content | None"
"""What an attribute holds once decoded."""


@dataclass(frozen=True, slots=True)
class Content:
    """What stays of a message content attribute once it is dropped: no text, only what analysis needs."""

    hash: int
    """Keyed 64-bit hash of key and value."""
    prefix_hash: int
    """Keyed 64-bit hash of key and the first `PREFIX_CHARS` of the value; 0 where the value is no start of a prompt."""
    chars: int
    extracted: Mapping[str, str]
    """Canonical field -> text that the dialect's pattern found (a response id, never a message)."""


PREFIX_CHARS = 4096
"""Providers cache prompts from about 1,024 tokens on (https://platform.openai.com/docs/guides/prompt-caching); at four
characters a token that is the part of a prompt that must be the same for a cache to help."""


@dataclass(frozen=True, slots=True)
class ContentRules:
    """Which attributes hold message content, as the files of `conventions/` say.

    `roles`, `prefixes` and `suffixes` map a key, or the start or the end of a key, to `input`, `output` or `arguments`
    ('' in `roles`: no content, whatever start or end says); `patterns` names what may be taken out of a content
    attribute before it goes: key -> canonical field -> regular expression with one group.
    """

    roles: Mapping[str, str]
    prefixes: tuple[tuple[str, str], ...]
    suffixes: tuple[tuple[str, str], ...]
    patterns: Mapping[str, Mapping[str, re.Pattern[str]]]

    def role(self, key: str) -> str:
        """`input`, `output`, `arguments`, or '' for an attribute that is no content."""
        found = self.roles.get(key)
        if found is not None:
            return found
        by_start = next((role for start, role in self.prefixes if key.startswith(start)), "")
        return by_start or next((role for end, role in self.suffixes if key.endswith(end)), "")


@dataclass(frozen=True, slots=True)
class Column:
    """One attribute key across a batch. A span that carries the key twice is listed once, with the later value."""

    rows: Int32
    """Positions in the batch of the spans that carry the key."""
    codes: Int32
    """For each of them the position in `values`."""
    values: list[Value]
    """Distinct values as they came: integers stay integers, strings stay strings."""


@dataclass(frozen=True, slots=True)
class Coded:
    """A string column: `codes` int32[n] into `values`, -1 where there is none."""

    codes: Int32
    values: list[str]

    @staticmethod
    def none(n: int) -> Coded:
        return Coded(np.full(n, -1, np.int32), [])

    def take(self, rows: npt.NDArray[np.integer]) -> Coded:
        return Coded(self.codes[rows], self.values)

    def texts(self) -> list[str]:
        """The column as plain strings, '' where there is none."""
        table = [*self.values, ""]
        return [table[code] for code in self.codes.tolist()]


@dataclass(frozen=True, slots=True)
class Scope:
    """An instrumentation scope."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Spans:
    """One decoded batch, with no knowledge of any vendor."""

    trace_hi: UInt64
    """First eight bytes of the trace id, big-endian."""
    trace_lo: UInt64
    span_id: UInt64
    parent_id: UInt64
    """0 for a root."""
    start: Int64
    """Nanoseconds since the epoch, always inside what ClickHouse can partition by day (see `decode.times`)."""
    end: Int64
    status: UInt8
    """OTLP status code: 0 unset, 1 ok, 2 error."""
    name: Coded
    scope: Int32
    """Position in `scopes`."""
    scopes: list[Scope]
    resource: Int32
    """Position in `resources`."""
    resources: list[dict[str, Value]]
    columns: dict[str, Column]
    """Attribute key -> who carries it."""
    flags: UInt32
    content_hash: UInt64
    """Hash of everything the span said: two spans with the same id and the same hash are one span sent twice."""
    request: Int32
    """Which request of the batch the span came in."""
    rejected: int = 0
    """Spans left out because their ids are not valid."""

    def take(self, rows: Int64) -> Spans:
        """These spans, in this order; the others count as rejected."""
        at = np.full(len(self), -1, np.int32)
        at[rows] = np.arange(len(rows), dtype=np.int32)
        columns = {}
        for key, column in self.columns.items():
            kept = at[column.rows] >= 0
            columns[key] = Column(at[column.rows[kept]], column.codes[kept], column.values)
        arrays = {name: getattr(self, name)[rows] for name in _SPAN_ARRAYS}
        rejected = self.rejected + len(self) - len(rows)
        return replace(self, **arrays, name=self.name.take(rows), columns=columns, rejected=rejected)

    def __len__(self) -> int:
        return len(self.span_id)


_SPAN_ARRAYS = (
    "trace_hi", "trace_lo", "span_id", "parent_id", "start", "end", "status", "scope", "resource", "flags",
    "content_hash",
    "request",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Normalised:
    """A batch in canonical columns: what each span is, what it used, and what it says of itself."""

    spans: Spans
    cls: Int8
    """`CLS_*`."""
    strings: dict[str, Coded]
    """Canonical string columns by their name in the table `spans_ledger`."""
    tokens: dict[str, Int64]
    """Token totals by column name (`input_tokens`, inclusive as OTel counts, ...); -1 unknown."""
    usage: dict[str, Int64]
    """Disjoint counts by meter; -1 unknown."""
    expects_output: Bool
    """False for embeddings and the like, which have no output tokens to be missing."""
    failed: Bool
    reported_cost: dict[int, Decimal]
    """Position in the batch -> what the tracer said the call cost, in USD with six decimals."""
    seconds_to_first_chunk: npt.NDArray[np.float64]
    """NaN where unknown."""
    streaming: Int8
    """1 yes, 0 no, -1 unknown."""
    attempts: Int64
    hashes: dict[str, UInt64]
    """`prompt_hash`, `prefix_hash`, `args_hash`; 0 where unknown."""
    prompt_chars: Int64
    span_dimensions: dict[str, Coded]
    """Dimension -> what the span's own attributes say."""
    resource_dimensions: dict[str, Coded]
    """Dimension -> what the span's resource says."""
    agent_span: Coded
    """The agent's name on agent spans, none elsewhere."""
    agent_carried: Coded
    """The agent's name that any other span carries."""
    tags: Int32
    """For each span the position of its own dimensions in `tag_sets`, -1 without any."""
    tag_sets: list[frozenset[tuple[str, str]]]
    rest: list[tuple[str, Column]]
    """Attributes that no canonical column took, without content."""
    flags: UInt32

    def __len__(self) -> int:
        return len(self.spans)


@dataclass(frozen=True, slots=True)
class Priced:
    """A normalised batch with the price of every call. Money is int64 in 1e-12 USD."""

    batch: Normalised
    list_cost: Int64
    cost: Int64
    known: Bool
    by_meter: dict[str, Int64]
    status: Coded
    reason: Coded
    price_id: Coded
    price_book: str

    def __len__(self) -> int:
        return len(self.batch)


def hex_ids(parts: Sequence[UInt64]) -> npt.NDArray[np.bytes_]:
    """Lower-case hex of ids given as big-endian 64-bit words, one array a word: `S16` for one word, `S32` for two."""
    raw = np.stack(parts, axis=1).astype(">u8").view(np.uint8).reshape(len(parts[0]), 8 * len(parts))
    return np.ascontiguousarray(_HEX[raw]).view(f"S{16 * len(parts)}").reshape(len(parts[0]))


_HEX = np.frombuffer("".join(f"{byte:02x}" for byte in range(256)).encode(), dtype=np.uint16)
