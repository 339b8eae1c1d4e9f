"""Measures of the ISBI 2012 challenge as its own software counts them, to compare with figures published there.

Of the measures in `napari_unet.metrics` they differ in three ways, each of them to the good of a prediction: the
pixel error is 1 minus the F-score of the cells' pixels, not the fraction of wrong pixels; the Rand error leaves out
pixels predicted as membrane, instead of taking them for one more segment; and the warping error counts only pixels at
which cells merge or split, not cells or holes that are missing or too many.

References
----------
Arganda-Carreras et al., "Crowdsourcing the creation of image segmentation algorithms for connectomics", Front.
Neuroanat. 9:142, 2015, doi:10.3389/fnana.2015.00142; the challenge's page "Evaluation", and the classes PixelError,
RandError and WarpingError of Fiji's Trainable Segmentation, which it names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.ndimage import label
from skimage.metrics import contingency_table

from napari_unet.metrics import warped

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]
    #: Error of masks (image, Y, X), found and true.
    Measure = Callable[[Mask, Mask], float]

#: A probability map is cut at each of them, and the best counts.
_THRESHOLDS = np.arange(1, 10) / 10
#: So far around a pixel it is looked whether it holds two parts of a cell together, px.
_REACH = 20
_EIGHT = np.ones((3, 3))


def best(measure: Measure, foreground: NDArray[np.float32], truth: NDArray[Any]) -> float:
    """Give the least error over the thresholds, one threshold for all images.

    Parameters
    ----------
    measure
        One of the functions below.
    foreground, truth
        Probability of a cell, and true cells, each (image, Y, X).
    """
    return min(measure(foreground > threshold, truth > 0) for threshold in _THRESHOLDS)


def pixel_error(found: Mask, truth: Mask) -> float:
    """Give 1 minus the F-score of the cells' pixels; masks (image, Y, X)."""
    right = np.count_nonzero(found & truth)
    return float(1 - 2 * right / (np.count_nonzero(found) + np.count_nonzero(truth)))


def rand_error(found: Mask, truth: Mask) -> float:
    """Give 1 minus the F-score of the Rand index in the true cells, the pairs of all images together."""
    counts = np.sum([_pairs(*planes) for planes in zip(found, truth, strict=True)], axis=0)
    both, in_found, in_truth = counts
    return float(1 - 2 * both / (in_found + in_truth))


def _pairs(found: Mask, truth: Mask) -> tuple[float, float, float]:
    """Count the pairs of pixels in one segment of both, of what was found, and of the truth."""
    table = contingency_table(label(truth)[0], label(found)[0]).toarray()[1:]
    kept = table[:, 1:]
    return tuple(float((sums * (sums - 1.0)).sum()) for sums in (kept, kept.sum(0), table.sum(1)))


def warping_error(found: Mask, truth: Mask) -> float:
    """Give the share of the pixels at which cells merge or split, mean over the images (image, Y, X)."""
    counts = [_merges_and_splits(warped(*planes), planes[1]) for planes in zip(truth, found, strict=True)]
    return sum(counts) / found.size


def _merges_and_splits(mask: Mask, goal: Mask) -> int:
    """Count the pixels that differ from the goal where it merges cells of a mask, or splits one."""
    cells = np.pad(label(mask)[0], 1)
    places = np.argwhere(mask != goal)
    merges = (_touches_two(cells[y : y + 3, x : x + 3]) for y, x in places if not mask[y, x])
    splits = (_holds_together(mask, y, x) for y, x in places if mask[y, x])
    return sum(merges) + sum(splits)


def _touches_two(around: NDArray[Any]) -> bool:
    """Whether there are two cells in a neighbourhood."""
    return len(np.unique(around[around > 0])) > 1


def _holds_together(mask: Mask, y: int, x: int) -> bool:
    """Whether a cell falls apart near a pixel, or another touches it, when the pixel is taken away."""
    top, left = max(0, y - _REACH), max(0, x - _REACH)
    near = mask[top : y + _REACH + 1, left : x + _REACH + 1].copy()
    near[y - top, x - left] = False
    cells = np.pad(label(near)[0], 1)
    return _touches_two(cells[y - top : y - top + 3, x - left : x - left + 3])
