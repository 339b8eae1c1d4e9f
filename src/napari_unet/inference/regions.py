"""Cells and the background between them as a graph, so that holes and small cells need no second look at pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

#: Raster index of the first pixel of a region without pixels: after every pixel.
NO_PIXEL = int(np.iinfo(np.int64).max)
#: A probability of one, where probabilities are added up.
CERTAIN = int(np.iinfo(np.uint16).max)
#: An empty list of pairs of regions.
NO_PAIRS: NDArray[np.int64] = np.empty((0, 2), dtype=np.int64)


@dataclass(frozen=True)
class Regions:
    """Connected regions of foreground and background and which of them touch.

    Foreground is connected by faces, background by faces, edges and corners: the pair of neighbourhoods in which a
    closed curve of foreground separates an inside from an outside [1]_. Region 0 stands for pixels not yet seen.

    Attributes
    ----------
    is_cell
        Whether the region is foreground, bool (n,).
    is_core
        Whether it is surely so, bool (n,); see `napari_unet.inference.cores`.
    size
        Number of pixels, int64 (n,).
    sureness
        Sum of the foreground probability of its pixels, in units of 1 / `CERTAIN`, int64 (n,): whole numbers add up to
        the same in any order.
    first
        Raster index of the first pixel in the whole array, int64 (n,).
    is_open
        Whether the region touches the edge of the whole array, bool (n,).
    pairs
        Regions that share a face, each pair once, cell first, int64 (p, 2).
    owner
        Region that each region of the start belongs to now, int64 (m,).

    References
    ----------
    .. [1] A. Rosenfeld, "Connectivity in digital pictures", J. ACM 17 (1970), doi:10.1145/321556.321570.
    """

    is_cell: NDArray[np.bool_]
    is_core: NDArray[np.bool_]
    size: NDArray[np.int64]
    sureness: NDArray[np.int64]
    first: NDArray[np.int64]
    is_open: NDArray[np.bool_]
    pairs: NDArray[np.int64]
    owner: NDArray[np.int64]

    def merge(self, joins: NDArray[np.int64]) -> Regions:
        """Make one region of every two that are joined.

        Parameters
        ----------
        joins
            Pairs of regions, int64 (j, 2).

        Returns
        -------
        Regions
            The merged regions; a region with any cell in it is a cell.
        """
        n = len(self.size)
        graph = coo_array((np.ones(len(joins), dtype=bool), (joins[:, 0], joins[:, 1])), shape=(n, n))
        count, owners = connected_components(graph, directed=False)
        owner = owners.astype(np.int64)
        size, sureness = np.zeros((2, count), dtype=np.int64)
        first = np.full(count, NO_PIXEL)
        is_cell, is_core, is_open = np.zeros((3, count), dtype=bool)
        np.add.at(size, owner, self.size)
        np.add.at(sureness, owner, self.sureness)
        np.minimum.at(first, owner, self.first)
        is_cell[owner[self.is_cell]] = True
        is_core[owner[self.is_core]] = True
        is_open[owner[self.is_open]] = True
        pairs = owner[self.pairs]
        pairs = unique_pairs(pairs[pairs[:, 0] != pairs[:, 1]])
        return Regions(is_cell, is_core, size, sureness, first, is_open, pairs, owner[self.owner])

    def join_cores(self) -> Regions:
        """Make one cell of cores and the foreground around them.

        Returns
        -------
        Regions
            The regions; no two cells share a face.
        """
        return self.merge(self.pairs[self.is_cell[self.pairs].all(axis=1)])

    def fill_holes(self, max_hole_px: int | None) -> Regions:
        """Give every hole to the cell around it.

        Parameters
        ----------
        max_hole_px
            Largest hole that is filled, px; None: any.

        Returns
        -------
        Regions
            The regions without holes. Background at the edge, or between two cells, is no hole.
        """
        is_hole = ~self.is_cell & ~self.is_open
        if max_hole_px is not None:
            is_hole &= self.size <= max_hole_px
        is_hole &= np.bincount(self.pairs[:, 1], minlength=len(is_hole)) == 1
        return self.merge(self.pairs[is_hole[self.pairs[:, 1]]])

    def drop_small(self, min_size_px: int) -> Regions:
        """Make background of small cells.

        Parameters
        ----------
        min_size_px
            Size of the smallest cell that stays, px.

        Returns
        -------
        Regions
            The regions, the small cells merged with the background around them.
        """
        return self._drop(self.size < min_size_px)

    def drop_unsure(self, min_probability: float) -> Regions:
        """Make background of cells that are hardly foreground.

        Parameters
        ----------
        min_probability
            Mean foreground probability of the least sure cell that stays, 0 … 1.

        Returns
        -------
        Regions
            The regions, the unsure cells merged with the background around them.
        """
        return self._drop(self.sureness < min_probability * CERTAIN * self.size)

    def _drop(self, is_dropped: NDArray[np.bool_]) -> Regions:
        """Make background of those regions that are cells."""
        regions = replace(self, is_cell=self.is_cell & ~is_dropped)
        return regions.merge(self.pairs[~regions.is_cell[self.pairs[:, 0]]])


def unique_pairs(pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Keep each pair once.

    Parameters
    ----------
    pairs
        Pairs of regions, int64 (p, 2).

    Returns
    -------
    ndarray
        The different pairs, sorted, int64 (q, 2).

    Examples
    --------
    >>> unique_pairs(np.array([[3, 1], [0, 2], [3, 1]])).tolist()
    [[0, 2], [3, 1]]
    """
    if not len(pairs):
        return pairs
    base = int(pairs.max()) + 1
    keys = np.unique(pairs[:, 0] * base + pairs[:, 1])
    return np.stack(np.divmod(keys, base), axis=1)


def collect_regions(blocks: Sequence[Regions], corners: NDArray[np.int64]) -> Regions:
    """Join the regions of all blocks across the seams.

    Parameters
    ----------
    blocks
        Regions of each block, numbered on from the block before, pairs in any order and across seams.
    corners
        Regions that meet at a seam by an edge or corner only, int64 (c, 2).

    Returns
    -------
    Regions
        The regions of the whole array; cores, and the foreground between them, are regions of their own.
    """
    is_cell = np.concatenate([[False], *[block.is_cell for block in blocks]])
    is_core = np.concatenate([[False], *[block.is_core for block in blocks]])
    pairs = np.concatenate([NO_PAIRS, *[block.pairs for block in blocks]])
    kind = is_cell.astype(np.int8) + is_core
    alike = kind[pairs[:, 0]] == kind[pairs[:, 1]]
    cell_first = np.where(is_cell[pairs[:, :1]], pairs, pairs[:, ::-1])
    regions = Regions(
        is_cell=is_cell,
        is_core=is_core,
        size=np.concatenate([[0], *[block.size for block in blocks]]),
        sureness=np.concatenate([[0], *[block.sureness for block in blocks]]),
        first=np.concatenate([[NO_PIXEL], *[block.first for block in blocks]]),
        is_open=np.concatenate([[True], *[block.is_open for block in blocks]]),
        pairs=cell_first[~alike],
        owner=np.arange(len(is_cell)),
    )
    return regions.merge(np.concatenate([pairs[alike], corners[~is_cell[corners].any(axis=1)]]))
