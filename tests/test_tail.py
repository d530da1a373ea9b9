"""The broadcast of what lands."""

from __future__ import annotations

from spancost.tail import Tail

_CALL = {"billing_role": "call", "model": "gpt-4o"}
_STEP = {"billing_role": "step", "kind": "tool"}


def test_nobody_watches_at_first() -> None:
    """The pipeline can see that rows need not be made."""
    tail = Tail()
    before = tail.watched
    with tail.subscribed():
        during = tail.watched

    assert (before, during, tail.watched) == (False, True, False)


def test_a_watcher_gets_calls_and_counts_once() -> None:
    """Calls and the counts of other spans come once; what was published before is not seen."""
    tail = Tail()
    tail.publish([_CALL], {})
    with tail.subscribed() as subscription:
        assert subscription is not None
        tail.publish([_CALL, _STEP], {("shop", "http", "no_ai_attributes"): 2})
        tail.publish([], {("shop", "http", "no_ai_attributes"): 3})
        first, second = subscription.take(), subscription.take()

    assert (first.rows, first.others, first.lost) == ((_CALL,), {("shop", "http", "no_ai_attributes"): 5}, 0)
    assert (second.rows, second.others, second.lost) == ((), {}, 0)


def test_every_role_on_request() -> None:
    """A watcher may ask for spans of every billing role."""
    tail = Tail()
    with tail.subscribed(every_role=True) as subscription:
        assert subscription is not None
        tail.publish([_CALL, _STEP], {})

        assert subscription.take().rows == (_CALL, _STEP)


def test_a_slow_watcher_loses_the_oldest_and_is_told_how_many() -> None:
    """What does not fit is dropped and counted, whether it came in one batch or several."""
    tail = Tail(capacity=3)
    rows = [{"billing_role": "call", "n": n} for n in range(8)]
    with tail.subscribed() as subscription:
        assert subscription is not None
        tail.publish(rows[:2], {})
        tail.publish(rows[2:4], {})
        tail.publish(rows[4:], {})
        landed = subscription.take()

    assert ([row["n"] for row in landed.rows], landed.lost) == ([5, 6, 7], 5)


def test_a_watcher_that_stopped_reading_holds_few_groups() -> None:
    """Groups of spans that are no calls are bounded as rows are."""
    tail = Tail(capacity=2)
    with tail.subscribed() as subscription:
        assert subscription is not None
        for number in range(5):
            tail.publish([], {(f"service-{number}", "", "no_ai_attributes"): 1})

        assert len(subscription.take().others) == 2


def test_watchers_are_limited() -> None:
    """One too many is turned away, and so is everyone once the tail is closed."""
    tail = Tail(watchers=1)
    with tail.subscribed() as first, tail.subscribed() as second:
        assert first is not None
        assert second is None
    tail.close()
    with tail.subscribed() as late:
        assert late is None
