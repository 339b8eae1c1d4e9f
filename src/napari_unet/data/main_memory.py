"""How much main memory is free. Needs no torch."""

from __future__ import annotations

import os
from pathlib import Path

#: What is assumed where the system does not tell, bytes.
_UNKNOWN = 2 * 2**30


def free_main_memory() -> int:
    """Ask the operating system for the main memory that can be taken without swapping.

    Returns
    -------
    int
        Bytes; a guess where the system does not tell.
    """
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration):
        return _part_of_all_memory()


def _part_of_all_memory() -> int:
    """Take half of the machine's memory for free, where the system tells it."""
    if not hasattr(os, "sysconf"):
        return _UNKNOWN
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
