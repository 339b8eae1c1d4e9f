"""Weight map: how much each pixel counts in the loss.

A weight is the sum of the weight of the pixel's class (`class_weights`) and, on background, of a term that depends on
the cells around it (`plane_weights`). Distances are in px, measured to the cells as annotated. Terms below 1e-6 are
cut off: so each pixel depends on a bounded neighbourhood, and a change costs no more than its surroundings.

References
----------
O. Ronneberger, P. Fischer and T. Brox, "U-Net: Convolutional Networks for Biomedical Image Segmentation", MICCAI 2015,
arXiv:1505.04597, equation 2 (formula ``paper``).
T. Falk et al., "U-Net: deep learning for cell counting, detection, and morphometry", Nature Methods 16, 2019,
doi:10.1038/s41592-018-0261-2, supplement (formula ``falk2019``).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from napari_unet.config.weight_map import WeightMapConfig
from napari_unet.data.nearest_cells import Reach, nearest_two
from napari_unet.data.targets import NOT_ANNOTATED, make_target, read_annotation

Rectangle: TypeAlias = tuple[slice, ...]

_NEGLIGIBLE = 1e-6
_TILE = (16, 64, 1024)


def weight_map(
    labels: NDArray[Any],
    config: WeightMapConfig | None = None,
    *,
    scheme: Literal["dense", "sparse"] = "dense",
    ignore: NDArray[np.bool_] | None = None,
    spacing: Sequence[float] | None = None,
) -> NDArray[np.float32]:
    """Make the weight map of a plane or a volume in which each label is one cell.

    Parameters
    ----------
    labels
        (Y, X) or (Z, Y, X) integers. ``dense``: 0 background, from 1 on the cells. ``sparse``: 0 not annotated,
        1 background, from 2 on the cells.
    config
        Formula and its numbers; None: the defaults.
    scheme
        How labels are meant.
    ignore
        Pixels to leave out, same shape; None: none.
    spacing
        Size of a pixel along each axis, in any unit; None: the same along all.

    Returns
    -------
    numpy.ndarray
        float32, same shape; 0 where not annotated.

    Raises
    ------
    InputError
        If the labels are not integers from 0 on.

    Examples
    --------
    >>> print(weight_map(np.array([[1, 0, 0, 2]]), WeightMapConfig(balance_classes=False)).round(3))
    [[1.    9.353 9.353 1.   ]]
    """
    config = config or WeightMapConfig()
    cells, annotated = read_annotation(labels, scheme, ignore)
    target = make_target(cells, annotated, "instances")
    constant = class_weights(np.bincount(target.ravel(), minlength=256), config, "instances")
    return constant[target] + plane_weights(cells, target, config, "instances", spacing)


def class_weights(
    counts: NDArray[np.int64], config: WeightMapConfig, target: Literal["instances", "classes"]
) -> NDArray[np.float32]:
    """Give the part of the weight that depends on the class alone.

    With ``balance_classes`` a class weighs as much as any other in sum, and the mean over all pixels is 1. Formula
    ``falk2019`` has its own numbers for instances: r on background and 1 in cells.

    Parameters
    ----------
    counts
        (n,) pixels of each class, over everything that is trained on. `NOT_ANNOTATED` is no class.
    config
        Formula and its numbers.
    target
        What the classes are.

    Returns
    -------
    numpy.ndarray
        (n,) float32. A class without pixels weighs 1, `NOT_ANNOTATED` 0.

    Examples
    --------
    >>> print(class_weights(np.array([30, 10]), WeightMapConfig(), "instances").round(3))
    [0.667 2.   ]
    """
    weights = np.ones(len(counts))
    if config.formula == "falk2019" and target == "instances":
        weights[0] = config.background_weight
    elif config.balance_classes:
        known = np.asarray(counts[:NOT_ANNOTATED], dtype=np.float64)
        present = np.flatnonzero(known)
        weights[present] = known.sum() / (len(present) * known[present])
    weights[NOT_ANNOTATED:] = 0
    return weights.astype(np.float32)


def plane_weights(
    cells: NDArray[np.int32],
    target: NDArray[np.uint8],
    config: WeightMapConfig,
    kind: Literal["instances", "classes"],
    spacing: Sequence[float] | None = None,
) -> NDArray[np.float32]:
    """Give the part of the weight that depends on the cells around: on background, and only with instances.

    Parameters
    ----------
    cells, target
        See `napari_unet.data.targets`; two or three axes.
    config
        Formula and its numbers.
    kind
        What the classes of ``target`` are.
    spacing
        Size of a pixel along each axis, in any unit; None: the same along all.

    Returns
    -------
    numpy.ndarray
        float32, same shape.
    """
    if kind == "classes":
        return np.zeros(cells.shape, np.float32)
    whole = tuple(slice(0, size) for size in cells.shape)
    return np.where(target == 0, SurroundTerm(config, spacing or (1,) * cells.ndim)(cells, whole), np.float32(0))


class SurroundTerm:
    """The term of a weight that depends on the cells around a pixel, as if every pixel were background.

    Parameters
    ----------
    config
        Formula and its numbers.
    spacing
        Size of a pixel along each axis, in any unit; the smaller of the last two is 1 px.
    """

    def __init__(self, config: WeightMapConfig, spacing: Sequence[float]) -> None:
        self._border = config.border
        self._surround = (0.0, 1.0)
        if config.formula == "falk2019":
            self._surround = (1 - config.background_weight, config.surround_width_px)
        border, surround = (_cut_off(*term) for term in (self._border, self._surround))
        # The border term depends on d1 + d2, and d1 is the smaller of the two.
        pixel = min(spacing[-2:])
        self._reach = Reach(max(border / 2, surround), border, tuple(size / pixel for size in spacing))
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
        for tile in _tiles(rectangle):
            inner = tuple(slice(t.start - r.start, t.stop - r.start) for t, r in zip(tile, rectangle, strict=True))
            self._fill(term[inner], _read_with_halo(cells, tile, self.halo))
        return term

    def _fill(self, term: NDArray[np.float32], cells: NDArray[np.int32]) -> None:
        """Compute a tile from its cells and those around it."""
        low, high = int((cells.astype(np.uint32) - np.uint32(1)).min()) + 1, int(cells.max())
        if high == 0 or (low == high and self._surround[0] == 0):
            return
        near, following, scale = nearest_two(cells, self._reach)
        chosen = np.flatnonzero((near <= (self._reach.near**2) * scale))
        first = np.sqrt(near.ravel()[chosen] / scale)
        second = np.sqrt(following.ravel()[chosen] / scale)
        values = _bell(first + second, *self._border)
        if self._surround[0]:
            values += _bell(first, *self._surround)
        flat = np.zeros(near.size, np.float32)
        flat[chosen] = values
        term[...] = flat.reshape(near.shape)


def _cut_off(height: float, width: float) -> float:
    """Give the distance from which on a bell is negligible."""
    return width * math.sqrt(2 * math.log(max(height / _NEGLIGIBLE, 1.0)))


def _bell(distance: NDArray[np.float64], height: float, width: float) -> NDArray[np.float64]:
    """Give height · exp(−distance² / 2 width²), 0 from the cut-off on."""
    values = height * np.exp(distance**2 * (-0.5 / width**2))
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
