"""Turn a complete truth into what a person would have painted: some cells, with background around them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.ndimage import distance_transform_edt, find_objects

from napari_unet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_unet.samples.painting import Labels

#: Width of the painted background, in radii of the cell.
_RING_SHARE = 0.4
_NARROWEST_RING = 2.0


def annotate_sparsely(labels: np.ndarray[Any, np.dtype[np.integer]], n_cells: int, *, seed: int = 0) -> Labels:
    """Annotate some whole cells, and a ring of true background around each.

    Parameters
    ----------
    labels
        Complete truth, integer instances of any shape, 0 = background.
    n_cells
        Number of cells, chosen at random.
    seed
        The same seed chooses the same cells.

    Returns
    -------
    numpy.ndarray
        int32 of the same shape in the sparse scheme: 0 = not annotated (cells nobody chose among it),
        1 = background, 2, 3, … = the chosen cells.

    Raises
    ------
    InputError
        When there are fewer cells than asked for.

    Examples
    --------
    >>> annotate_sparsely(np.array([[0, 0, 0, 7, 7, 0, 0, 0, 9]]), 1, seed=1)
    array([[0, 1, 1, 2, 2, 1, 1, 0, 0]], dtype=int32)
    """
    boxes = find_objects(labels)
    present = [number for number, box in enumerate(boxes, start=1) if box is not None]
    if not 1 <= n_cells <= len(present):
        raise InputError(
            f"{n_cells} cells cannot be annotated: the labels have {len(present)}; ask for 1 to that many."
        )
    return paint_cells(labels, np.random.default_rng(seed).choice(present, n_cells, replace=False).tolist())


def paint_cells(labels: np.ndarray[Any, np.dtype[np.integer]], numbers: Sequence[int]) -> Labels:
    """Annotate these cells wholly, and a ring of true background around each.

    Parameters
    ----------
    labels
        Complete truth, integer instances of any shape, 0 = background.
    numbers
        Cells that are there.

    Returns
    -------
    numpy.ndarray
        As from `annotate_sparsely`; the cells are numbered from 2 in the order given.

    Examples
    --------
    >>> paint_cells(np.array([[0, 0, 0, 7, 7, 0, 0, 0, 9]]), [9, 7])
    array([[0, 1, 1, 3, 3, 1, 1, 1, 2]], dtype=int32)
    """
    boxes = find_objects(labels)
    annotated = np.zeros(labels.shape, np.int32)
    for painted, number in enumerate(numbers, start=2):
        _paint_cell(annotated, labels, number, painted, boxes[number - 1])
    return annotated


def _paint_cell(annotated: Labels, labels: np.ndarray[Any, Any], number: int, painted: int, box: Any) -> None:
    """Paint one cell and its ring, in place."""
    cell = labels[box] == number
    extended_axes = sum(size > 1 for size in cell.shape)
    radius = float(np.count_nonzero(cell)) ** (1 / max(1, extended_axes)) / 2
    ring = max(_NARROWEST_RING, _RING_SHARE * radius)
    margin = int(np.ceil(ring))
    wide = tuple(slice(max(0, axis.start - margin), axis.stop + margin) for axis in box)
    truth, target = labels[wide], annotated[wide]
    near = distance_transform_edt(truth != number) <= ring
    target[near & (truth == 0)] = 1
    target[truth == number] = painted
