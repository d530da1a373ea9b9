"""What the spool does when the disk lies, fills up or fails."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from spancost.errors import Overloaded
from spancost.spool import Spool
from spancost.spool.record import HEADER_BYTES

MIB = 1 << 20
BODY = 100
RECORD = HEADER_BYTES + BODY


@contextmanager
def opened(directory: Path, **settings: int) -> Iterator[Spool]:
    spool = Spool(directory, **{"quota_bytes": 64 * MIB, **settings})
    try:
        yield spool
    finally:
        spool.close()


def body(n: int) -> bytes:
    return b"%03d" % n * 33 + b"."


def filled(directory: Path, count: int, **settings: int) -> list[Path]:
    with opened(directory, **settings) as spool:
        for n in range(count):
            spool.append(body(n))
    return sorted(directory.glob("*.seg"))


def flip(path: Path, offset: int) -> None:
    data = bytearray(path.read_bytes())
    data[offset] ^= 0x40
    path.write_bytes(data)


def reread(directory: Path, **settings: int) -> tuple[list[bytes], int, int]:
    with opened(directory, **settings) as spool:
        got = [record.body for record in spool.read(MIB, 0)]
        status = spool.status(0)
        assert status.records == len(got)
        return got, status.damaged, status.torn_bytes


@pytest.mark.parametrize("offset", range(0, RECORD, 7))
def test_a_flipped_bit_loses_one_record(tmp_path: Path, offset: int) -> None:
    """Damage anywhere in a record, its length included, loses that record and no other, and is counted."""
    (path,) = filled(tmp_path, 4)
    flip(path, RECORD + offset)
    assert reread(tmp_path) == ([body(0), body(2), body(3)], 1, 0)


@pytest.mark.parametrize("offset", [3, HEADER_BYTES + 3])
def test_damage_in_an_older_segment_loses_one_record(tmp_path: Path, offset: int) -> None:
    """Segments that are only looked through at opening are checked when they are read, to their very end."""
    first, *_ = filled(tmp_path, 4, segment_bytes=2 * RECORD)
    flip(first, RECORD + offset)
    assert reread(tmp_path) == ([body(0), body(2), body(3)], 1, 0)


def test_a_wholly_damaged_segment_is_passed_and_deleted(tmp_path: Path) -> None:
    """A segment of zeroes between good ones is counted, and goes when what follows is stored."""
    _, second, _ = filled(tmp_path, 6, segment_bytes=2 * RECORD)
    second.write_bytes(bytes(2 * RECORD))
    with opened(tmp_path) as spool:
        (first,) = spool.read(1, 0)
        spool.commit(first.position)
        (other,) = spool.read(1, 0)
        spool.commit(other.position)
        rest = spool.read(MIB, 0)
        assert [r.body for r in rest] == [body(4), body(5)]
        assert spool.status(0).damaged == 1
        spool.commit(rest[-1].position)
    assert list(tmp_path.glob("*.seg")) == []


def test_a_damaged_record_may_be_sent_again(tmp_path: Path) -> None:
    """Once its loss is known, the same bytes are no longer taken for a re-send."""
    path, _ = filled(tmp_path, 4, segment_bytes=2 * RECORD)
    flip(path, HEADER_BYTES)
    with opened(tmp_path) as spool:
        spool.read(MIB, 0)
        spool.append(body(0))
        assert [record.body for record in spool.read(MIB, 0)] == [body(0)]


@pytest.mark.parametrize("cut", [1, BODY, BODY + 1, RECORD - 1])
def test_a_torn_tail_is_cut_and_counted(tmp_path: Path, cut: int) -> None:
    """A record that was not written to its end goes, and new ones follow what stays."""
    (path,) = filled(tmp_path, 3)
    os.truncate(path, 3 * RECORD - cut)
    assert reread(tmp_path) == ([body(0), body(1)], 0, RECORD - cut)
    with opened(tmp_path) as spool:
        assert spool.status(0).torn_bytes == 0
        spool.append(body(9))
        assert [record.body for record in spool.read(MIB, 0)] == [body(0), body(1), body(9)]


def test_empty_and_foreign_files_are_no_harm(tmp_path: Path) -> None:
    """An empty segment is removed, a file that is no segment left alone."""
    filled(tmp_path, 1)
    empty = tmp_path / f"{7:020d}-{'0' * 16}.v1.seg"
    empty.touch()
    (tmp_path / "notes.txt").write_text("mine")
    assert reread(tmp_path) == ([body(0)], 0, 0)
    assert not empty.exists()
    assert (tmp_path / "notes.txt").exists()


@pytest.mark.parametrize("content", [b"", b"short", bytes(12), b"x" * 12])
def test_a_lost_checkpoint_means_reading_again(tmp_path: Path, content: bytes) -> None:
    """Without a checkpoint that can be trusted, everything on disk is read again."""
    with opened(tmp_path) as spool:
        spool.append(body(0))
        spool.append(body(1))
        spool.commit(spool.read(1, 0)[0].position)
    (tmp_path / "checkpoint").write_bytes(content)
    assert reread(tmp_path) == ([body(0), body(1)], 0, 0)


def fail_once(monkeypatch: pytest.MonkeyPatch, name: str, code: int) -> None:
    real = getattr(os, name)

    def failing(*args: object) -> object:
        monkeypatch.setattr(os, name, real)
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, name, failing)


@pytest.mark.parametrize("name", ["fdatasync", "pwritev"])
def test_a_failed_write_is_refused_and_the_next_one_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """An I/O error is told to the sender as retryable; nothing of the batch stays; the same bytes are taken later."""
    with opened(tmp_path) as spool:
        spool.append(body(0))
        fail_once(monkeypatch, name, errno.EIO)
        with pytest.raises(Overloaded, match="Input/output error"):
            spool.append(body(1))
        assert spool.status(0).failed == 1
        spool.append(body(2))
        spool.append(body(1))
        assert [record.body for record in spool.read(MIB, 0)] == [body(0), body(2), body(1)]
    assert reread(tmp_path) == ([body(0), body(2), body(1)], 0, 0)


def test_a_file_that_cannot_even_be_cut_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the write and the cut both fail, the log goes on in another file, and a restart sees positions rise."""
    with opened(tmp_path) as spool:
        spool.append(body(0))
        fail_once(monkeypatch, "fdatasync", errno.EIO)
        fail_once(monkeypatch, "ftruncate", errno.EIO)
        with pytest.raises(Overloaded):
            spool.append(body(1))
        spool.append(body(2))
        assert [record.body for record in spool.read(MIB, 0)] == [body(0), body(2)]
    with opened(tmp_path) as spool:
        records = spool.read(MIB, 0)
        assert [record.body for record in records] == [body(0), body(1), body(2)]
        assert [r.position for r in records] == sorted({r.position for r in records})


def test_a_new_file_that_cannot_be_made_is_refused_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without room for a segment the sender is told to come back; no half-made file stays."""
    with opened(tmp_path) as spool:
        fail_once(monkeypatch, "fsync", errno.ENOSPC)
        with pytest.raises(Overloaded):
            spool.append(body(0))
        assert list(tmp_path.glob("*.seg")) == []
        spool.append(body(0))
        assert [record.body for record in spool.read(MIB, 0)] == [body(0)]


def test_a_file_that_cannot_be_deleted_is_deleted_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failed deletion is told to the caller and made good by the next commit."""
    with opened(tmp_path, segment_bytes=1) as spool:
        spool.append(body(0))
        spool.append(body(1))
        records = spool.read(MIB, 0)
        fail_once(monkeypatch, "unlink", errno.EIO)
        with pytest.raises(OSError, match="Input/output"):
            spool.commit(records[0].position)
        spool.commit(records[1].position)
        assert list(tmp_path.glob("*.seg")) == []


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from spancost.errors import Overloaded
from spancost.spool import Spool

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
spool = Spool(Path(sys.argv[1]), quota_bytes=1 << 30)
spool.append(b"a" * 3000)
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, hard))
for _ in range(3):
    try:
        spool.append(b"b" * 3000)
    except Overloaded:
        print("refused")
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
spool.append(b"c" * 3000)
print("".join(chr(record.body[0]) for record in spool.read(1 << 20, 0)))
"""


def test_a_full_disk_refuses_and_recovers_by_itself(tmp_path: Path) -> None:
    """When the kernel takes only a part of a record, it is refused, and taken again when there is room."""
    done = subprocess.run([sys.executable, "-c", FULL_DISK, tmp_path], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["refused", "refused", "refused", "ac"]
    assert [text[:1] for text in reread(tmp_path)[0]] == [b"a", b"c"]
