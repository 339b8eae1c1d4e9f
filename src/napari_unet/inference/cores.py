"""Cells that are joined by what is hardly foreground: taken apart by their cores, where the network is sure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_unet.inference.regions import Regions

#: Of the cores of a cell those count that have at least this share of the pixels of the largest one.
_LEAST_SHARE = 0.05


@dataclass(frozen=True)
class Numbers:
    """The number that each region of the start has in the end.

    Attributes
    ----------
    cell
        Number of its cell, 0 for none, int32 (m,).
    is_shared
        Whether it lies in a cell that is taken apart, but in none of its cores, bool (m,): what is nearest gets it. Of
        the holes that were filled only those smaller than a cell: larger ones may be what lies between cells.
    """

    cell: NDArray[np.int32]
    is_shared: NDArray[np.bool_]


def number_cells(cells: Regions, parts: Regions, min_core_px: int = 0) -> Numbers:
    """Give numbers to the cells, and to the cores of those that have several, in raster order of their first pixel.

    Parameters
    ----------
    cells
        Regions of which each cell is one.
    parts
        The same with each core a region of its own.
    min_core_px
        Size of the smallest core, px; a smaller one is part of the cell around it.

    Returns
    -------
    Numbers
        A cell with one core or none has one number.
    """
    cell_of_part = np.zeros(len(parts.size), dtype=np.int64)
    cell_of_part[parts.owner] = cells.owner
    is_counted = parts.is_core & (parts.size >= min_core_px) & cells.is_cell[cell_of_part]
    largest = np.zeros(len(cells.size), dtype=np.int64)
    np.maximum.at(largest, cell_of_part[is_counted], parts.size[is_counted])
    is_counted &= parts.size >= _LEAST_SHARE * largest[cell_of_part]
    is_split = np.bincount(cell_of_part[is_counted], minlength=len(cells.size)) > 1
    whole = np.flatnonzero(cells.is_cell & ~is_split)
    cores = np.flatnonzero(is_counted & is_split[cell_of_part])
    order = np.argsort(np.concatenate([cells.first[whole], parts.first[cores]]))
    ranks = np.empty(len(order), dtype=np.int32)
    ranks[order] = np.arange(1, len(order) + 1)
    of_cells, of_parts = np.zeros(len(cells.size), np.int32), np.zeros(len(parts.size), np.int32)
    of_cells[whole], of_parts[cores] = ranks[: len(whole)], ranks[len(whole) :]
    numbers = of_cells[cells.owner] + of_parts[parts.owner]
    is_fillable = parts.is_cell | (parts.size < min_core_px)
    return Numbers(numbers, is_split[cells.owner] & (numbers == 0) & is_fillable[parts.owner])
