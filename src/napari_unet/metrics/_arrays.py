"""What every measure asks of its two arrays, and how a stack is taken apart."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import label

from napari_unet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

Labels: TypeAlias = NDArray[np.integer[Any]]
Mask: TypeAlias = NDArray[np.bool_]
LabelsOrMask: TypeAlias = Labels | Mask
Map: TypeAlias = LabelsOrMask | NDArray[np.floating[Any]]

PROBABILITY_THRESHOLDS = np.arange(1, 10) / 10
"""Thresholds at which a probability map is cut: the ISBI 2012 challenge keeps the best of them."""


def checked_pair(predicted: Map, truth: Map) -> tuple[LabelsOrMask, LabelsOrMask]:
    """Give both arrays back if they are label images or masks of one shape."""
    predicted, truth = _checked_shapes(predicted, truth)
    return _checked_labels("predicted", predicted), _checked_labels("truth", truth)


def checked_candidates(predicted: Map, truth: Map) -> tuple[list[LabelsOrMask], LabelsOrMask]:
    """Give the predictions to choose the best from (more than one for a probability map) and the truth."""
    predicted, truth = _checked_shapes(predicted, truth)
    labels = _checked_labels("truth", truth)
    if predicted.dtype.kind != "f":
        return [_checked_labels("predicted", predicted)], labels
    _refuse_other_than_probabilities(predicted)
    return [predicted >= threshold for threshold in PROBABILITY_THRESHOLDS], labels


def components(labels: LabelsOrMask) -> Labels:
    """Label the face-connected components of a mask; leave a label image as it is."""
    return label(labels)[0] if labels.dtype == bool else cast("Labels", labels)


def planes(array: NDArray[Any]) -> NDArray[Any]:
    """View an array ``(..., Y, X)`` as its planes ``(n, Y, X)``."""
    return array.reshape(-1, *array.shape[-2:])


def defined_mean(values: Iterable[float]) -> float:
    """Average the values that are defined (not ``nan``); ``nan`` if none is."""
    defined = [value for value in values if not math.isnan(value)]
    return math.fsum(defined) / len(defined) if defined else math.nan


def _checked_shapes(predicted: Map, truth: Map) -> tuple[Map, Map]:
    """Refuse two arrays that do not show the same pixels."""
    if predicted.shape != truth.shape:
        raise InputError(
            f"predicted has shape {predicted.shape} and truth has shape {truth.shape}. "
            "Both must show the same pixels: crop or resample one of them."
        )
    if truth.ndim < 2 or truth.size == 0:
        raise InputError(f"The arrays have shape {truth.shape}. Give at least one plane (Y, X) with pixels in it.")
    return predicted, truth


def _checked_labels(name: str, array: Map) -> LabelsOrMask:
    """Refuse an array that is neither a label image nor a mask."""
    if array.dtype.kind not in "bui":
        raise InputError(
            f"{name} has the type {array.dtype}. A label image holds whole numbers (0 background, 1 and up cells), "
            "a mask holds True and False: convert it, or threshold it first."
        )
    if array.dtype.kind == "i" and array.min() < 0:
        raise InputError(f"{name} holds {array.min()}. Labels are 0 (background) or more: renumber the cells.")
    return cast("LabelsOrMask", array)


def _refuse_other_than_probabilities(array: Map) -> None:
    """Refuse floating-point values outside 0 to 1, ``nan`` included."""
    if not ((array >= 0) & (array <= 1)).all():
        if (array >= 0).all() and (array == np.rint(array)).all():
            raise InputError(
                f"predicted holds whole numbers up to {array.max():g} as {array.dtype}: labels of a wrong type. "
                "Convert it to integers without scaling, for example with predicted.astype('int32'), and save it again."
            )
        raise InputError(
            f"predicted is a {array.dtype} array with values outside 0 to 1 (or nan). "
            "A probability map holds values from 0 to 1: divide by its maximum, or give labels as whole numbers."
        )
