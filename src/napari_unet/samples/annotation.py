"""Turn a complete truth into what a person would have painted: some clumps of cells, with background around them."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.ndimage import distance_transform_edt, find_objects

from napari_unet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from napari_unet.samples.painting import Labels

    Box = tuple[slice, ...]

#: Width of the painted background, in radii of the cell.
_RING_SHARE = 0.4
_NARROWEST_RING = 2.0
#: Cells painted side by side before going elsewhere: what lies between touching cells has to be seen, and so has the
#: rest of the image.
_CLUMP = 3

Truth = np.ndarray[Any, np.dtype[np.integer]]


def annotate_sparsely(labels: Truth, n_cells: int, *, seed: int = 0) -> Labels:
    """Annotate some whole cells, and a ring of true background around each.

    Cells are chosen at random, and with each up to two of its neighbours, as only cells that are painted side by side
    show what separates them. Cells that the edge of the image cuts off are painted beside others, or last.

    Parameters
    ----------
    labels
        Complete truth, integer instances of any shape, 0 = background.
    n_cells
        Number of cells.
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
    boxes = _find_cells(labels)
    if not 1 <= n_cells <= len(boxes):
        raise InputError(f"{n_cells} cells cannot be annotated: the labels have {len(boxes)}; ask for 1 to that many.")
    drawn = np.random.default_rng(seed).permutation(list(boxes)).tolist()
    order = sorted(drawn, key=lambda number: _is_cut(boxes[number], labels.shape))
    return paint_cells(labels, list(islice(_walk(labels, boxes, order), n_cells)))


def paint_cells(labels: Truth, numbers: Sequence[int]) -> Labels:
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
    boxes = _find_cells(labels)
    annotated = np.zeros(labels.shape, np.int32)
    for painted, number in enumerate(numbers, start=2):
        window, near = _look_around(labels, number, boxes[number])
        truth, target = labels[window], annotated[window]
        target[near & (truth == 0)] = 1
        target[truth == number] = painted
    return annotated


def _find_cells(labels: Truth) -> dict[int, Box]:
    """Give the box around each cell that is there."""
    return {number: box for number, box in enumerate(find_objects(labels), start=1) if box is not None}


def _is_cut(box: Box, shape: tuple[int, ...]) -> bool:
    """Tell whether a cell reaches the edge of a plane."""
    return any(part.start == 0 or part.stop == size for part, size in zip(box[-2:], shape[-2:], strict=True))


def _walk(labels: Truth, boxes: dict[int, Box], order: Iterable[int]) -> Iterator[int]:
    """Go from cell to cell, each with some of its neighbours before the next."""
    met: set[int] = set()
    for number in order:
        if number in met:
            continue
        window, near = _look_around(labels, number, boxes[number])
        numbers, contacts = np.unique(labels[window][near], return_counts=True)
        nearest_first = numbers[np.argsort(-contacts, kind="stable")].tolist()
        clump = [number, *(other for other in nearest_first if other not in (0, number, *met))][:_CLUMP]
        met.update(clump)
        yield from clump


def _look_around(labels: Truth, number: int, box: Box) -> tuple[Box, NDArray[np.bool_]]:
    """Give a window around a cell, and in it the cell with its ring, whatever lies there."""
    cell = labels[box] == number
    extended_axes = sum(size > 1 for size in cell.shape)
    radius = float(np.count_nonzero(cell)) ** (1 / max(1, extended_axes)) / 2
    ring = max(_NARROWEST_RING, _RING_SHARE * radius)
    margin = int(np.ceil(ring))
    window = tuple(slice(max(0, axis.start - margin), axis.stop + margin) for axis in box)
    return window, distance_transform_edt(labels[window] != number) <= ring
