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

#: Cells of these diameters are left as they are, px: images to come may hold smaller and larger ones.
_FITTING_PX = (14.0, 45.0)
#: Smaller cells are brought to this diameter, px; enlarging more shows nothing more and costs time.
_SMALL_PX = 22.0
#: Bounds of the factor: what a stray pixel taken for a cell may do.
_BOUNDS = (0.05, 3.0)


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
    smallest, largest = _FITTING_PX
    if smallest <= typical <= largest:
        return 1.0
    wanted = _SMALL_PX if typical < smallest else WORKING_DIAMETER_PX
    return round(min(max(wanted / typical, _BOUNDS[0]), _BOUNDS[1]), 2)
