"""Cells of an array that comes in blocks."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet.config.instances import USUAL_THRESHOLD, outline_of
from napari_unet.errors import InputError
from napari_unet.inference.components import BACKGROUND, CORE, SHELL, describe_block, seam_pairs
from napari_unet.inference.cores import number_cells
from napari_unet.inference.growth import grow_back, grow_into, growth_reach
from napari_unet.inference.regions import NO_PAIRS, Regions, collect_regions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_unet.config.instances import InstancesConfig
    from napari_unet.inference.components import Box
    from napari_unet.inference.cores import Numbers


@dataclass(frozen=True)
class Instances:
    """The cells of an array, read in parts of any shape.

    Attributes
    ----------
    regions
        Region of each pixel, int32; negative on rims, background that belongs to a cell if there is one beside it.
    numbers
        What each region is part of.
    core_reach_px
        So far cores grow into what they share, px.
    grow_px
        Width by which cells grow over ridges and into rims, px.
    """

    regions: NDArray[np.int32]
    numbers: Numbers
    core_reach_px: int
    grow_px: int

    @property
    def count(self) -> int:
        """Number of cells."""
        return int(self.numbers.cell.max())

    def read(self, box: Box) -> NDArray[np.int32]:
        """Give the labels of a part.

        Parameters
        ----------
        box
            Start and stop on each axis, px.

        Returns
        -------
        ndarray
            Cells numbered from 1 in raster order of their first pixel before growing, 0 is background, int32.
        """
        are_shared = bool(self.numbers.is_shared.any())
        reach = growth_reach(self.grow_px) + self.core_reach_px * are_shared
        outer = tuple(slice(max(part.start - reach, 0), part.stop + reach) for part in box)
        signed = self.regions[outer]
        regions = np.abs(signed)
        labels = self.numbers.cell[regions]
        if are_shared:
            labels = grow_into(labels, self.numbers.is_shared[regions], self.core_reach_px)
        labels = grow_back(labels, signed < 0, self.grow_px)
        inner = (slice(b.start - o.start, b.stop - o.start) for b, o in zip(box, outer, strict=True))
        return labels[tuple(inner)]


class BlockwiseInstances:
    """Cells of an array whose blocks come one after the other, in any order.

    Each block is looked at once. What is kept of it are its regions (in memory, a few numbers each) and the region of
    each pixel (in ``scratch``); `finish` joins the regions of all blocks, of which labels are then read part by part.

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
    >>> cells.finish().read((slice(0, 1), slice(0, 6)))
    array([[1, 1, 2, 2, 2, 3]], dtype=int32)
    """

    def __init__(self, scratch: NDArray[np.int32], config: InstancesConfig, *, min_size_px: int = 0) -> None:
        self._scratch = scratch
        self._config = config
        self._min_size_px = min_size_px if config.min_size_px is None else config.min_size_px
        self._threshold = USUAL_THRESHOLD if config.threshold is None else config.threshold
        self._outline = outline_of(config)
        self._blocks: list[Regions] = []
        self._corners = [NO_PAIRS]
        self._n_regions = 0

    def add(self, start: Sequence[int], foreground: NDArray[Any]) -> None:
        """Take in one block.

        Parameters
        ----------
        start
            First pixel of the block on each axis.
        foreground
            Mask, bool, or probability of foreground, 0 to 1.
        """
        if not foreground.size:
            return
        box = tuple(slice(low, low + size) for low, size in zip(start, foreground.shape, strict=True))
        kinds = self._kinds(foreground)
        ids, regions = describe_block(kinds, foreground, box, self._scratch.shape)
        ids += self._n_regions
        np.negative(ids, out=ids, where=(kinds == BACKGROUND) & (foreground >= self._outline))
        self._scratch[box] = ids
        faces, corners = seam_pairs(self._scratch, box)
        self._blocks.append(replace(regions, pairs=np.concatenate([regions.pairs + self._n_regions, faces])))
        self._corners.append(corners)
        self._n_regions += len(regions.size)

    def _kinds(self, foreground: NDArray[Any]) -> NDArray[np.uint8]:
        """Tell cores, other foreground and background apart; a mask has no cores."""
        is_mask, core = foreground.dtype == bool, self._config.core_threshold
        kinds = np.full(foreground.shape, BACKGROUND, np.uint8)
        kinds[foreground if is_mask else foreground >= self._threshold] = SHELL
        if core is not None and core > self._threshold and not is_mask:
            kinds[foreground >= core] = CORE
        return kinds

    def finish(self) -> Instances:
        """Join the blocks, drop unsure and small cells, fill holes, take apart what is hardly joined, number the rest.

        Returns
        -------
        Instances
            The cells.

        Raises
        ------
        InputError
            If the blocks do not cover the array, each pixel once.
        """
        parts = collect_regions(self._blocks, np.concatenate(self._corners))
        seen, wanted = int(parts.size.sum()), math.prod(self._scratch.shape)
        if seen != wanted:
            raise InputError(f"blocks with {seen} px were given for {wanted} px; add each part of the array once")
        max_hole_px = self._config.max_hole_px
        # A small cell in a hole keeps it from being one, so holes are looked for again once small cells are gone.
        cells = parts.join_cores().drop_unsure(self._config.min_probability or 0.0).fill_holes(max_hole_px)
        cells = cells.drop_small(self._min_size_px).fill_holes(max_hole_px)
        numbers = number_cells(cells, parts, self._min_size_px)
        return Instances(self._scratch, numbers, self._config.core_reach_px, self._config.grow_px)
