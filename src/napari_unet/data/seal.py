"""Seals of label files: whether a file still holds what this program wrote, or a person has had a hand in it since."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile

from napari_unet.data.tiff import reading
from napari_unet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

_START = "napari-unet-interactive, labels of sha256 "


def seal(planes: Iterable[NDArray[Any]]) -> str:
    """Give the seal of labels, to be written as the name of the software that made the file.

    Programs that change a file write it anew, under their own name or none; and who keeps the seal but changes a pixel
    breaks it.

    Parameters
    ----------
    planes
        The pixels as they are stored, plane by plane.

    Returns
    -------
    str
        ASCII text.

    Examples
    --------
    >>> seal([np.zeros((2, 2), np.uint16)])[:50]
    'napari-unet-interactive, labels of sha256 af5570f5'
    """
    digest = hashlib.sha256()
    for plane in planes:
        digest.update(np.ascontiguousarray(plane).data)
    return _START + digest.hexdigest()


def is_sealed(path: Path) -> bool:
    """Tell whether a file holds a seal that is not broken.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    bool
        False, too, where it cannot be read.
    """
    try:
        with reading(path), tifffile.TiffFile(path) as file:
            written = str(file.pages.first.software)
            return written.startswith(_START) and written == seal(page.asarray() for page in file.pages)
    except (InputError, OSError):  # what cannot be read is not ours
        return False
