"""What an annotation says: which pixels are annotated, which cell each belongs to, and the class the network learns.

Everything here looks one pixel far, so a rectangle can be redone alone. The exception is a cell so thin that it would
lose all its pixels to the ridges around it (`find_vanishing`).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from napari_unet.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

NOT_ANNOTATED = 255
"""Entry of a class map where nobody said what the pixel is."""

_SLAB_PX = 2**16  # so that a slab of int32 stays in the processor's cache


def read_annotation(
    labels: NDArray[Any], scheme: Literal["dense", "sparse"], ignore: NDArray[np.bool_] | None = None
) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Read labels of either scheme.

    Parameters
    ----------
    labels
        Integers of any shape. ``dense``: 0 background, from 1 on the cells. ``sparse``: 0 not annotated, 1 background,
        from 2 on the cells.
    scheme
        Which of the two.
    ignore
        Where not to look, same shape: not annotated, and no cell; None: nowhere.

    Returns
    -------
    cells : numpy.ndarray
        int32, same shape: one number from 1 on a cell, 0 where no annotated cell is.
    annotated : numpy.ndarray
        bool, same shape.

    Raises
    ------
    InputError
        If the labels are not integers from 0 on, or ``ignore`` has another shape.

    Examples
    --------
    >>> cells, annotated = read_annotation(np.array([0, 1, 2, 3]), "sparse")
    >>> cells.tolist(), annotated.tolist()
    ([0, 0, 1, 2], [False, True, True, True])
    """
    _check(labels, ignore)
    cells = labels.astype(np.int32)
    if scheme == "sparse":
        annotated = cells > 0
        cells -= annotated
    else:
        annotated = np.ones(cells.shape, bool)
    if ignore is not None:
        annotated &= ~ignore
        cells *= annotated
    return cells, annotated


def _check(labels: NDArray[Any], ignore: NDArray[np.bool_] | None) -> None:
    """Refuse what is no annotation."""
    if labels.dtype.kind not in "iub":
        raise InputError(
            f"Labels must be integers, these are {labels.dtype}. Give a label image; if it is one stored as "
            "floating point, convert it with labels.astype('int32')."
        )
    low, high = (int(labels.min()), int(labels.max())) if labels.size else (0, 0)
    if low < 0 or high > np.iinfo(np.int32).max:
        raise InputError(
            f"Labels must lie between 0 and {np.iinfo(np.int32).max}, these reach from {low} to {high}. "
            "Set what is negative to 0 and renumber the rest, for example with "
            "labels = skimage.segmentation.relabel_sequential(numpy.maximum(labels, 0))[0]."
        )
    if ignore is not None and ignore.shape != labels.shape:
        raise InputError(
            f"The ignore mask has shape {ignore.shape}, the labels {labels.shape}. They must be equal: "
            "check that both belong to the same image."
        )


def make_target(
    cells: NDArray[np.int32], annotated: NDArray[np.bool_], target: Literal["instances", "classes"]
) -> NDArray[np.uint8]:
    """Make the class map a network learns.

    Parameters
    ----------
    cells, annotated
        From `read_annotation`.
    target
        ``instances``: 1 in cells, 0 in the background and on ridges between cells that touch, so that the parts of
        two cells are never neighbours, not even by a corner. ``classes``: the number is the class.

    Returns
    -------
    numpy.ndarray
        uint8, same shape; `NOT_ANNOTATED` where nobody said.

    Raises
    ------
    InputError
        If there are more than 255 classes.

    Examples
    --------
    >>> cells = np.array([[0, 1, 1, 1, 2, 2, 2]])
    >>> make_target(cells, cells >= 0, "instances").tolist()
    [[0, 1, 1, 0, 0, 1, 1]]
    """
    if target == "instances":
        touching = find_touching(cells)
        classes = mark_inside(cells, touching, find_vanishing(cells, touching)).astype(np.uint8)
    else:
        if cells.max(initial=0) >= NOT_ANNOTATED:
            raise InputError(
                f"Classes must be numbered below {NOT_ANNOTATED}, the largest is {cells.max()}. "
                "If each label is one cell, choose the target 'instances'."
            )
        classes = cells.astype(np.uint8)
    classes[~annotated] = NOT_ANNOTATED
    return classes


def find_touching(cells: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Find the pixels of cells that have another cell among the pixels around them, corners included.

    Parameters
    ----------
    cells
        Cell numbers, 0 where no cell is; any number of axes.

    Returns
    -------
    numpy.ndarray
        bool, same shape.
    """
    touching = np.empty(cells.shape, bool)
    rows = max(1, _SLAB_PX // max(1, math.prod(cells.shape[1:])))
    for start in range(0, len(cells), rows):
        first = max(start - 1, 0)
        slab = cells[first : start + rows + 1]
        below = _before_all_cells(slab)
        found = (_extreme(np.maximum, slab) != slab) | (_extreme(np.minimum, below) != below)
        touching[start : start + rows] = found[start - first :][:rows]
    touching &= cells > 0
    return touching


def find_vanishing(cells: NDArray[np.int32], touching: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Find the cells of which every pixel touches another cell.

    Parameters
    ----------
    cells, touching
        See `find_touching`.

    Returns
    -------
    numpy.ndarray
        Their numbers.
    """
    places = np.flatnonzero(touching)
    candidates = np.unique(cells.ravel()[places])
    # Most cells show a free pixel right beside; only for the others is the whole image read.
    for shift in (1, -1, cells.shape[-1], -cells.shape[-1]):
        beside = places + shift
        beside = beside[(beside >= 0) & (beside < cells.size)]
        candidates = np.setdiff1d(candidates, cells.ravel()[beside[~touching.ravel()[beside]]])
    return candidates[~np.isin(candidates, cells[~touching])] if candidates.size else candidates


def mark_inside(
    cells: NDArray[np.int32], touching: NDArray[np.bool_], vanishing: NDArray[np.int32]
) -> NDArray[np.bool_]:
    """Mark the inside of the cells: all but the ridges.

    Vanishing cells keep their pixels, since those of the cells around them are ridge already. Where two vanishing
    cells touch, the one with the lower number keeps them.

    Parameters
    ----------
    cells, touching, vanishing
        See `find_vanishing`.

    Returns
    -------
    numpy.ndarray
        bool, same shape.
    """
    inside = (cells > 0) & ~touching
    if vanishing.size:
        thin = np.where(np.isin(cells, vanishing), cells, 0)
        numbers = _before_all_cells(thin)
        inside |= (thin > 0) & (_extreme(np.minimum, numbers) == numbers)
    return inside


def _before_all_cells(cells: NDArray[np.int32]) -> NDArray[np.uint32]:
    """Renumber so that a minimum finds the lowest cell: 0 (no cell) becomes the largest number there is."""
    return cells.astype(np.uint32) - np.uint32(1)


def _extreme(choose: np.ufunc, numbers: NDArray[Any]) -> NDArray[Any]:
    """Give the maximum or minimum over each pixel and all its neighbours."""
    for axis in range(numbers.ndim):
        lines = np.moveaxis(numbers, axis, 0)
        result = numbers.copy()
        best = np.moveaxis(result, axis, 0)
        choose(best[1:], lines[:-1], out=best[1:])
        choose(best[:-1], lines[1:], out=best[:-1])
        numbers = result
    return numbers
