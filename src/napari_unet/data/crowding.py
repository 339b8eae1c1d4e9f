"""How crowded cells are: where most of them nearly touch another, what lies between them matters most."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from skimage.segmentation import expand_labels

from napari_unet.data.cell_size import count_cell_pixels, typical_diameter
from napari_unet.data.targets import read_annotation
from napari_unet.data.training_image import annotated_planes, read_labels

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from napari_unet.data.training_image import TrainingImage

#: Cells are neighbours when less than this share of their diameter lies between them.
_GAP = 0.25
#: Cells are crowded from this share on of those that have a neighbour.
_CROWDED = 0.5
#: Planes looked at, and diameter in px to which larger cells are thinned out: that is enough to tell.
_MOST_PLANES, _DIAMETER_PX = 6, 24


def are_crowded(images: Iterable[TrainingImage], scheme: Literal["dense", "sparse"]) -> bool:
    """Tell whether most of the annotated cells nearly touch another one.

    Parameters
    ----------
    images
        Images with their annotations.
    scheme
        What the labels mean.

    Returns
    -------
    bool
        False where there are no cells.
    """
    planes = annotated_planes(images, _MOST_PLANES)
    annotations = (read_labels(image, place) for image, place in planes)
    return crowd(read_annotation(labels, scheme, ignore)[0] for labels, ignore in annotations)


def crowd(planes: Iterable[NDArray[Any]]) -> bool:
    """Tell whether most cells nearly touch another one.

    Parameters
    ----------
    planes
        Cells, 0 is background, integers (y, x).

    Returns
    -------
    bool
        Whether at least half of the cells, over all planes, have a neighbour within a quarter of their diameter.

    Examples
    --------
    >>> squares = np.zeros((20, 44), int)
    >>> squares[5:15, 5:15], squares[5:15, 17:27], squares[5:15, 32:42] = 1, 2, 3
    >>> crowd([squares]), crowd([np.where(squares == 2, 0, squares)]), crowd([])
    (True, False, False)
    """
    return are_many(count_neighbours(plane) for plane in planes)


def are_many(counts: Iterable[tuple[int, int]]) -> bool:
    """Tell whether so many cells have a neighbour that they are crowded.

    Parameters
    ----------
    counts
        Of each plane what `count_neighbours` gives.

    Returns
    -------
    bool
        Whether they are at least half of all, over all planes.

    Examples
    --------
    >>> are_many([(1, 4), (2, 2)]), are_many([(1, 4)]), are_many([])
    (True, False, False)
    """
    n_met, n_cells = np.sum([(0, 0), *counts], axis=0)
    return bool(n_cells > 0 and n_met >= _CROWDED * n_cells)


def count_neighbours(cells: NDArray[Any]) -> tuple[int, int]:
    """Count the cells that have a neighbour within a quarter of their diameter, and all.

    Parameters
    ----------
    cells
        Cells, 0 is background, integers (y, x).

    Returns
    -------
    tuple of int
        Cells with a neighbour, and cells.
    """
    diameter = typical_diameter(count_cell_pixels(cells))
    if diameter is None:
        return 0, 0
    step = max(1, int(diameter / _DIAMETER_PX))
    thinned = cells[::step, ::step]
    grown = expand_labels(thinned, _GAP / 2 * diameter / step + 1)  # type: ignore[no-untyped-call]
    met: set[int] = set()
    for lines in (grown, grown.T):
        before, after = lines[:-1], lines[1:]
        meet = (before != after) & (before > 0) & (after > 0)
        met.update(np.unique(before[meet]).tolist(), np.unique(after[meet]).tolist())
    return len(met), count_cell_pixels(thinned).size
