"""What just landed, for whoever watches: a broadcast that costs nothing while nobody does, and waits for nobody."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Any

Row = Mapping[str, Any]
"""One span as it landed, under the column names of the ledger; at least `billing_role`."""

Group = tuple[str, str, str]
"""Service, instrumentation scope and the reason why its spans are no calls."""

IS_STEP = "is a step: no model call"
"""The reason of spans that are known well, and missed by nobody."""


@dataclass(frozen=True, slots=True)
class Landed:
    """What a subscriber had not seen yet."""

    rows: tuple[Row, ...]
    others: Mapping[Group, int]
    """Spans that are no calls."""
    lost: int
    """Rows that came faster than the subscriber read; they are in the store all the same."""


class Subscription:
    """One watcher's share: the newest `capacity` rows it has not taken. Thread-safe."""

    def __init__(self, capacity: int, every_role: bool) -> None:
        self._every_role = every_role
        self._rows: deque[Row] = deque(maxlen=capacity)
        self._capacity = capacity
        self._others: Counter[Group] = Counter()
        self._lost = 0
        self._lock = Lock()

    def take(self) -> Landed:
        """Everything since the last time."""
        with self._lock:
            landed = Landed(tuple(self._rows), dict(self._others), self._lost)
            self._rows.clear()
            self._others.clear()
            self._lost = 0
        return landed

    def _offer(self, rows: Sequence[Row], others: Mapping[Group, int]) -> None:
        wanted = rows if self._every_role else [row for row in rows if row["billing_role"] == "call"]
        with self._lock:
            self._lost += max(0, len(self._rows) + len(wanted) - self._capacity)
            self._rows.extend(wanted)
            for group, spans in others.items():
                # A watcher that stopped reading holds as many groups as rows, never more.
                if group in self._others or len(self._others) < self._capacity:
                    self._others[group] += spans


class Tail:
    """The broadcast. `publish` is called from the pipeline, subscriptions are read from anywhere."""

    def __init__(self, *, capacity: int = 2_000, watchers: int = 16) -> None:
        """Each of at most `watchers` subscribers holds at most `capacity` rows."""
        self._capacity = capacity
        self._watchers = watchers
        self._subscriptions: tuple[Subscription, ...] = ()
        self._lock = Lock()
        self.closed = False

    @property
    def watchers(self) -> int:
        """How many watch."""
        return len(self._subscriptions)

    @property
    def watched(self) -> bool:
        """Whether anybody watches. Ask before making rows: with nobody there they need not be made."""
        return bool(self._subscriptions)

    def publish(self, rows: Sequence[Row], others: Mapping[Group, int]) -> None:
        """Hand stored rows, and how many spans are no calls, to everybody who watches; waits for nobody."""
        for subscription in self._subscriptions:
            subscription._offer(rows, others)

    @contextmanager
    def subscribed(self, *, every_role: bool = False) -> Iterator[Subscription | None]:
        """A subscription for as long as the context lasts, or None when there are too many already.

        `every_role`: rows of every billing role, not only calls.
        """
        subscription = Subscription(self._capacity, every_role)
        with self._lock:
            admitted = len(self._subscriptions) < self._watchers and not self.closed
            if admitted:
                self._subscriptions = (*self._subscriptions, subscription)
        try:
            yield subscription if admitted else None
        finally:
            with self._lock:
                self._subscriptions = tuple(each for each in self._subscriptions if each is not subscription)

    def close(self) -> None:
        """Let every watcher go, so that the server that carries them can stop."""
        self.closed = True
