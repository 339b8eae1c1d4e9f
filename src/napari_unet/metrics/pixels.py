"""Measures that look at each pixel alone: intersection over union and pixel error."""

from __future__ import annotations

import numpy as np

from napari_unet.metrics._arrays import LabelsOrMask, Map, Mask, checked_candidates, checked_pair


def foreground_iou(predicted: LabelsOrMask, truth: LabelsOrMask) -> float:
    """Intersection over union of everything that is not background.

    Parameters
    ----------
    predicted, truth
        Label images or masks of one shape ``(..., Y, X)``; 0 is background.

    Returns
    -------
    float
        From 0 to 1; 1 where both are empty.

    Raises
    ------
    InputError
        If the shapes differ or a type is neither integer nor boolean.

    Examples
    --------
    >>> foreground_iou(np.array([[1, 1, 0, 0]]), np.array([[0, 3, 3, 0]]))
    0.3333333333333333
    """
    predicted, truth = checked_pair(predicted, truth)
    return _iou(predicted > 0, truth > 0)


def class_iou(predicted: LabelsOrMask, truth: LabelsOrMask) -> dict[int, float]:
    """Intersection over union of each class of a class map.

    Parameters
    ----------
    predicted, truth
        Class maps of one shape ``(..., Y, X)`` whose values are the classes.

    Returns
    -------
    dict of int to float
        For each class that either map holds, background (0) included, a value from 0 to 1.

    Raises
    ------
    InputError
        If the shapes differ or a type is neither integer nor boolean.

    Examples
    --------
    >>> class_iou(np.array([[0, 0, 1, 2]]), np.array([[0, 1, 1, 1]]))
    {0: 0.5, 1: 0.3333333333333333, 2: 0.0}
    """
    predicted, truth = checked_pair(predicted, truth)
    classes = np.union1d(predicted, truth)
    return {int(value): _iou(predicted == value, truth == value) for value in classes}


def pixel_error(predicted: Map, truth: LabelsOrMask) -> float:
    """Fraction of pixels that are foreground in one image and background in the other.

    For masks this is the squared Euclidean distance between the two images, divided by the number of pixels.

    Parameters
    ----------
    predicted
        Label image, mask, or floating-point probability of the foreground; of a probability map the best of the
        thresholds 0.1, 0.2 ... 0.9 counts.
    truth
        Label image or mask of the same shape ``(..., Y, X)``.

    Returns
    -------
    float
        From 0 (the same) to 1.

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
    >>> truth = np.array([[1, 1, 0, 2]])
    >>> pixel_error(np.array([[1, 0, 0, 1]]), truth), pixel_error(np.array([[0.7, 0.6, 0.5, 0.2]]), truth)
    (0.25, 0.25)
    """
    candidates, truth = checked_candidates(predicted, truth)
    return min(float(np.mean((candidate > 0) != (truth > 0))) for candidate in candidates)


def _iou(first: Mask, second: Mask) -> float:
    """Intersection over union of two masks, 1 for two empty ones."""
    union = np.count_nonzero(first | second)
    return float(np.count_nonzero(first & second) / union) if union else 1.0
