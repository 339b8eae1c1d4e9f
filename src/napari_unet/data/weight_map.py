"""Weight map: how much each pixel counts in the loss.

A weight is the sum of the weight of the pixel's class (`class_weights`) and, on background, of a term that depends on
the cells around it (`plane_weights`). Distances are in px, measured to the cells as annotated. Terms below 2e-6 are
cut off: so each pixel depends on a bounded neighbourhood, and a change costs no more than its surroundings.

References
----------
O. Ronneberger, P. Fischer and T. Brox, "U-Net: Convolutional Networks for Biomedical Image Segmentation", MICCAI 2015,
arXiv:1505.04597, equation 2 (formula ``paper``).
T. Falk et al., "U-Net: deep learning for cell counting, detection, and morphometry", Nature Methods 16, 2019,
doi:10.1038/s41592-018-0261-2, supplement (formula ``falk2019``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from napari_unet.config.weight_map import WeightMapConfig
from napari_unet.data.rectangles import Rectangle, grow, union, whole, within
from napari_unet.data.surround import SurroundTerm
from napari_unet.data.targets import (
    NOT_ANNOTATED,
    find_touching,
    find_vanishing,
    mark_inside,
    read_annotation,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


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
        If the labels are not integers from 0 on, or do not have two or three axes.

    Examples
    --------
    >>> print(weight_map(np.array([[1, 0, 0, 2]]), WeightMapConfig(balance_classes=False)).round(3))
    [[1.    9.353 9.353 1.   ]]
    """
    return WeightMap(labels, config, scheme=scheme, ignore=ignore, spacing=spacing).weights


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
    weights = SurroundTerm(config, cells.ndim, spacing)(cells, whole(cells.shape))
    weights *= target == 0
    return weights


class WeightMap:
    """Weight map that follows a brush: what changed is redone, the result equals a full redo to the last bit.

    Parameters
    ----------
    labels, config, scheme, ignore, spacing
        See `weight_map`.

    Attributes
    ----------
    target
        uint8: 1 in cells, 0 on background and ridges, `NOT_ANNOTATED` where nobody said.

    Examples
    --------
    >>> labels = np.array([[0, 1, 1, 0, 0, 0]])
    >>> followed = WeightMap(labels)
    >>> labels[0, 4] = 2
    >>> _ = followed.update(labels, (slice(0, 1), slice(4, 5)))
    >>> bool((followed.weights == weight_map(labels)).all())
    True
    """

    def __init__(
        self,
        labels: NDArray[Any],
        config: WeightMapConfig | None = None,
        *,
        scheme: Literal["dense", "sparse"] = "dense",
        ignore: NDArray[np.bool_] | None = None,
        spacing: Sequence[float] | None = None,
    ) -> None:
        self._config = config or WeightMapConfig()
        self._scheme = scheme
        self._cells, self._annotated = read_annotation(labels, scheme, ignore)
        self._touching = find_touching(self._cells)
        self._vanishing = find_vanishing(self._cells, self._touching)
        self.target = np.full(labels.shape, NOT_ANNOTATED, np.uint8)
        self._counts = np.zeros(2, np.int64)
        self._redo_target(whole(labels.shape))
        self._term = SurroundTerm(self._config, labels.ndim, spacing)
        self._surround = self._term(self._cells, whole(labels.shape))

    @property
    def weights(self) -> NDArray[np.float32]:
        """Weight of each pixel, float32; made anew each time, since every edit moves the balance of the classes."""
        return self.write_weights(np.empty(self.target.shape, np.float32))

    @property
    def place_weights(self) -> NDArray[np.float32]:
        """Part of the weight that depends on the cells around, as `plane_weights` gives it; made anew each time."""
        weights: NDArray[np.float32] = self._surround * (self.target == 0)
        return weights

    def write_weights(self, out: NDArray[np.float32]) -> NDArray[np.float32]:
        """Write the weight of each pixel into an array that is there: new memory takes longer than the weights.

        Parameters
        ----------
        out
            float32, shape of the labels.

        Returns
        -------
        numpy.ndarray
            ``out``.
        """
        np.multiply(self._surround, self.target == 0, out=out)
        for number, weight in enumerate(class_weights(self._counts, self._config, "instances")):
            if weight:
                np.add(out, weight, out=out, where=self.target == number)
        return out

    def update(self, labels: NDArray[Any], rectangle: Rectangle, ignore: NDArray[np.bool_] | None = None) -> Rectangle:
        """Redo what depends on a rectangle.

        Parameters
        ----------
        labels
            All labels, as they are now; only the rectangle is read.
        rectangle
            Where labels or ``ignore`` changed: a slice along each axis.
        ignore
            Pixels to leave out, as they are now; None: none.

        Returns
        -------
        tuple of slice
            Where the weights may have changed, apart from the balance of the classes.

        Raises
        ------
        InputError
            If the labels are not integers from 0 on.
        """
        changed = tuple(slice(*part.indices(size)[:2]) for part, size in zip(rectangle, labels.shape, strict=True))
        ignored = None if ignore is None else ignore[changed]
        self._cells[changed], self._annotated[changed] = read_annotation(labels[changed], self._scheme, ignored)
        shape, one = labels.shape, (1,) * labels.ndim
        beside = grow(changed, one, shape)
        around = grow(beside, one, shape)
        self._touching[beside] = find_touching(self._cells[around])[within(beside, around)]
        redone = grow(union(beside, self._update_vanishing() or beside), one, shape)
        self._redo_target(redone)
        reached = grow(changed, self._term.halo, shape)
        self._surround[reached] = self._term(self._cells, reached)
        return union(redone, reached)

    def _update_vanishing(self) -> Rectangle | None:
        """Find the vanishing cells anew; tell where the cells lie that began or ceased to be one."""
        before, self._vanishing = self._vanishing, find_vanishing(self._cells, self._touching)
        changed = np.setxor1d(before, self._vanishing)
        places = np.nonzero(np.isin(self._cells, changed)) if changed.size else ()
        if not places or not places[0].size:
            return None
        return tuple(slice(int(along.min()), int(along.max()) + 1) for along in places)

    def _redo_target(self, rectangle: Rectangle) -> None:
        """Recompute a rectangle of the target, and the pixels of each class with it."""
        around = grow(rectangle, (1,) * self._cells.ndim, self._cells.shape)
        inside = mark_inside(self._cells[around], self._touching[around], self._vanishing)[within(rectangle, around)]
        target = np.where(self._annotated[rectangle], inside.view(np.uint8), np.uint8(NOT_ANNOTATED))
        for number in range(2):
            before = np.count_nonzero(self.target[rectangle] == number)
            self._counts[number] += np.count_nonzero(target == number) - before
        self.target[rectangle] = target
