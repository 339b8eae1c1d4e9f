"""Measures of the ISBI 2012 challenge on plane images: warping error and Rand error.

A stack ``(..., Y, X)`` scores the mean over its planes. Of a probability map the best of the thresholds 0.1, 0.2 ...
0.9 counts, one threshold for all planes, as in the challenge. Cells are 4-connected and background is 8-connected, so
that a membrane one pixel wide separates cells also where it runs diagonally.

The challenge's own software was milder than these plain meanings: it left pixels predicted as membrane out of the Rand
error, counted in the warping error merged and split cells only, and called 1 minus the F-score of the cells' pixels the
pixel error. Figures published with it compare with ours only when they are counted alike.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import label
from skimage.metrics import adapted_rand_error

from napari_unet.metrics._arrays import (
    Labels,
    LabelsOrMask,
    Map,
    Mask,
    checked_candidates,
    components,
    defined_mean,
    planes,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


def rand_error(predicted: Map, truth: LabelsOrMask) -> float:
    """Rand error: 1 minus the F-score of the Rand index restricted to the foreground of the truth.

    Of all pairs of true foreground pixels, precision is the fraction of those in one predicted segment that are in one
    true segment, recall the fraction of those in one true segment that are in one predicted segment. The predicted
    background is one more segment, as in `skimage.metrics.adapted_rand_error`.

    Parameters
    ----------
    predicted
        Label image, mask or floating-point probability of the foreground. The segments of the latter two are the
        connected components of each plane.
    truth
        Label image or mask of the same shape ``(..., Y, X)``.

    Returns
    -------
    float
        From 0 to 1. A plane without true foreground scores 0 if nothing was predicted either, else it is undefined
        (no pair to count) and left out; ``nan`` if no plane is defined. Without any pair, neither in one true nor in
        one predicted segment, a plane scores 0.

    Raises
    ------
    InputError
        If the shapes differ, a probability lies outside 0 to 1, or the truth is neither integer nor boolean.

    References
    ----------
    .. [1] Arganda-Carreras et al., "Crowdsourcing the creation of image segmentation algorithms for connectomics",
       Front. Neuroanat. 9:142, 2015, doi:10.3389/fnana.2015.00142

    Examples
    --------
    Two cells of two pixels predicted as one: 2 pairs are right of 6 predicted and 2 true ones, F = 2 * 2 / (6 + 2).

    >>> rand_error(np.array([[1, 1, 1, 1]]), np.array([[1, 1, 2, 2]]))
    0.5
    """
    return _best_plane_mean(_plane_rand_error, predicted, truth)


def warping_error(predicted: Map, truth: LabelsOrMask) -> float:
    """Warping error: the disagreement that remains after the truth was warped towards the prediction.

    The warp is homotopic: it flips, while there are any, pixels that differ and are simple, that is pixels whose flip
    changes neither the number of cells nor the number of holes. A border that is merely moved costs nothing; a merge
    costs the pixels of its opening, a split or a missed cell one pixel, an invented cell its whole area. Touching
    cells of a label image are first separated by a line of background one pixel wide, so that their merge counts too.

    Parameters
    ----------
    predicted
        Label image, mask or floating-point probability of the foreground.
    truth
        Label image or mask of the same shape ``(..., Y, X)``.

    Returns
    -------
    float
        Remaining different pixels per pixel, from 0 to 1. Never more than the pixel error, unless cells touch: the
        pixel error does not see the lines between them.

    Raises
    ------
    InputError
        If the shapes differ, a probability lies outside 0 to 1, or the truth is neither integer nor boolean.

    References
    ----------
    .. [1] Jain et al., "Boundary learning by optimization with topological constraints", CVPR 2010,
       doi:10.1109/CVPR.2010.5539950

    Examples
    --------
    >>> truth = np.array([[1, 1, 0, 2, 2, 2]])
    >>> warping_error(np.array([[1, 1, 1, 0, 2, 2]]), truth)
    0.0
    >>> merged = warping_error(np.array([[1, 1, 1, 1, 1, 1]]), truth)
    >>> merged == 1 / 6
    True
    """
    return _best_plane_mean(_plane_warping_error, predicted, truth)


def warped(mask: Mask, target: Mask) -> Mask:
    """Warp a mask towards a target without a change of topology.

    Parameters
    ----------
    mask, target
        Masks of one shape ``(Y, X)``. What lies outside is background.

    Returns
    -------
    numpy.ndarray of bool
        The mask with simple pixels flipped until no pixel that differs from the target is simple.

    References
    ----------
    .. [1] Kong and Rosenfeld, "Digital topology: introduction and survey", Comput. Vis. Graph. Image Process. 48(3),
       1989, doi:10.1016/0734-189X(89)90147-3

    Examples
    --------
    A cell moves, and grows, but does not split.

    >>> warped(np.array([[True, False, False]]), np.array([[False, True, True]])).tolist()
    [[False, True, True]]
    >>> warped(np.array([[True, False, False]]), np.array([[True, False, True]])).tolist()
    [[True, False, False]]
    """
    width = mask.shape[1] + 2
    current, goal = np.pad(mask, 1).ravel(), np.pad(target, 1).ravel()
    neighbours = np.array([-width - 1, -width, -width + 1, -1, 1, width - 1, width, width + 1])
    positions = np.arange(current.size)
    fields = positions // width % 2 * 2 + positions % width % 2
    pending = np.flatnonzero(current != goal)
    # Pixels of one of the four interleaved fields are no neighbours, so that flipping all of them at once is the same
    # as one after the other. A pixel is looked at again only after one of its neighbours has changed.
    while pending.size:
        for field in range(4):
            here = fields[pending] == field
            codes = np.packbits(current[pending[here][:, None] + neighbours], axis=1)[:, 0]
            flipped = pending[here][_simple_neighbourhoods()[codes]]
            current[flipped] = goal[flipped]
            woken = np.unique(flipped[:, None] + neighbours)
            pending = np.union1d(pending[~here], woken[current[woken] != goal[woken]])
    return current.reshape(-1, width)[1:-1, 1:-1]


@cache
def _simple_neighbourhoods() -> NDArray[np.bool_]:
    """Say for each of the 256 neighbourhoods, read row by row as bits, whether its centre is simple."""
    bits = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).astype(bool)
    rings = np.insert(bits, 4, False, axis=1).reshape(-1, 3, 3)
    return np.array([_is_simple(ring) for ring in rings])


def _is_simple(ring: Mask) -> bool:
    """Whether the centre touches exactly one 4-connected piece of cell and one 8-connected piece of background."""
    cells = label(ring)[0]
    around = cells[[0, 1, 1, 2], [1, 0, 2, 1]]
    background = ~ring
    background[1, 1] = False
    return len(np.unique(around[around > 0])) == 1 and bool(label(background, np.ones((3, 3)))[1] == 1)


def _best_plane_mean(
    error: Callable[[LabelsOrMask, LabelsOrMask], float], predicted: Map, truth: LabelsOrMask
) -> float:
    """Average an error over the planes, for each candidate prediction, and keep the least."""
    candidates, truth = checked_candidates(predicted, truth)
    means = [defined_mean(map(error, planes(candidate), planes(truth))) for candidate in candidates]
    return float(np.fmin.reduce(means))


def _plane_warping_error(predicted: LabelsOrMask, truth: LabelsOrMask) -> float:
    """Warping error of one plane."""
    target = _separated(predicted)
    return float(np.mean(warped(_separated(truth), target) != target))


def _separated(labels: LabelsOrMask) -> Mask:
    """Foreground, less the pixels whose upper or left neighbour is foreground of another label."""
    mask = labels > 0
    separated = mask.copy()
    separated[1:] &= (labels[1:] == labels[:-1]) | ~mask[:-1]
    separated[:, 1:] &= (labels[:, 1:] == labels[:, :-1]) | ~mask[:, :-1]
    return separated


def _plane_rand_error(predicted: LabelsOrMask, truth: LabelsOrMask) -> float:
    """Rand error of one plane, ``nan`` where undefined."""
    foreground = truth > 0
    if not foreground.any():
        return float("nan") if predicted.any() else 0.0
    real, found = (_consecutive(components(labels)[foreground]) for labels in (truth, predicted))
    # Segments of one pixel hold no pair: 0 / 0.
    with np.errstate(invalid="ignore"):
        error = float(adapted_rand_error(real, found, ignore_labels=())[0])  # type: ignore[no-untyped-call]
    return 0.0 if np.isnan(error) else error


def _consecutive(labels: Labels) -> Labels:
    """Renumber labels from 0, because scikit-image's table has a row for each number up to the largest."""
    return np.unique(labels, return_inverse=True)[1]
