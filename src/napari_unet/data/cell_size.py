"""How large the annotated cells are, and what factor brings them to the size the network works best at."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from napari_unet.config.training import WORKING_DIAMETER_PX
from napari_unet.data.targets import read_annotation

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from napari_unet.data.training_image import TrainingImage

#: Cells are not enlarged more than this: there is nothing more to see, and the work grows with the square.
_LARGEST_SCALE = 3.0
_SMALLEST_SCALE = 0.05
#: From so close to 1 on, resampling would blur more than it helps.
_NO_CHANGE = 1.25


def cell_sizes(images: Iterable[TrainingImage], scheme: Literal["dense", "sparse"]) -> NDArray[np.int64]:
    """Count the pixels of each annotated cell.

    Parameters
    ----------
    images
        Images with their annotations.
    scheme
        What the labels mean.

    Returns
    -------
    numpy.ndarray
        A size a cell and plane, px.
    """
    sizes = [np.zeros(0, np.int64)]
    for image in images:
        for t, z in np.ndindex(image.labels.shape[0], image.labels.shape[2]):
            sizes.append(_plane_sizes(np.asarray(image.labels[t, 0, z]), scheme))
    return np.concatenate(sizes)


def _plane_sizes(labels: NDArray[Any], scheme: Literal["dense", "sparse"]) -> NDArray[np.int64]:
    """Count the pixels of each cell of a plane."""
    cells = read_annotation(labels, scheme)[0]
    return np.unique(cells[cells > 0], return_counts=True)[1]


def scale_to_working_size(sizes: NDArray[np.int64]) -> float:
    """Give the factor that brings typical cells to the size the network works best at.

    Parameters
    ----------
    sizes
        Pixels of each cell.

    Returns
    -------
    float
        Factor along each axis; 1 where cells are about right, or where there are none.

    Examples
    --------
    >>> scale_to_working_size(np.array([7854]))
    0.32
    >>> scale_to_working_size(np.array([800]))
    1.0
    """
    if not sizes.size:
        return 1.0
    # The diameter of a disc of this area.
    typical = math.sqrt(float(np.median(sizes)) * 4 / math.pi)
    scale = min(max(WORKING_DIAMETER_PX / typical, _SMALLEST_SCALE), _LARGEST_SCALE)
    return 1.0 if 1 / _NO_CHANGE <= scale <= _NO_CHANGE else round(scale, 2)
