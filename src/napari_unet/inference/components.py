"""The connected regions of one block, and where they meet those of the blocks around it."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from scipy import ndimage

from napari_unet.inference.regions import NO_PAIRS, NO_PIXEL, unique_pairs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    Box = tuple[slice, ...]

Part = TypeVar("Part")


def label_block(mask: NDArray[np.bool_]) -> tuple[NDArray[np.int32], int]:
    """Find the regions of one block and number them, cells before background.

    Parameters
    ----------
    mask
        Foreground, bool, any number of axes.

    Returns
    -------
    ids : ndarray
        Region of each pixel, from 1, int32, shape of ``mask``.
    n_cells : int
        Number of foreground regions.

    Examples
    --------
    >>> label_block(np.array([[True, False, True]]))
    (array([[1, 3, 2]], dtype=int32), 2)
    """
    ids, background = np.empty(mask.shape, dtype=np.int32), np.empty(mask.shape, dtype=np.int32)
    n_cells = ndimage.label(mask, output=ids)
    ndimage.label(~mask, structure=np.ones((3,) * mask.ndim), output=background)
    np.add(background, n_cells, out=ids, where=~mask)
    return ids, n_cells


def face_pairs(ids: NDArray[np.int32]) -> NDArray[np.int64]:
    """List the regions of a block that share a face.

    Parameters
    ----------
    ids
        Region of each pixel, int32, any number of axes.

    Returns
    -------
    ndarray
        The different pairs, smaller id first, int64 (p, 2).

    Examples
    --------
    >>> face_pairs(np.array([[1, 1, 3], [1, 2, 3]], dtype=np.int32)).tolist()
    [[1, 2], [1, 3], [2, 3]]
    """
    found = [NO_PAIRS]
    for axis in range(ids.ndim):
        lines = np.moveaxis(ids, axis, 0)
        before, after = lines[:-1], lines[1:]
        differ = before != after
        found.append(np.stack([before[differ], after[differ]], axis=1).astype(np.int64))
    return unique_pairs(np.sort(np.concatenate(found), axis=1))


def measure_runs(ids: NDArray[np.int32], count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Measure the regions of a block, a run of equal pixels at a time.

    Parameters
    ----------
    ids
        Region of each pixel, from 1, int32, any number of axes, not empty.
    count
        Number of regions.

    Returns
    -------
    size : ndarray
        Pixels of regions 1 to ``count``, int64 (count,).
    first : ndarray
        Raster index in the block of their first pixel, int64 (count,).

    Examples
    --------
    >>> measure_runs(np.array([[2, 2, 1], [1, 2, 2]], dtype=np.int32), 2)
    (array([2, 4]), array([2, 0]))
    """
    flat = ids.ravel()
    starts = np.concatenate([[0], np.flatnonzero(flat[1:] != flat[:-1]) + 1])
    regions = flat[starts] - 1
    size = np.zeros(count, dtype=np.int64)
    np.add.at(size, regions, np.diff(starts, append=flat.size))
    first = np.full(count, NO_PIXEL)
    np.minimum.at(first, regions, starts)
    return size, first


def find_open(ids: NDArray[np.int32], box: Box, shape: tuple[int, ...]) -> NDArray[np.int32]:
    """List the regions of a block that touch the edge of the array.

    Parameters
    ----------
    ids
        Region of each pixel, int32, any number of axes.
    box
        Where the block lies.
    shape
        Shape of the array. An axis of one pixel, as a single plane has, has no edge.

    Returns
    -------
    ndarray
        Their ids, some of them often, int32.
    """
    found = [np.empty(0, dtype=np.int32)]
    for axis, (part, size) in enumerate(zip(box, shape, strict=True)):
        if size > 1 and part.start == 0:
            found.append(ids.take(0, axis).ravel())
        if size > 1 and part.stop == size:
            found.append(ids.take(-1, axis).ravel())
    return np.concatenate(found)


def seam_pairs(ids: NDArray[np.int32], box: Box) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """List the regions that meet at the seams between a block and those around it.

    Parameters
    ----------
    ids
        Region of each pixel of the whole array, 0 where not yet known, int32.
    box
        Where the block lies.

    Returns
    -------
    faces : ndarray
        Pairs that share a face, int64 (f, 2).
    corners : ndarray
        Pairs that meet by an edge or corner at least, int64 (c, 2).
    """
    faces, corners = [NO_PAIRS], [NO_PAIRS]
    for inner, beyond in _facing_planes(ids, box):
        margins = [outer - size for outer, size in zip(beyond.shape, inner.shape, strict=True)]
        for shift in product(*(range(margin + 1) for margin in margins)):
            shifted = beyond[tuple(slice(at, at + size) for at, size in zip(shift, inner.shape, strict=True))]
            is_known = shifted > 0
            pairs = np.stack([inner[is_known], shifted[is_known]], axis=1).astype(np.int64)
            is_face = all(2 * at == margin for at, margin in zip(shift, margins, strict=True))
            (faces if is_face else corners).append(pairs)
    return unique_pairs(np.concatenate(faces)), unique_pairs(np.concatenate(corners))


def _facing_planes(ids: NDArray[np.int32], box: Box) -> Iterator[tuple[NDArray[np.int32], NDArray[np.int32]]]:
    """Give each outermost plane of a block and the plane beyond it, this one wider by a pixel on every side."""
    wide = tuple(slice(max(part.start - 1, 0), part.stop + 1) for part in box)
    missing = [(int(part.start == 0), int(part.stop == size)) for part, size in zip(box, ids.shape, strict=True)]
    for axis, part in enumerate(box):
        for near, far in ((part.start, part.start - 1), (part.stop - 1, part.stop)):
            if 0 <= far < ids.shape[axis]:
                inner = ids[_cut(box, axis, slice(near, near + 1))]
                beyond = ids[_cut(wide, axis, slice(far, far + 1))]
                yield inner, np.pad(beyond, _cut(missing, axis, (0, 0)))


def _cut(parts: Sequence[Part], axis: int, part: Part) -> tuple[Part, ...]:
    """Replace the part of one axis."""
    return (*parts[:axis], part, *parts[axis + 1 :])
