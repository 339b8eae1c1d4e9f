"""Measures that look at objects: SEG, average precision, F1 and panoptic quality."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_unet.errors import InputError
from napari_unet.metrics._arrays import checked_pair, components

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_unet.metrics._arrays import Labels, LabelsOrMask

IOU_THRESHOLDS = tuple(percent / 100 for percent in range(50, 100, 5))
"""Intersections over union from which an object counts as found: 0.50, 0.55 ... 0.95."""


@dataclass(frozen=True, eq=False)
class Overlaps:
    """Sizes of all objects and of all their overlaps: a sparse contingency table without the background.

    Attributes
    ----------
    truth_ids, predicted_ids
        Labels of the objects, ascending, without background.
    truth_sizes, predicted_sizes
        Their sizes in pixels.
    rows, columns
        Positions in ``truth_ids`` and ``predicted_ids`` of each pair of objects that share pixels.
    shared
        Number of pixels each pair shares.
    """

    truth_ids: Labels
    truth_sizes: NDArray[np.int64]
    predicted_ids: Labels
    predicted_sizes: NDArray[np.int64]
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    shared: NDArray[np.int64]

    @property
    def iou(self) -> NDArray[np.float64]:
        """Intersection over union of each pair."""
        union = self.truth_sizes[self.rows] + self.predicted_sizes[self.columns] - self.shared
        iou: NDArray[np.float64] = self.shared / union
        return iou

    @property
    def covered(self) -> NDArray[np.bool_]:
        """Whether the predicted object of each pair covers more than half of the true one."""
        covered: NDArray[np.bool_] = 2 * self.shared > self.truth_sizes[self.rows]
        return covered

    @property
    def inside(self) -> NDArray[np.bool_]:
        """Whether more than half of the predicted object of each pair lies in the true one."""
        inside: NDArray[np.bool_] = 2 * self.shared > self.predicted_sizes[self.columns]
        return inside

    def matches(self, threshold: float) -> NDArray[np.int64]:
        """Positions of the pairs that match each other, one to one.

        Parameters
        ----------
        threshold
            Least intersection over union of a match, at least 0.5, so that matches are unique. The one exception,
            an object that is exactly two equal halves of the other image, matches its first half.

        Returns
        -------
        numpy.ndarray of int64
            Positions in ``rows``, ``columns`` and ``shared``.

        Raises
        ------
        InputError
            If the threshold is below 0.5 or above 1.
        """
        if not 0.5 <= threshold <= 1:
            raise InputError(
                f"The threshold is {threshold}. Matches are unique from 0.5 up to 1: choose one of {IOU_THRESHOLDS}."
            )
        pairs = np.flatnonzero(self.iou >= threshold)
        pairs = pairs[np.unique(self.rows[pairs], return_index=True)[1]]
        return pairs[np.unique(self.columns[pairs], return_index=True)[1]]


@dataclass(frozen=True)
class Detection:
    """How many objects were found at one threshold, and the measures that follow from it.

    Attributes
    ----------
    threshold
        Least intersection over union of a match.
    found
        Number of matches (true positives).
    false
        Number of predicted objects without a match (false positives).
    missed
        Number of objects of the truth without a match (false negatives).
    summed_iou
        Sum of the intersections over union of all matches.
    """

    threshold: float
    found: int
    false: int
    missed: int
    summed_iou: float

    @property
    def ap(self) -> float:
        """Average precision as used for cells: found / (found + false + missed); 1 without any object."""
        return _ratio(self.found, self.found + self.false + self.missed)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; 1 without any object."""
        return _ratio(self.found, self.found + (self.false + self.missed) / 2)

    @property
    def pq(self) -> float:
        """Panoptic quality: F1 times the mean intersection over union of the matches; 1 without any object."""
        return _ratio(self.summed_iou, self.found + (self.false + self.missed) / 2)


def overlaps(predicted: LabelsOrMask, truth: LabelsOrMask) -> Overlaps:
    """Count the pixels that each pair of objects shares.

    Memory grows with the number of objects and overlaps, not with the largest label.

    Parameters
    ----------
    predicted, truth
        Label images of one shape ``(..., Y, X)``, 0 background; a mask stands for its face-connected components.
        A stack is one array: an object is all pixels of one label.

    Returns
    -------
    Overlaps
        The sparse table.

    Raises
    ------
    InputError
        If the shapes differ or a type is neither integer nor boolean.

    Examples
    --------
    >>> table = overlaps(np.array([[5, 5, 5, 0]]), np.array([[1, 1, 2, 2]]))
    >>> table.truth_ids.tolist(), table.shared.tolist(), table.iou.round(2).tolist()
    ([1, 2], [2, 1], [0.67, 0.25])
    """
    found, real = (components(array).ravel() for array in checked_pair(predicted, truth))
    real_ids, real_sizes = np.unique(real[real > 0], return_counts=True)
    found_ids, found_sizes = np.unique(found[found > 0], return_counts=True)
    both = (real > 0) & (found > 0)
    rows, columns = np.searchsorted(real_ids, real[both]), np.searchsorted(found_ids, found[both])
    keys, shared = np.unique(rows * len(found_ids) + columns, return_counts=True)
    rows, columns = np.divmod(keys, max(len(found_ids), 1))
    return Overlaps(real_ids, real_sizes, found_ids, found_sizes, rows, columns, shared)


def seg(table: Overlaps) -> float:
    """SEG of the Cell Tracking Challenge.

    Each true object scores its intersection over union with the predicted object that covers more than half of it,
    0 if there is none; SEG is the mean over the true objects.

    Parameters
    ----------
    table
        From `overlaps`.

    Returns
    -------
    float
        From 0 to 1. Without true objects 1 if nothing was predicted either, else ``nan``: there is nothing to average.

    References
    ----------
    .. [1] Maška et al., "A benchmark for comparison of cell tracking algorithms", Bioinformatics 30(11), 2014,
       doi:10.1093/bioinformatics/btu080

    Examples
    --------
    >>> seg(overlaps(np.array([[5, 5, 5, 0]]), np.array([[1, 1, 2, 2]])))
    0.3333333333333333
    """
    if not len(table.truth_ids):
        return float("nan") if len(table.predicted_ids) else 1.0
    return float(table.iou[table.covered].sum() / len(table.truth_ids))


def detection(table: Overlaps, threshold: float) -> Detection:
    """Count found, false and missed objects at one threshold.

    Parameters
    ----------
    table
        From `overlaps`.
    threshold
        Least intersection over union of a match, at least 0.5 (see `IOU_THRESHOLDS`).

    Returns
    -------
    Detection
        The counts, with `ap`, `f1` and `pq`.

    Raises
    ------
    InputError
        If the threshold is below 0.5 or above 1.

    References
    ----------
    .. [1] Caicedo et al., "Nucleus segmentation across imaging experiments: the 2018 Data Science Bowl",
       Nat. Methods 16, 2019, doi:10.1038/s41592-019-0612-7
    .. [2] Kirillov et al., "Panoptic segmentation", CVPR 2019, doi:10.1109/CVPR.2019.00963

    Examples
    --------
    >>> counts = detection(overlaps(np.array([[5, 5, 5, 0]]), np.array([[1, 1, 2, 2]])), 0.5)
    >>> counts.found, counts.false, counts.missed, counts.ap
    (1, 0, 1, 0.5)
    """
    pairs = table.matches(threshold)
    false, missed = len(table.predicted_ids) - len(pairs), len(table.truth_ids) - len(pairs)
    return Detection(threshold, len(pairs), false, missed, float(table.iou[pairs].sum()))


def _ratio(part: float, whole: float) -> float:
    """Part of the whole, 1 where there is nothing at all: nothing was missed and nothing invented."""
    return part / whole if whole else 1.0
