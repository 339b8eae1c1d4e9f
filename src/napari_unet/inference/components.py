"""The connected regions of one block, and where they meet those of the blocks around it."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from scipy import ndimage

from napari_unet.inference.regions import CERTAIN, NO_PAIRS, NO_PIXEL, Regions, unique_pairs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    Box = tuple[slice, ...]

Part = TypeVar("Part")


#: Kinds of pixels, in the order of the numbers that regions of them get.
CORE, SHELL, BACKGROUND = 0, 1, 2


def describe_block(
    kinds: NDArray[np.uint8], foreground: NDArray[Any], box: Box, shape: tuple[int, ...]
) -> tuple[NDArray[np.int32], Regions]:
    """Find the regions of one block.

    Parameters
    ----------
    kinds
        `CORE` and `SHELL`, which are foreground, or `BACKGROUND`, uint8, any number of axes, not empty.
    foreground
        Probability of foreground, 0 to 1, or mask, bool; shape of ``kinds``.
    box
        Where the block lies in the whole array, px.
    shape
        Shape of the whole array. An axis of one pixel, as a single plane has, has no edge.

    Returns
    -------
    ids : ndarray
        Region of each pixel, from 1, in the order of the kinds, int32, shape of ``kinds``.
    regions : Regions
        The regions from 1 on, without a region 0.

    Examples
    --------
    >>> kinds = np.array([[SHELL, BACKGROUND, SHELL]], np.uint8)
    >>> ids, regions = describe_block(kinds, kinds == SHELL, (slice(0, 1), slice(2, 5)), (1, 5))
    >>> ids
    array([[1, 3, 2]], dtype=int32)
    >>> regions.first, regions.is_open
    (array([2, 4, 3]), array([False,  True, False]))
    """
    ids, (n_cores, n_cells) = _label(kinds)
    count = int(ids.max())
    size, sureness, first = _measure_runs(ids, foreground, count)
    within = np.unravel_index(first, kinds.shape)
    start = [part.start for part in box]
    is_open = np.zeros(count, dtype=bool)
    is_open[_edge_pixels(ids, box, shape) - 1] = True
    return ids, Regions(
        is_cell=np.arange(count) < n_cells,
        is_core=np.arange(count) < n_cores,
        size=size,
        sureness=sureness,
        first=np.asarray(np.ravel_multi_index(tuple(map(np.add, within, start)), shape), dtype=np.int64),
        is_open=is_open,
        pairs=_face_pairs(ids),
        owner=np.arange(count),
    )


def seam_pairs(ids: NDArray[np.int32], box: Box) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """List the regions that meet at the seams between a block and those around it.

    Parameters
    ----------
    ids
        Region of each pixel of the whole array, 0 where not yet known, int32; the sign does not matter.
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


def _label(kinds: NDArray[np.uint8]) -> tuple[NDArray[np.int32], tuple[int, int]]:
    """Give the regions of each kind numbers, one kind after the other; tell how many are cores, and how many cells."""
    ids, part = np.empty(kinds.shape, dtype=np.int32), np.empty(kinds.shape, dtype=np.int32)
    counts = [0]
    for kind in (CORE, SHELL, BACKGROUND):
        is_kind = kinds == kind
        # Without a structure regions are connected by faces.
        around = np.ones((3,) * kinds.ndim) if kind == BACKGROUND else None
        n_regions = ndimage.label(is_kind, structure=around, output=part) if is_kind.any() else 0
        np.add(part, counts[-1], out=ids, where=is_kind)
        counts.append(counts[-1] + n_regions)
    return ids, (counts[1], counts[2])


def _measure_runs(
    ids: NDArray[np.int32], foreground: NDArray[Any], count: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Give size, sureness and first raster index of each region; runs of equal pixels are far fewer than pixels."""
    flat = ids.ravel()
    starts = np.concatenate([[0], np.flatnonzero(flat[1:] != flat[:-1]) + 1])
    regions = flat[starts] - 1
    size, sureness = np.zeros((2, count), dtype=np.int64)
    np.add.at(size, regions, np.diff(starts, append=flat.size))
    probability = np.rint(foreground.ravel() * np.float32(CERTAIN)).astype(np.uint16)
    np.add.at(sureness, regions, np.add.reduceat(probability, starts, dtype=np.int64))
    first = np.full(count, NO_PIXEL)
    np.minimum.at(first, regions, starts)
    return size, sureness, first


def _edge_pixels(ids: NDArray[np.int32], box: Box, shape: tuple[int, ...]) -> NDArray[np.int32]:
    """List the regions of the pixels of a block at the edge of the array."""
    found = [np.empty(0, dtype=np.int32)]
    for axis, (part, size) in enumerate(zip(box, shape, strict=True)):
        if size > 1 and part.start == 0:
            found.append(ids.take(0, axis).ravel())
        if size > 1 and part.stop == size:
            found.append(ids.take(-1, axis).ravel())
    return np.concatenate(found)


def _face_pairs(ids: NDArray[np.int32]) -> NDArray[np.int64]:
    """List the pairs of regions that share a face."""
    found = [NO_PAIRS]
    for axis in range(ids.ndim):
        lines = np.moveaxis(ids, axis, 0)
        before, after = lines[:-1], lines[1:]
        differ = before != after
        found.append(np.stack([before[differ], after[differ]], axis=1).astype(np.int64))
    return unique_pairs(np.sort(np.concatenate(found), axis=1))


def _facing_planes(ids: NDArray[np.int32], box: Box) -> Iterator[tuple[NDArray[np.int32], NDArray[np.int32]]]:
    """Give each outermost plane of a block and the plane beyond it, this one wider by a pixel on every side."""
    wide = tuple(slice(max(part.start - 1, 0), part.stop + 1) for part in box)
    missing = [(int(part.start == 0), int(part.stop == size)) for part, size in zip(box, ids.shape, strict=True)]
    for axis, part in enumerate(box):
        for near, far in ((part.start, part.start - 1), (part.stop - 1, part.stop)):
            if 0 <= far < ids.shape[axis]:
                inner = np.abs(ids[_cut(box, axis, slice(near, near + 1))])
                beyond = np.abs(ids[_cut(wide, axis, slice(far, far + 1))])
                yield inner, np.pad(beyond, _cut(missing, axis, (0, 0)))


def _cut(parts: Sequence[Part], axis: int, part: Part) -> tuple[Part, ...]:
    """Replace the part of one axis."""
    return (*parts[:axis], part, *parts[axis + 1 :])
