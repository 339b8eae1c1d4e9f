"""Cells of an array that comes in blocks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet.errors import InputError
from napari_unet.inference.components import face_pairs, find_open, label_block, measure_runs, seam_pairs
from napari_unet.inference.growth import grow_over_ridges, growth_reach
from napari_unet.inference.regions import NO_PAIRS, Regions, collect_regions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_unet.config.instances import InstancesConfig

    Box = tuple[slice, ...]


class BlockwiseInstances:
    """Cells of an array whose blocks come one after the other, in any order.

    Each block is looked at once. What is kept of it are its regions (in memory, a few numbers each) and the region of
    each pixel (in ``scratch``); `finish` joins the regions of all blocks, after which `read` gives labels.

    Parameters
    ----------
    scratch
        Zeros of the shape of the whole array, int32; a memory map where that is too large for memory.
    config
        How cells are made.
    min_size_px
        Size of the smallest cell, px, where ``config`` leaves it open.

    Examples
    --------
    >>> from napari_unet.config.instances import InstancesConfig
    >>> cells = BlockwiseInstances(np.zeros((1, 6), dtype=np.int32), InstancesConfig())
    >>> cells.add((0, 3), np.array([[0.9, 0.1, 0.8]]))
    >>> cells.add((0, 0), np.array([[0.9, 0.2, 0.9]]))
    >>> cells.finish()
    3
    >>> cells.read((slice(0, 1), slice(0, 6)))
    array([[1, 1, 2, 2, 2, 3]], dtype=int32)
    """

    def __init__(self, scratch: NDArray[np.int32], config: InstancesConfig, *, min_size_px: int = 0) -> None:
        self._scratch = scratch
        self._config = config
        self._min_size_px = min_size_px if config.min_size_px is None else config.min_size_px
        self._blocks: list[Regions] = []
        self._corners = [NO_PAIRS]
        self._n_regions = 1
        self._numbers = np.zeros(1, dtype=np.int32)

    def add(self, start: Sequence[int], foreground: NDArray[Any]) -> None:
        """Take in one block.

        Parameters
        ----------
        start
            First pixel of the block on each axis.
        foreground
            Mask, bool, or probability of foreground, 0 to 1.
        """
        mask = foreground if foreground.dtype == bool else foreground >= self._config.threshold
        if not mask.size:
            return
        ids, n_cells = label_block(mask)
        box = tuple(slice(low, low + size) for low, size in zip(start, mask.shape, strict=True))
        count = int(ids.max())
        size, first = measure_runs(ids, count)
        is_open = np.zeros(count, dtype=bool)
        is_open[find_open(ids, box, self._scratch.shape) - 1] = True
        before = self._n_regions - 1
        self._scratch[box] = ids + before
        faces, corners = seam_pairs(self._scratch, box)
        self._corners.append(corners)
        self._blocks.append(
            Regions(
                is_cell=np.arange(count) < n_cells,
                size=size,
                first=self._raster_index(box, first),
                is_open=is_open,
                pairs=np.concatenate([face_pairs(ids) + before, faces]),
                owner=np.empty(0, dtype=np.int64),
            )
        )
        self._n_regions += count

    def finish(self) -> int:
        """Join the blocks, fill holes, drop small cells and number the rest.

        Returns
        -------
        int
            Number of cells.

        Raises
        ------
        InputError
            If the blocks do not cover the array, each pixel once.
        """
        regions = collect_regions(self._blocks, np.concatenate(self._corners))
        seen, wanted = int(regions.size.sum()), math.prod(self._scratch.shape)
        if seen != wanted:
            raise InputError(f"blocks with {seen} px were given for {wanted} px; add each part of the array once")
        # A small cell in a hole keeps it from being one, so holes are looked for again once small cells are gone.
        filled = regions.fill_holes(self._config.max_hole_px).drop_small(self._min_size_px)
        self._numbers = filled.fill_holes(self._config.max_hole_px).number_cells()
        return int(self._numbers.max())

    def read(self, box: Box) -> NDArray[np.int32]:
        """Give the labels of any part, once finished.

        Parameters
        ----------
        box
            Start and stop on each axis, px.

        Returns
        -------
        ndarray
            Cells numbered from 1 in raster order of their first pixel before growing, 0 is background, int32.
        """
        reach = growth_reach(self._config.grow_px)
        outer = tuple(slice(max(part.start - reach, 0), part.stop + reach) for part in box)
        labels = grow_over_ridges(self._numbers[self._scratch[outer]], self._config.grow_px)
        inner = (slice(b.start - o.start, b.stop - o.start) for b, o in zip(box, outer, strict=True))
        return labels[tuple(inner)]

    def _raster_index(self, box: Box, first: NDArray[np.int64]) -> NDArray[np.int64]:
        """Turn raster indices in a block to those in the whole array."""
        within = np.unravel_index(first, [part.stop - part.start for part in box])
        at = tuple(index + part.start for index, part in zip(within, box, strict=True))
        return np.asarray(np.ravel_multi_index(at, self._scratch.shape), dtype=np.int64)
