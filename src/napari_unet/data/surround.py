"""The term of a weight that depends on the cells around a pixel.

It is computed tile by tile, and each tile reads as many pixels around it as the formula reaches: a rectangle computed
alone is equal, to the last bit, to the same rectangle of the whole.
"""

from __future__ import annotations

import math
import os
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from napari_unet.data.nearest_cells import Reach, nearest_two
from napari_unet.data.rectangles import Rectangle, within
from napari_unet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from napari_unet.config.weight_map import WeightMapConfig

_NEGLIGIBLE = 2e-6
_TILE = (16, 128, 1024)  # px; the working arrays of a plane's tile fit a processor's cache


class SurroundTerm:
    """The term of a weight that depends on the cells around a pixel, as if every pixel were background.

    Parameters
    ----------
    config
        Formula and its numbers.
    n_axes
        2 for planes, 3 for volumes.
    spacing
        Size of a pixel along each axis, in any unit: the smaller of the last two is 1 px. None: the same along all.

    Raises
    ------
    InputError
        If there are other than two or three axes, or not one size above 0 for each.
    """

    def __init__(self, config: WeightMapConfig, n_axes: int, spacing: Sequence[float] | None = None) -> None:
        sizes = _pixel_sizes(n_axes, spacing)
        self._border = config.border
        self._surround = (0.0, 1.0)
        if config.formula == "falk2019":
            self._surround = (1 - config.background_weight, config.surround_width_px)
        border, surround = (_cut_off(*term) for term in (self._border, self._surround))
        # The border term depends on d1 + d2, and d1 is the smaller of the two.
        self._reach = Reach(max(border / 2, surround), border, sizes)
        self.halo = self._reach.halo

    def __call__(self, cells: NDArray[np.int32], rectangle: Rectangle) -> NDArray[np.float32]:
        """Compute a rectangle.

        Parameters
        ----------
        cells
            All cells.
        rectangle
            Where, a slice with both ends along each axis.

        Returns
        -------
        numpy.ndarray
            float32, of the shape of the rectangle.
        """
        term = np.zeros(tuple(part.stop - part.start for part in rectangle), np.float32)

        def fill(tile: Rectangle) -> None:
            self._fill(term[within(tile, rectangle)], _read_with_halo(cells, tile, self.halo))

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for _ in pool.map(fill, _tiles(rectangle)):
                pass
        return term

    def _fill(self, term: NDArray[np.float32], cells: NDArray[np.int32]) -> None:
        """Compute a tile from its cells and those around it."""
        low, high = int((cells.astype(np.uint32) - np.uint32(1)).min()) + 1, int(cells.max())
        if high == 0 or (low == high and self._surround[0] == 0):
            return
        near, following, scale = nearest_two(cells, self._reach)
        chosen = near <= near.dtype.type(self._reach.near**2 * scale)
        if not self._surround[0]:
            chosen &= following <= near.dtype.type(self._reach.following**2 * scale)
        first = np.sqrt(near[chosen] / scale)
        values = _bell(first + np.sqrt(following[chosen] / scale), *self._border)
        if self._surround[0]:
            values += _bell(first, *self._surround)
        term[chosen] = values


def _pixel_sizes(n_axes: int, spacing: Sequence[float] | None) -> tuple[float, ...]:
    """Give the size of a pixel along each axis in px."""
    if n_axes not in (2, 3):
        raise InputError(
            f"A weight map is made of a plane (Y, X) or a volume (Z, Y, X), not of {n_axes} axes. "
            "Give one plane or volume of a series at a time."
        )
    sizes = (1.0,) * n_axes if spacing is None else tuple(float(size) for size in spacing)
    if len(sizes) != n_axes or min(sizes) <= 0:
        raise InputError(f"The spacing must be {n_axes} numbers above 0, one for each axis, it is {sizes}.")
    return tuple(size / min(sizes[-2:]) for size in sizes)


def _cut_off(height: float, width: float) -> float:
    """Give the distance from which on a bell is negligible."""
    return width * math.sqrt(2 * math.log(max(height / _NEGLIGIBLE, 1.0)))


def _bell(distance: NDArray[np.float64], height: float, width: float) -> NDArray[np.float64]:
    """Give height · exp(−distance² / 2 width²), 0 from the cut-off on."""
    values = distance**2
    values *= -0.5 / width**2
    np.exp(values, out=values)
    values *= height
    values[distance > _cut_off(height, width)] = 0
    return values


def _tiles(rectangle: Rectangle) -> Iterator[Rectangle]:
    """Cut a rectangle in tiles that fit a processor's cache, rows whole as far as possible."""
    edges = _TILE[-len(rectangle) :]
    starts = (range(part.start, part.stop, edge) for part, edge in zip(rectangle, edges, strict=True))
    for corner in product(*starts):
        yield tuple(
            slice(start, min(start + edge, part.stop))
            for start, edge, part in zip(corner, edges, rectangle, strict=True)
        )


def _read_with_halo(cells: NDArray[np.int32], tile: Rectangle, halo: tuple[int, ...]) -> NDArray[np.int32]:
    """Read a tile and ``halo`` pixels around it, no cells beyond the edge."""
    wanted = [(part.start - margin, part.stop + margin) for part, margin in zip(tile, halo, strict=True)]
    inside = tuple(slice(max(a, 0), min(b, size)) for (a, b), size in zip(wanted, cells.shape, strict=True))
    missing = [(part.start - a, b - part.stop) for (a, b), part in zip(wanted, inside, strict=True)]
    return np.pad(cells[inside], missing)
