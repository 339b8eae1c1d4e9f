"""Measures of class maps, in which the number of a pixel is its class, the background included."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet.metrics._arrays import checked_pair, defined_mean

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from napari_unet.metrics._arrays import Labels

_N_CLASSES = 256


def count_classes(predicted: Labels, truth: Labels) -> NDArray[np.int64]:
    """Count how many pixels of each true class were given each class.

    Parameters
    ----------
    predicted, truth
        Class maps of one shape ``(..., Y, X)``, classes up to 255.

    Returns
    -------
    numpy.ndarray
        int64 of shape (true class, predicted class); the counts of several planes may be added.

    Raises
    ------
    InputError
        If the shapes differ, or a map holds something else than classes.
    """
    found, real = (array.astype(np.int64).ravel() for array in checked_pair(predicted, truth))
    return np.bincount(real * _N_CLASSES + found, minlength=_N_CLASSES**2).reshape(_N_CLASSES, _N_CLASSES)


def class_scores(counts: NDArray[np.int64], classes: Collection[int]) -> dict[str, float]:
    """Score counts of `count_classes`.

    Parameters
    ----------
    counts
        Of one image.
    classes
        Classes that are wanted.

    Returns
    -------
    dict of str to float
        ``iou``, the mean over the classes; ``pixel_error``, the share of pixels with another class; and the
        intersection over union of each class, ``nan`` where neither map has it.

    Examples
    --------
    >>> class_scores(count_classes(np.array([[0, 1, 1, 1]]), np.array([[0, 0, 1, 1]])), [1, 2])
    {'iou': 0.6666666666666666, 'pixel_error': 0.25, 'iou_class_1': 0.6666666666666666, 'iou_class_2': nan}
    """
    found = {f"iou_class_{number}": _iou(counts, number) for number in classes}
    error = 1 - float(np.trace(counts) / counts.sum())
    return {"iou": defined_mean(found.values()), "pixel_error": error} | found


def mean_class_scores(images: Collection[dict[str, Any]]) -> dict[str, float]:
    """Average each measure over the images where it is defined.

    Parameters
    ----------
    images
        From `class_scores`, with the same classes.

    Returns
    -------
    dict of str to float
        The same measures; ``nan`` where one is defined nowhere.
    """
    names = next(iter(images), {})
    return {name: defined_mean(image[name] for image in images) for name in names}


def _iou(counts: NDArray[np.int64], number: int) -> float:
    """Give the intersection over union of a class."""
    union = counts[number].sum() + counts[:, number].sum() - counts[number, number]
    return float(counts[number, number] / union) if union else math.nan
