"""Room for results: in memory while they are small, in a file when they are large."""

from __future__ import annotations

import math
import os
import shutil
import sys
import tempfile
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from napari_unet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import DTypeLike, NDArray

#: Results up to this size stay in memory, bytes.
IN_MEMORY = 2**30


def make_room(shape: Sequence[int], dtype: DTypeLike, folder: Path) -> NDArray[Any]:
    """Make an array of zeros, in a file where it is large.

    Parameters
    ----------
    shape, dtype
        Of the array.
    folder
        Where a file may stand; created if need be. The file has no name and vanishes with the array.

    Returns
    -------
    numpy.ndarray
        In memory, or a memory map.

    Raises
    ------
    InputError
        If the disk has too little room.

    Examples
    --------
    >>> from pathlib import Path
    >>> make_room((2, 3), np.int32, Path()).tolist()
    [[0, 0, 0], [0, 0, 0]]
    """
    size = _n_bytes(shape, dtype)
    if size <= IN_MEMORY:
        return np.zeros(tuple(shape), dtype)
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if free < size:
        raise InputError(
            f"The result needs {size / 2**30:.1f} GB, but {folder} has {free / 2**30:.1f} GB left. Make room there, or "
            "segment fewer planes."
        )
    with tempfile.TemporaryFile(dir=folder) as file:
        return map_file(file, shape, dtype)


def map_file(file: IO[bytes], shape: Sequence[int], dtype: DTypeLike) -> NDArray[Any]:
    """Make an array of zeros in an empty file.

    Parameters
    ----------
    file
        Open for reading and writing; the array lives on when it is closed.
    shape, dtype
        Of the array.

    Returns
    -------
    numpy.memmap
        The array.

    Raises
    ------
    OSError
        If the disk has too little room, on Linux; elsewhere that shows only when it is written to.
    """
    if sys.platform == "linux":
        # Without a reservation, a disk that becomes full kills the program while it writes into the array.
        os.posix_fallocate(file.fileno(), 0, max(1, _n_bytes(shape, dtype)))
    return np.memmap(file, dtype, shape=tuple(shape))


def _n_bytes(shape: Sequence[int], dtype: DTypeLike) -> int:
    """Count the bytes of an array."""
    return math.prod(shape) * np.dtype(dtype).itemsize
