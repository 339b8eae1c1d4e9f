"""From cells to pixels: who owns a pixel, and a value for every pixel a cell owns. Works box by box."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.ndimage import distance_transform_edt, find_objects, label
from skimage.segmentation import find_boundaries

from napari_unet.samples.noise import slabs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from napari_unet.samples.cells import Cell, Field, Population
    from napari_unet.samples.noise import Floats, Tile

    Vectors = npt.NDArray[np.float64]
    Shader = Callable[[Cell, Vectors, Floats], npt.NDArray[np.floating]]

Labels = np.ndarray[Any, np.dtype[np.int32]]

#: Tile px of the shape noise along one radius.
_NOISE_PER_RADIUS = 8.0


@dataclass(frozen=True)
class Painted:
    """Cells on a grid.

    Attributes
    ----------
    field
        The pixel grid.
    cells
        Cell ``i`` has the label ``i + 1``.
    labels
        Owner of every pixel, 0 where nobody.
    level
        0 at the centre of the owner, 1 on its surface.
    """

    field: Field
    cells: Sequence[Cell]
    labels: Labels
    level: Floats

    def shade(self, shader: Shader) -> Floats:
        """Fill every cell with what ``shader(cell, offsets from its centre, level)`` says; 0 outside."""
        signal = np.zeros(self.field.shape, np.float32)
        for i, box in enumerate(find_objects(self.labels, len(self.cells))):
            if box is not None:
                owned = self.labels[box] == i + 1
                cell = self.cells[i]
                points = [np.broadcast_to(axis, owned.shape)[owned] for axis in _offsets(cell, self.field, box)]
                signal[box][owned] = shader(cell, np.stack(points), self.level[box][owned])
        return signal


def paint(cells: Sequence[Cell], field: Field, population: Population, shape_noise: Tile) -> Painted:
    """Give every pixel to the cell in which it lies deepest, so that neighbours meet in a smooth border.

    Parameters
    ----------
    cells
        The cells.
    field
        The pixel grid.
    population
        Irregularity and limit of the cells.
    shape_noise
        Tile of noise that dents the cells.

    Returns
    -------
    Painted
        Its labels may still consist of several pieces.
    """
    labels = np.zeros(field.shape, np.int32)
    level = np.full(field.shape, population.limit, np.float32)
    for i, cell in enumerate(cells):
        reach = cell.reach(population.limit + 2 * population.irregularity)
        box = _box(cell.centre, reach, field)
        unit = _unit(cell, _offsets(cell, field, box))
        own = np.sqrt((unit**2).sum(axis=0), dtype=np.float32)
        own += population.irregularity * shape_noise.at(
            unit * _NOISE_PER_RADIUS + cell.phase.reshape(-1, *[1] * unit[0].ndim)
        )
        deepest = own < level[box]
        labels[box][deepest] = i + 1
        level[box][deepest] = own[deepest]
    return Painted(field, cells, labels, level)


def carve_borders(labels: Labels, field: Field, width: float) -> None:
    """Set to 0, in place, all within half of ``width`` px of a border between two labels."""
    halo = int(np.ceil(width)) + 1
    original = labels.copy()
    for read, keep in slabs(labels.shape, halo):
        border = find_boundaries(original[read], mode="thick")  # type: ignore[no-untyped-call]
        inner = slice(keep.start - read.start, keep.stop - read.start)
        if border.any():
            near = distance_transform_edt(~border, sampling=field.step) < width / 2
            labels[keep][near[inner]] = 0


def keep_largest_pieces(labels: Labels, smallest: int) -> None:
    """Set to 0, in place, all but the largest piece of every label, and pieces below ``smallest`` pixels."""
    for i, box in enumerate(find_objects(labels)):
        if box is None:
            continue
        owned = labels[box] == i + 1
        pieces, _ = label(owned)
        sizes = np.bincount(pieces[owned])
        largest = int(sizes.argmax())
        lost = owned if sizes[largest] < smallest else owned & (pieces != largest)
        labels[box][lost] = 0


def _box(centre: Vectors, reach: Vectors, field: Field) -> tuple[slice, ...]:
    """Find the pixels within ``reach`` of ``centre``, cut at the border of the field."""
    low = np.clip(np.floor((centre - reach) / field.step), 0, field.shape).astype(int)
    high = np.clip(np.ceil((centre + reach) / field.step) + 1, low, field.shape).astype(int)
    return tuple(slice(start, stop) for start, stop in zip(low, high, strict=True))


def _offsets(cell: Cell, field: Field, box: tuple[slice, ...]) -> list[Vectors]:
    """Offsets of the pixels of a box from a cell's centre, px of the plane: one open grid an axis."""
    return [grid * step - centre for grid, step, centre in zip(np.ogrid[box], field.step, cell.centre, strict=True)]


def _unit(cell: Cell, offsets: Sequence[Vectors]) -> Vectors:
    """Express offsets in the half axes of a cell, so that its ellipsoid is the unit ball; shape (axes, ...)."""
    rows = cell.rotation / cell.radii[:, None]
    return np.stack([sum(weight * axis for weight, axis in zip(row, offsets, strict=True)) for row in rows])
