"""The segmented log that makes a request durable before it is acknowledged. Start reading at `spool.py`."""

from spancost.spool.spool import Record, Spool, SpoolStatus

__all__ = ["Record", "Spool", "SpoolStatus"]
