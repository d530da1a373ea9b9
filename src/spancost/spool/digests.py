"""The hashes of the requests that came last."""

from __future__ import annotations

from collections import OrderedDict


class RecentDigests:
    """At most `limit` hashes; the ones not seen for longest leave first. Not thread-safe."""

    def __init__(self, limit: int = 65_536) -> None:
        self._limit = limit
        self._seen: OrderedDict[bytes, None] = OrderedDict()

    def seen(self, digest: bytes) -> bool:
        """Whether it is among them; one that is becomes the newest."""
        if digest not in self._seen:
            return False
        self._seen.move_to_end(digest)
        return True

    def add(self, digest: bytes) -> None:
        """Remember it as the newest."""
        self._seen[digest] = None
        self._seen.move_to_end(digest)
        if len(self._seen) > self._limit:
            self._seen.popitem(last=False)

    def forget(self, digest: bytes) -> None:
        """Forget it, known or not."""
        self._seen.pop(digest, None)
