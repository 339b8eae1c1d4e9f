"""Room for results: in memory while they are small, in a file when they are large."""

from __future__ import annotations

import math
import os
import shutil
import sys
import tempfile
from typing import TYPE_CHECKING, Any

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
    size = math.prod(shape) * np.dtype(dtype).itemsize
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
        if sys.platform == "linux":
            # Without a reservation, a disk that becomes full kills the program while it writes into the array.
            os.posix_fallocate(file.fileno(), 0, size)
        return np.memmap(file, dtype, shape=tuple(shape))
