"""The position up to which everything is stored: 12 bytes, overwritten in place.

It survives the death of the process, as the kernel holds it. It is synced only when the spool is closed: a lost or
damaged checkpoint only means that records are read, and stored, again.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path

from spancost.spool.record import crc32c

_POSITION = struct.Struct("<Q")
_CRC = struct.Struct("<I")


class Checkpoint:
    """The file `checkpoint` in a directory. Raises OSError."""

    def __init__(self, directory: Path) -> None:
        self._fd = os.open(directory / "checkpoint", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def load(self) -> int:
        """The position saved last; 0 when there is none that can be trusted."""
        data = os.pread(self._fd, _POSITION.size + _CRC.size, 0)
        if len(data) < _POSITION.size + _CRC.size:
            return 0
        position = data[: _POSITION.size]
        trusted = _CRC.unpack_from(data, _POSITION.size)[0] == crc32c(position)
        return int(_POSITION.unpack(position)[0]) if trusted else 0

    def save(self, position: int) -> None:
        """Remember the position."""
        packed = _POSITION.pack(position)
        os.pwrite(self._fd, packed + _CRC.pack(crc32c(packed)), 0)

    def close(self) -> None:
        """Make the position durable and let the file go."""
        try:
            os.fsync(self._fd)
        finally:
            os.close(self._fd)
