"""The spool against a model, over random sequences of operations and crashes."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from spancost.spool import Spool
from spancost.spool.record import HEADER_BYTES

MEMORY = Path("/dev/shm")  # noqa: S108 - the model needs files, not a disk: thousands of syncs would only take time


class SpoolModel(RuleBasedStateMachine):
    """`written` is every record appended and not lost to a crash; `read` and `committed` count from its start."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="spancost-spool-", dir=MEMORY if MEMORY.is_dir() else None))
        self.lives = 0
        self.serial = 0
        self.written: list[bytes] = []
        self.read = self.committed = 0
        self.positions: list[int] = []

    @initialize(segment_bytes=st.sampled_from([1, 300, 100_000]), tail_bytes=st.sampled_from([0, 150, 100_000]))
    def start(self, segment_bytes: int, tail_bytes: int) -> None:
        self.sizes = {"segment_bytes": segment_bytes, "tail_bytes": tail_bytes, "quota_bytes": 1 << 30}
        self.spool = Spool(self.root / "0", **self.sizes)

    @rule(size=st.integers(0, 200))
    def append(self, size: int) -> None:
        self.serial += 1
        body = b"%d." % self.serial + b"x" * size
        self.spool.append(body)
        self.written.append(body)

    @rule(data=st.data())
    def resend(self, data: st.DataObject) -> None:
        """What is not committed is surely known, in this life or the next."""
        if self.written[self.committed :]:
            self.spool.append(data.draw(st.sampled_from(self.written[self.committed :])))

    @rule(max_bytes=st.integers(1, 500))
    def take(self, max_bytes: int) -> None:
        records = self.spool.read(max_bytes, 0)
        assert [record.body for record in records] == self.written[self.read : self.read + len(records)]
        assert records or self.read == len(self.written)
        self.positions[self.read :] = [record.position for record in records]
        self.read += len(records)
        assert self.positions == sorted(set(self.positions))

    @rule(data=st.data())
    def commit(self, data: st.DataObject) -> None:
        if self.read > self.committed:
            self.committed = data.draw(st.integers(self.committed + 1, self.read))
            self.spool.commit(self.positions[self.committed - 1])

    @rule()
    def reopen(self) -> None:
        self.spool.close()
        self.spool = Spool(self.root / str(self.lives), **self.sizes)
        self._nothing_read()

    @rule(data=st.data())
    def crash(self, data: st.DataObject) -> None:
        """The files as they are, the last one cut anywhere, are opened by a new process."""
        before = self.root / str(self.lives)
        self.lives += 1
        after = self.root / str(self.lives)
        shutil.copytree(before, after)
        self.spool.close()
        segments = sorted(after.glob("*.seg"))
        if segments and self.committed < len(self.written):
            size = segments[-1].stat().st_size
            lost = data.draw(st.integers(0, size))
            os.truncate(segments[-1], size - lost)
            self._lose(lost)
        self.spool = Spool(after, **self.sizes)
        self._nothing_read()

    @invariant()
    def counts_are_right(self) -> None:
        if hasattr(self, "spool"):
            assert self.spool.status(0).records == len(self.written) - self.committed

    def teardown(self) -> None:
        if hasattr(self, "spool"):
            self.spool.close()
        shutil.rmtree(self.root)

    def _lose(self, lost: int) -> None:
        while lost > 0:
            lost -= HEADER_BYTES + len(self.written.pop())
        self.committed = min(self.committed, len(self.written))

    def _nothing_read(self) -> None:
        self.read = self.committed
        del self.positions[self.committed :]


SpoolModel.TestCase.settings = settings(
    max_examples=50, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestSpoolModel = SpoolModel.TestCase
