"""Growing cells: touching ones back over the ridge that separated them, and all into the rim around them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def growth_reach(grow_px: int) -> int:
    """Give the distance over which growing looks.

    Parameters
    ----------
    grow_px
        Width of growing, px.

    Returns
    -------
    int
        Pixels around a region that decide its result: to the ridge pixels, and from these to the cells.
    """
    return 2 * grow_px


def grow_back(labels: NDArray[np.int32], rim: NDArray[np.bool_], grow_px: int) -> NDArray[np.int32]:
    """Grow cells over the background that lies between two of them, and into their rims.

    The ridge is the background from which at least two cells are reached in ``grow_px`` steps (a step goes through a
    face, and not through cells). In each of ``grow_px`` rounds a pixel of ridge or rim takes the smallest label among
    its face neighbours. What faces one cell only is no ridge, so outlines towards open background without a rim stay.

    Parameters
    ----------
    labels
        Cells, 0 is background, int32, any number of axes.
    rim
        Background that belongs to a cell if there is one beside it, bool, shape of ``labels``; what lies in cells does
        not matter.
    grow_px
        Number of rounds, px.

    Returns
    -------
    ndarray
        The grown cells, int32, shape of ``labels``.

    Examples
    --------
    >>> rim = np.array([[False, False, False, False, False, True, False, True]])
    >>> grow_back(np.array([[0, 1, 0, 0, 2, 0, 0, 0]], dtype=np.int32), rim, 2)
    array([[0, 1, 1, 2, 2, 2, 0, 0]], dtype=int32)
    """
    return grow_into(labels, _find_ridge(labels, grow_px) | (rim & (labels == 0)), grow_px)


def grow_into(labels: NDArray[np.int32], free: NDArray[np.bool_], grow_px: int) -> NDArray[np.int32]:
    """Grow cells into free pixels.

    In each of ``grow_px`` rounds a free pixel takes the smallest label among its face neighbours.

    Parameters
    ----------
    labels
        Cells, 0 is background, int32, any number of axes.
    free
        Where they may grow, bool, shape of ``labels``; 0 in ``labels``.
    grow_px
        Number of rounds, px: so far away lies what decides the label of a pixel.

    Returns
    -------
    ndarray
        The grown cells, int32, shape of ``labels``.

    Examples
    --------
    >>> labels = np.array([[1, 0, 0, 0, 2]], dtype=np.int32)
    >>> grow_into(labels, np.array([[False, True, True, False, False]]), 5)
    array([[1, 1, 1, 0, 2]], dtype=int32)
    """
    # Padding keeps the order of the axes in memory, and only in row order is the flat array below a view.
    grown = np.pad(np.ascontiguousarray(labels), 1)
    flat = grown.ravel()
    pending = np.flatnonzero(np.pad(free, 1))
    steps = np.array(grown.strides) // grown.itemsize
    for _ in range(grow_px):
        if not pending.size:
            break
        reached = np.max([_smallest_first(flat[pending + step]) for step in (*steps, *-steps)], axis=0)
        is_reached = reached > 0
        flat[pending[is_reached]] = _smallest_first(reached[is_reached])
        pending = pending[~is_reached]
    return grown[(slice(1, -1),) * labels.ndim]


def _find_ridge(labels: NDArray[np.int32], grow_px: int) -> NDArray[np.bool_]:
    """Find the background from which two cells are within reach: the largest and smallest label reached differ."""
    is_cell = labels > 0
    largest, smallest = labels.view(np.uint32), _smallest_first(labels)
    for _ in range(grow_px):
        largest, smallest = _spread(largest, is_cell), _spread(smallest, is_cell)
    is_ridge: NDArray[np.bool_] = largest != _smallest_first(smallest)
    return is_ridge


def _smallest_first(labels: NDArray[np.int32 | np.uint32]) -> NDArray[np.uint32]:
    """Turn the order of labels round, background staying lowest; twice gives the labels back."""
    return np.negative(labels).view(np.uint32)


def _spread(values: NDArray[np.uint32], is_cell: NDArray[np.bool_]) -> NDArray[np.uint32]:
    """Let each pixel outside cells take the largest of its own and its face neighbours' values."""
    result = values.copy()
    for axis in range(values.ndim):
        source, target = np.moveaxis(values, axis, 0), np.moveaxis(result, axis, 0)
        np.maximum(target[1:], source[:-1], out=target[1:])
        np.maximum(target[:-1], source[1:], out=target[:-1])
    np.copyto(result, values, where=is_cell)
    return result
