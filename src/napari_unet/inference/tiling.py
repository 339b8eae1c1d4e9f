"""Overlap-tile: which parts of an image are predicted one by one, and what is read for each.

The halo is exact and tiles start on multiples of the period of max-pooling, so that a tiled prediction equals that of
the whole image. Beyond the edges of the image, and nowhere else, the image is mirrored.

References
----------
Ronneberger, Fischer, Brox, "U-Net: Convolutional Networks for Biomedical Image Segmentation", MICCAI 2015,
arXiv:1505.04597, figure 2.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet.errors import InputError
from napari_unet.geometry import SMALLEST_OUTPUT, AxisGeometry

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from napari_unet.inference.instances import Readable


@dataclass(frozen=True)
class Tile:
    """A part of an image that is predicted in one go.

    Attributes
    ----------
    inner
        What is kept, by axis, px; the inner parts of a plan cover the image once.
    outer
        What is read, by axis, px: inner part and halo. It reaches beyond the image, also below 0.
    """

    inner: tuple[slice, ...]
    outer: tuple[slice, ...]


def plan_tiles(shape: Sequence[int], geometry: Sequence[AxisGeometry], tile_px: int) -> list[Tile]:
    """Cut an image into tiles.

    Parameters
    ----------
    shape
        Lengths of the spatial axes, px.
    geometry
        Geometry of the network along each of them.
    tile_px
        Largest edge of the network's output, px. Tiles are of nearly equal size, and not smaller than one period of
        max-pooling.

    Returns
    -------
    list of Tile
        Tiles in the order of reading; the output of the network starts where the inner part starts.

    Examples
    --------
    >>> plan_tiles([512], [AxisGeometry(depth=4)], tile_px=388)[1]
    Tile(inner=(slice(256, 512, None),), outer=(slice(164, 608, None),))
    """
    return cover([slice(0, length) for length in shape], geometry, tile_px)


def cover(box: Sequence[slice], geometry: Sequence[AxisGeometry], tile_px: int) -> list[Tile]:
    """Cut a part of an image into tiles.

    Parameters
    ----------
    box
        Start and end along each spatial axis, px.
    geometry, tile_px
        As in `plan_tiles`.

    Returns
    -------
    list of Tile
        Tiles as in a plan. The first ones may start before the box: every tile starts on a multiple of the period of
        max-pooling.

    Examples
    --------
    >>> cover([slice(30, 70)], [AxisGeometry(depth=4)], tile_px=388)
    [Tile(inner=(slice(16, 70, None),), outer=(slice(-76, 176, None),))]
    """
    starts = [part.start - part.start % axis.alignment for part, axis in zip(box, geometry, strict=True)]
    axes = [[slice(start, part.stop)] for start, part in zip(starts, box, strict=True)]
    return _cut(axes, geometry, tile_px)


def clip(box: Sequence[slice], shape: Sequence[int]) -> tuple[slice, ...]:
    """Give the part of a box that lies in an image.

    Parameters
    ----------
    box
        Start and end along each spatial axis, px; either may be missing.
    shape
        Lengths of the spatial axes, px.

    Returns
    -------
    tuple of slice
        The part, with both ends.

    Raises
    ------
    InputError
        If nothing of it lies in the image.

    Examples
    --------
    >>> clip([slice(None), slice(40, 90)], [64, 64])
    (slice(0, 64, None), slice(40, 64, None))
    """
    inside = tuple(slice(*part.indices(length)[:2]) for part, length in zip(box, shape, strict=True))
    if any(part.start >= part.stop for part in inside):
        raise InputError(f"Nothing of the image of {' x '.join(map(str, shape))} px lies in {tuple(box)}.")
    return inside


def split_tile(tile: Tile, geometry: Sequence[AxisGeometry], tile_px: int) -> list[Tile]:
    """Cut a tile into smaller ones.

    Parameters
    ----------
    tile
        Tile of a plan.
    geometry
        Geometry of the network along each axis.
    tile_px
        Largest edge of the network's output, px.

    Returns
    -------
    list of Tile
        Tiles whose inner parts cover that of ``tile``.
    """
    return _cut([[kept] for kept in tile.inner], geometry, tile_px)


def read_mirrored(image: Readable, outer: Sequence[slice]) -> NDArray[Any]:
    """Read a window that may reach beyond the image, where the image is mirrored at the middle of its edge pixels.

    Parameters
    ----------
    image
        Array whose last axes are spatial: numpy, memory-mapped or dask. Only the pixels needed are read.
    outer
        Window by spatial axis, px, as in `Tile.outer`. It may be many times larger than the image.

    Returns
    -------
    numpy.ndarray
        Array of the type of the image.

    Examples
    --------
    >>> read_mirrored(np.array([5, 6, 7]), [slice(-3, 5)]).tolist()
    [6, 7, 6, 5, 6, 7, 6, 5]
    """
    lengths = image.shape[len(image.shape) - len(outer) :]
    indices = [_mirror(np.arange(part.start, part.stop), length) for part, length in zip(outer, lengths, strict=True)]
    needed = tuple(slice(int(index.min()), int(index.max()) + 1) for index in indices)
    window = np.asarray(image[(..., *needed)])
    for axis, (index, part) in enumerate(zip(indices, needed, strict=True), start=window.ndim - len(outer)):
        window = window.take(index - part.start, axis)
    return window


def _cut(axes: Sequence[Sequence[slice]], geometry: Sequence[AxisGeometry], tile_px: int) -> list[Tile]:
    """Make the tiles of a product of intervals."""
    cuts = [
        [(inner, _outer(inner, axis)) for part in parts for inner in _cut_axis(part, axis, tile_px)]
        for parts, axis in zip(axes, geometry, strict=True)
    ]
    return [Tile(*zip(*parts, strict=True)) for parts in itertools.product(*cuts)]


def _cut_axis(whole: slice, axis: AxisGeometry, tile_px: int) -> Iterator[slice]:
    """Cut an interval that starts on a multiple of the alignment into nearly equal ones that do, too."""
    # The output of a network is a multiple of the alignment and these few pixels, which only the last tile uses.
    length = max(whole.stop - whole.start - SMALLEST_OUTPUT, 1)
    largest = max((tile_px - SMALLEST_OUTPUT) // axis.alignment, 1)
    blocks = -(-length // axis.alignment)
    n_tiles = -(-blocks // largest)
    starts = [whole.start + axis.alignment * (blocks * tile // n_tiles) for tile in range(n_tiles)]
    return map(slice, starts, [*starts[1:], whole.stop])


def _outer(inner: slice, axis: AxisGeometry) -> slice:
    """Give what the network must read to predict an interval."""
    start = inner.start - axis.halo
    return slice(start, start + axis.input_size(axis.fit_output(inner.stop - inner.start)))


def _mirror(indices: NDArray[np.int_], length: int) -> NDArray[np.int_]:
    """Fold indices into an axis; the edge pixel is not repeated (numpy's ``reflect``)."""
    last = length - 1
    period = max(2 * last, 1)
    return np.abs((indices + last) % period - last)
