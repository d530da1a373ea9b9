"""What the spool promises while nothing goes wrong, and at its limits."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from spancost.errors import Overloaded, TooLarge
from spancost.spool import Record, Spool
from spancost.spool.record import HEADER_BYTES

MIB = 1 << 20


@contextmanager
def opened(directory: Path, **settings: int) -> Iterator[Spool]:
    spool = Spool(directory, **{"quota_bytes": 64 * MIB, **settings})
    try:
        yield spool
    finally:
        spool.close()


def bodies(records: list[Record]) -> list[bytes]:
    return [record.body for record in records]


def segment_files(directory: Path) -> list[Path]:
    return sorted(directory.glob("*.seg"))


def test_records_come_back_in_order_with_rising_positions(tmp_path: Path) -> None:
    """What is appended is read in the same order, each record at a higher position."""
    with opened(tmp_path / "spool") as spool:
        wanted = [b"a" * n for n in range(1, 20)]
        for body in wanted:
            spool.append(body)
        records = spool.read(MIB, 0)
    assert bodies(records) == wanted
    assert [r.position for r in records] == sorted({r.position for r in records})


def test_read_takes_at_least_one_and_stops_at_max_bytes(tmp_path: Path) -> None:
    """A read ends with the record that fills it, and takes one even where that is larger."""
    with opened(tmp_path) as spool:
        for body in (b"a" * 10, b"b" * 10, b"c" * 100):
            spool.append(body)
        assert len(spool.read(15, 0)) == 2
        assert bodies(spool.read(15, 0)) == [b"c" * 100]
        assert spool.read(15, 0) == []


def test_read_waits_for_a_record(tmp_path: Path) -> None:
    """A reader that waits is woken by the append, long before its timeout."""
    with opened(tmp_path) as spool, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(spool.read, MIB, 60.0)
        spool.append(b"x")
        assert bodies(waiting.result(20)) == [b"x"]


def test_close_wakes_the_reader_and_refuses_appends(tmp_path: Path) -> None:
    """A closed spool hands an empty batch to whoever waits, and refuses what comes after as retryable."""
    spool = Spool(tmp_path, quota_bytes=MIB)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(spool.read, MIB, 60.0)
        spool.close()
        assert waiting.result(20) == []
    with pytest.raises(Overloaded):
        spool.append(b"x")


def test_uncommitted_records_are_read_again_after_reopening(tmp_path: Path) -> None:
    """Records that were read but not committed come again, at the same positions; committed ones do not."""
    with opened(tmp_path) as spool:
        for body in (b"a", b"b", b"c"):
            spool.append(body)
        before = spool.read(MIB, 0)
        spool.commit(before[0].position)
    with opened(tmp_path) as spool:
        assert spool.read(MIB, 0) == before[1:]


def test_positions_rise_across_restarts_even_when_nothing_is_left(tmp_path: Path) -> None:
    """After everything was stored and deleted, a new process goes on behind the last position."""
    with opened(tmp_path) as spool:
        spool.append(b"a")
        (first,) = spool.read(MIB, 0)
        spool.commit(first.position)
    assert segment_files(tmp_path) == []
    with opened(tmp_path) as spool:
        spool.append(b"b")
        assert spool.read(MIB, 0)[0].position > first.position


def test_stored_content_leaves_the_disk_at_once(tmp_path: Path) -> None:
    """When everything is committed, no file holds a body any more, though the segment was not full."""
    with opened(tmp_path) as spool:
        spool.append(b"a secret prompt")
        spool.commit(spool.read(MIB, 0)[-1].position)
        assert not any(b"secret" in path.read_bytes() for path in tmp_path.iterdir())
        assert spool.status(0).bytes == 0
        spool.append(b"more")
        assert bodies(spool.read(MIB, 0)) == [b"more"]


def test_commit_deletes_whole_segments_only(tmp_path: Path) -> None:
    """A segment stays until its last record is committed, and then goes."""
    with opened(tmp_path, segment_bytes=2 * (HEADER_BYTES + 10)) as spool:
        for letter in b"abcdef":
            spool.append(bytes([letter]) * 10)
        assert len(segment_files(tmp_path)) == 3
        records = spool.read(MIB, 0)
        spool.commit(records[2].position)
        assert len(segment_files(tmp_path)) == 2
        spool.commit(records[3].position)
        assert len(segment_files(tmp_path)) == 1


def test_files_are_private(tmp_path: Path) -> None:
    """The directory has mode 0700 and every file 0600, whatever it was before."""
    directory = tmp_path / "spool"
    directory.mkdir(mode=0o755)
    with opened(directory) as spool:
        spool.append(b"a")
        assert directory.stat().st_mode & 0o777 == 0o700
        assert {path.stat().st_mode & 0o777 for path in directory.iterdir()} == {0o600}


def test_a_second_process_may_not_open_it(tmp_path: Path) -> None:
    """The directory has one owner at a time."""
    with opened(tmp_path), pytest.raises(BlockingIOError):
        Spool(tmp_path, quota_bytes=MIB)


def test_a_resent_request_is_taken_but_not_appended_again(tmp_path: Path) -> None:
    """The same bytes again are acknowledged and read once, in this life and after a restart."""
    with opened(tmp_path) as spool:
        spool.append(b"a")
        spool.append(b"a")
    with opened(tmp_path) as spool:
        spool.append(b"a")
        spool.append(b"b")
        assert bodies(spool.read(MIB, 0)) == [b"a", b"b"]
        assert spool.status(0).resent == 1


def test_a_resent_request_is_known_after_it_was_stored(tmp_path: Path) -> None:
    """A sender that repeats itself after the rows are in the store is not stored twice."""
    with opened(tmp_path) as spool:
        spool.append(b"a")
        spool.commit(spool.read(MIB, 0)[-1].position)
        spool.append(b"a")
        assert spool.read(MIB, 0) == []


def test_at_its_quota_it_refuses_until_something_is_stored(tmp_path: Path) -> None:
    """Over the quota every append is refused as retryable after a second; room made by a commit is used again."""
    with opened(tmp_path, quota_bytes=3 * (HEADER_BYTES + 100)) as spool:
        for letter in b"abc":
            spool.append(bytes([letter]) * 100)
        with pytest.raises(Overloaded) as refused:
            spool.append(b"d" * 100)
        assert refused.value.retry_after == 1.0
        assert spool.status(0).refused == 1
        spool.commit(spool.read(MIB, 0)[-1].position)
        spool.append(b"d" * 100)


def test_the_quota_counts_what_an_earlier_life_left(tmp_path: Path) -> None:
    """Bytes found at opening count."""
    with opened(tmp_path) as spool:
        spool.append(b"a" * 100)
    with opened(tmp_path, quota_bytes=HEADER_BYTES + 150) as spool, pytest.raises(Overloaded):
        spool.append(b"b" * 100)


def test_what_no_empty_spool_could_hold_is_too_large(tmp_path: Path) -> None:
    """A sender is not told to come back with a request that can never fit."""
    with opened(tmp_path, quota_bytes=1000) as spool, pytest.raises(TooLarge):
        spool.append(b"a" * 1000)


def test_a_reader_that_falls_behind_reads_from_the_files(tmp_path: Path) -> None:
    """More than memory may hold is read from the files, across segments, and memory is used again after."""
    with opened(tmp_path, tail_bytes=2000, segment_bytes=3000) as spool:
        wanted = [b"%03d" % n * 100 for n in range(40)]
        for body in wanted:
            spool.append(body)
        got = [record.body for _ in range(20) for record in spool.read(700, 0)]
        late = [b"late %d" % n for n in range(5)]
        for body in late:
            spool.append(body)
        got += bodies(spool.read(MIB, 0)) + bodies(spool.read(MIB, 0))
        assert got == wanted + late


def test_many_threads_append_and_every_record_is_read_once(tmp_path: Path) -> None:
    """Under contention nothing is lost, doubled or mixed up, and the reader sees rising positions."""
    wanted = {b"%d-%d" % (thread, n) for thread in range(12) for n in range(40)}
    with opened(tmp_path, tail_bytes=500, segment_bytes=4000) as spool:
        got: list[Record] = []
        with ThreadPoolExecutor(12) as pool:
            appends = [pool.submit(spool.append, body) for body in wanted]
            while len(got) < len(wanted):
                batch = spool.read(1000, 20)
                assert batch
                got += batch
                spool.commit(batch[-1].position)
            for append in appends:
                append.result()
        assert spool.status(0).records == 0
    assert sorted(bodies(got)) == sorted(wanted)
    assert [r.position for r in got] == sorted(r.position for r in got)


def test_threads_that_wait_share_a_sync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one sync runs the others gather, and the next sync serves them all."""
    syncs: list[int] = []
    first, release = threading.Event(), threading.Event()
    with opened(tmp_path) as spool:

        def slow_sync(fd: int) -> None:
            syncs.append(fd)
            first.set()
            assert release.wait(20)

        monkeypatch.setattr("os.fdatasync", slow_sync)
        with ThreadPoolExecutor(8) as pool:
            appends = [pool.submit(spool.append, b"0")]
            assert first.wait(20)
            appends += [pool.submit(spool.append, b"%d" % n) for n in range(1, 8)]
            while len(spool._commits._queue) < 7:
                time.sleep(0.001)
            release.set()
            for append in appends:
                append.result(20)
    assert len(syncs) == 2


def test_status_tells_the_backlog(tmp_path: Path) -> None:
    """Bytes, records and the age of the oldest uncommitted record, from memory and from the files."""
    clock = [1_000 * 10**9]
    for tail_bytes in (MIB, 0):
        directory = tmp_path / str(tail_bytes)
        spool = Spool(directory, quota_bytes=MIB, tail_bytes=tail_bytes, clock_ns=lambda: clock[0])
        assert spool.status(1_000.0).oldest_age == 0.0
        spool.append(b"a")
        clock[0] += 5 * 10**9
        spool.append(b"b")
        found = spool.status(clock[0] / 1e9 + 2)
        assert (found.records, found.oldest_age, found.bytes) == (2, 7.0, 2 * (HEADER_BYTES + 1))
        records = spool.read(MIB, 0)
        assert spool.status(clock[0] / 1e9).oldest_age == 5.0
        spool.commit(records[0].position)
        found = spool.status(clock[0] / 1e9 + 3)
        assert (found.records, found.oldest_age, found.appended) == (1, 3.0, 2)
        spool.commit(records[1].position)
        assert spool.status(clock[0] / 1e9 + 9).oldest_age == 0.0
        spool.close()


