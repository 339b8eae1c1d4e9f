"""Memory that one step of a network frees, kept for the next one."""

from __future__ import annotations

import ctypes
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch

#: Numbers of glibc's ``mallopt`` (malloc.h), what they are set to, and what they are otherwise.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4
_KEEPING = {_TRIM_THRESHOLD: 2**31 - 1, _TOP_PAD: 2**26, _MMAP_MAX: 0}
_USUAL = {_TRIM_THRESHOLD: 2**17, _TOP_PAD: 2**17, _MMAP_MAX: 2**16}

_lock = threading.Lock()
_users = 0


@contextmanager
def reuse_memory(device: torch.device) -> Iterator[None]:
    """Keep what is freed for what is allocated next; given back when the last one leaves.

    The GNU C library, which PyTorch allocates with on Linux, asks the system for each large array and gives it back at
    once. The system hands it out page by page, each of them cleared: a seventh of the time of a training step
    (`benchmarks/training.py`), in which nothing else runs on that core, not even the window. Elsewhere, and on a GPU,
    this does nothing. The results are the same.

    Parameters
    ----------
    device
        Where the network is computed.

    Examples
    --------
    >>> import torch
    >>> with reuse_memory(torch.device("cpu")):
    ...     torch.ones(2).sum().item()
    2.0
    """
    library = _library() if device.type == "cpu" else None
    if library is None:
        yield
        return
    _enter(library)
    try:
        yield
    finally:
        _leave(library)


def _library() -> ctypes.CDLL | None:
    """Give the C library, if it is one that can be told what to keep."""
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    return library if hasattr(library, "mallopt") and hasattr(library, "malloc_trim") else None


def _enter(library: ctypes.CDLL) -> None:
    """Count one more who wants memory kept; the first has it kept."""
    global _users
    with _lock:
        _users += 1
        if _users == 1:
            _set(library, _KEEPING)


def _leave(library: ctypes.CDLL) -> None:
    """Count one less; the last gives back what is free."""
    global _users
    with _lock:
        _users -= 1
        if not _users:
            _set(library, _USUAL)
            library.malloc_trim(0)


def _set(library: ctypes.CDLL, options: dict[int, int]) -> None:
    """Tell the library what to keep."""
    for number, value in options.items():
        library.mallopt(number, value)
