"""The memory of requests that came last."""

from __future__ import annotations

from spancost.spool.digests import RecentDigests


def test_the_one_not_seen_for_longest_leaves_first() -> None:
    """At the limit, a digest that was seen or added again outlives an older one."""
    recent = RecentDigests(limit=3)
    for digest in (b"a", b"b", b"c"):
        recent.add(digest)
    assert recent.seen(b"a")
    recent.add(b"b")
    recent.add(b"d")
    assert [recent.seen(digest) for digest in (b"a", b"b", b"c", b"d")] == [True, True, False, True]


def test_a_forgotten_digest_is_unknown() -> None:
    """Forgetting one that is not known is no error."""
    recent = RecentDigests()
    recent.add(b"a")
    recent.forget(b"a")
    recent.forget(b"b")
    assert not recent.seen(b"a")
