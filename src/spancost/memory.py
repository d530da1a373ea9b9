"""Memory that is not used goes back to the system."""

from __future__ import annotations

import ctypes

import pyarrow as pa

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_LARGE_BYTES = 256 << 10


def return_unused_memory() -> None:
    """Have Arrow and glibc give large blocks back as soon as they are free, and keep few heaps.

    A batch lives for a second and takes tens of megabytes; kept for later by every allocator that it passed through,
    they made a tenth of the process (`make bench`, 20,000 spans/s: 845 MB of RSS became 750). Other C libraries are
    left as they are. https://man7.org/linux/man-pages/man3/mallopt.3.html
    """
    pa.set_memory_pool(pa.system_memory_pool())
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return
    mallopt(_ARENA_MAX, 2)
    mallopt(_MMAP_THRESHOLD, _LARGE_BYTES)
    mallopt(_TRIM_THRESHOLD, _LARGE_BYTES)
