"""All measures of one image, of many, and their means."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from napari_unet.errors import InputError
from napari_unet.metrics._arrays import checked_pair, components, defined_mean
from napari_unet.metrics.instances import IOU_THRESHOLDS, detection, overlaps, seg
from napari_unet.metrics.isbi import rand_error, warping_error
from napari_unet.metrics.pixels import foreground_iou, pixel_error

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_unet.metrics._arrays import LabelsOrMask


@dataclass(frozen=True)
class Scores:
    """All measures of one image. Two empty images score 1 (errors 0).

    Attributes
    ----------
    iou
        Intersection over union of the foreground.
    seg
        SEG of the Cell Tracking Challenge; ``nan`` if cells were predicted where there are none.
    ap50
        Average precision at an intersection over union of 0.5.
    ap
        Mean average precision over the thresholds 0.50, 0.55 ... 0.95.
    f1
        F1 at 0.5.
    pq
        Panoptic quality at 0.5.
    rand_error
        1 - F-score of the Rand index in the true foreground; ``nan`` if cells were predicted where there are none.
    warping_error
        Disagreement after the truth was warped towards the prediction, per pixel.
    pixel_error
        Fraction of pixels with foreground in one image alone.
    n_predicted, n_truth
        Number of objects.
    """

    iou: float
    seg: float
    ap50: float
    ap: float
    f1: float
    pq: float
    rand_error: float
    warping_error: float
    pixel_error: float
    n_predicted: int
    n_truth: int


@dataclass(frozen=True)
class Evaluation:
    """Scores of several images.

    Attributes
    ----------
    means
        Mean of each field of `Scores` over the images, from `mean_scores`.
    images
        Scores of each image, in the order given.
    """

    means: dict[str, float]
    images: tuple[Scores, ...]


def evaluate(
    predicted: LabelsOrMask | Sequence[LabelsOrMask], truth: LabelsOrMask | Sequence[LabelsOrMask]
) -> Evaluation:
    """Compare predictions with the truth, image by image.

    Parameters
    ----------
    predicted, truth
        One array, or as many arrays as there are images, as for `score_pair`. An array is one image, however many
        axes it has.

    Returns
    -------
    Evaluation
        The means over the images and the scores of each.

    Raises
    ------
    InputError
        If the numbers of images differ or are 0, or a pair does not fit.

    Examples
    --------
    >>> truth = np.array([[1, 1, 0, 2, 2]])
    >>> result = evaluate([truth, 0 * truth], [truth, truth])
    >>> result.means["iou"], result.images[1].f1
    (0.5, 0.0)
    """
    found, real = _as_images(predicted, "predicted"), _as_images(truth, "truth")
    if len(found) != len(real):
        raise InputError(f"{len(found)} predicted and {len(real)} true images were given. Each needs its partner.")
    images = tuple(map(score_pair, found, real))
    return Evaluation(mean_scores(images), images)


def score_pair(predicted: LabelsOrMask, truth: LabelsOrMask) -> Scores:
    """Compare one predicted label image with the truth.

    Parameters
    ----------
    predicted, truth
        Label images of one shape ``(..., Y, X)``, 0 background, 1 and up cells. A mask stands for its face-connected
        components. The array is one image for all measures of objects and pixels; warping error and Rand error are
        means over its planes.

    Returns
    -------
    Scores
        All measures.

    Raises
    ------
    InputError
        If the shapes differ, a type is neither integer nor boolean, or a label is negative.

    Examples
    --------
    >>> scores = score_pair(np.array([[5, 5, 5, 0]]), np.array([[1, 1, 2, 2]]))
    >>> scores.iou, scores.ap50, scores.pixel_error, scores.n_truth
    (0.75, 0.5, 0.25, 2)
    """
    found, real = map(components, checked_pair(predicted, truth))
    table = overlaps(found, real)
    detections = [detection(table, threshold) for threshold in IOU_THRESHOLDS]
    return Scores(
        iou=foreground_iou(found, real),
        seg=seg(table),
        ap50=detections[0].ap,
        ap=math.fsum(at.ap for at in detections) / len(detections),
        f1=detections[0].f1,
        pq=detections[0].pq,
        rand_error=rand_error(found, real),
        warping_error=warping_error(found, real),
        pixel_error=pixel_error(found, real),
        n_predicted=len(table.predicted_ids),
        n_truth=len(table.truth_ids),
    )


def mean_scores(scores: Sequence[Scores]) -> dict[str, float]:
    """Average each field of the scores over the images.

    Parameters
    ----------
    scores
        Scores of at least one image.

    Returns
    -------
    dict of str to float
        The mean of each field of `Scores`, over the images where it is defined; ``nan`` if it is defined nowhere.
        Undefined are `Scores.seg` and `Scores.rand_error` of an image without true cells for which some were
        predicted.

    Raises
    ------
    InputError
        If there are no scores.

    Examples
    --------
    >>> cells, empty = np.array([[1, 1, 0, 2]]), np.zeros((1, 4), int)
    >>> means = mean_scores([score_pair(cells, cells), score_pair(cells, empty)])
    >>> means["iou"], means["seg"]
    (0.5, 1.0)
    """
    if not scores:
        raise InputError("There is no image to average over. Give at least one predicted image and its truth.")
    return {field.name: defined_mean(getattr(score, field.name) for score in scores) for field in fields(Scores)}


def _as_images(images: LabelsOrMask | Sequence[LabelsOrMask], name: str) -> list[LabelsOrMask]:
    """Take a single array as a list of one."""
    arrays = [images] if isinstance(images, np.ndarray) else list(images)
    if other := [array for array in arrays if not hasattr(array, "dtype")]:
        raise InputError(
            f"{name} holds {other[0]!r:.60}: an array or a list of arrays is allowed. Read files with "
            "napari_unet.read_image(file).data, or compare them with napari-unet evaluate."
        )
    return arrays
