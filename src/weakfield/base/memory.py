"""How much memory this machine or a job's share of it can hold, how many workers fit, and memory that became free."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

#: the share of the available memory that workers may plan with; the rest is for other programs and for files in memory
SHARE = 0.8
_CGROUP, _SWAPS = Path("/sys/fs/cgroup/memory.max"), Path("/proc/meminfo")


def largest_memory() -> int:
    """Bytes that all processes together may ever hold: memory and swap, or the limit of the control group if lower."""
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") + _swap()
    try:
        limit = _CGROUP.read_text(encoding="ascii").strip()
    except OSError:
        return total
    return min(total, int(limit) + _swap()) if limit.isdigit() else total


def return_freed_memory() -> None:
    """Give back to the system what has been freed here; the C library keeps much of it, in pieces that fit nothing.

    It does nothing with C libraries that have no ``malloc_trim``.
    """
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError):
        return
    trim(0)


def _swap() -> int:
    try:
        lines = _SWAPS.read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("SwapTotal")), 0)


def available_memory() -> int:
    """Bytes that a process may still take, by what the system says is free and by the limit of the control group."""
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    try:
        with open("/proc/meminfo", encoding="ascii") as handle:
            free = next(int(line.split()[1]) * 1024 for line in handle if line.startswith("MemAvailable"))
    except (OSError, StopIteration):
        pass
    try:
        with open("/sys/fs/cgroup/memory.max", encoding="ascii") as limit:
            most = limit.read().strip()
        with open("/sys/fs/cgroup/memory.current", encoding="ascii") as used:
            free = min(free, int(most) - int(used.read())) if most != "max" else free
    except (OSError, ValueError):
        pass
    return free


def fitting(workers: int, each: int) -> int:
    """At most that many workers, as many as fit in memory if each needs ``each`` bytes; always one."""
    return max(1, min(workers, int(SHARE * available_memory()) // max(each, 1)))
