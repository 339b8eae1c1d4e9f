"""Judge predictions plane by plane, as planes are segmented: measures and errors, for the window and the terminal."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy import ndimage

from napari_unet.data.pairing import check_shapes, settle_axes
from napari_unet.data.reading import read_image, read_labels
from napari_unet.data.targets import read_annotation
from napari_unet.errors import InputError
from napari_unet.metrics import (
    Errors,
    Scores,
    find_errors,
    mean_scores,
    overlaps,
    pixel_error,
    rand_error,
    score_pair,
    warping_error,
)

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_unet.data.reading import Image
    from napari_unet.metrics import CellError

PROBABILITY_CUT = 0.5
"""From this probability on a pixel counts as part of a cell."""


@dataclass(frozen=True)
class PlaneReport:
    """How good one plane is.

    Attributes
    ----------
    image
        Name of the image.
    place
        Time and Z of the plane in it.
    scores
        Its measures.
    errors
        What is wrong, the largest first.
    """

    image: str
    place: tuple[int, int]
    scores: Scores
    errors: tuple[CellError, ...]


@dataclass(frozen=True, eq=False)
class PlaneCompared:
    """A plane is done.

    Attributes
    ----------
    report
        How good it is.
    error_map
        uint8 of shape (Y, X), see `napari_unet.metrics.Errors`.
    share
        Part of all work that is done now, 0 … 1.
    """

    report: PlaneReport
    error_map: NDArray[np.uint8]
    share: float


@dataclass(frozen=True, eq=False)
class PairFailed:
    """A pair of files that cannot be compared.

    Attributes
    ----------
    image
        Name of the image.
    error
        Why.
    """

    image: str
    error: InputError | OSError


def compare_stack(
    image: str,
    predicted: Any,
    truth: Any,
    scheme: Literal["dense", "sparse"] = "dense",
    places: Sequence[tuple[int, int]] | None = None,
) -> Generator[PlaneCompared]:
    """Compare a prediction with the truth, one plane after the other.

    Of a sparse truth only what is annotated counts: pixels without annotation are background in both images and are
    left out of the pixel and the warping error; a predicted object is forgotten if more than half of it lies there,
    unless it covers more than half of an annotated cell. Planes without annotation are left out.

    Parameters
    ----------
    image
        Name for the reports.
    predicted
        Labels, or probabilities as floating-point numbers, array-like of shape (T, 1, Z, Y, X).
    truth
        Labels of the same shape.
    scheme
        How the truth is annotated, see `napari_unet.data.targets.read_annotation`.
    places
        Time and Z of the planes to compare; None: all.

    Yields
    ------
    PlaneCompared
        One a plane.

    Raises
    ------
    InputError
        If the shapes differ, the arrays hold something else, or nothing is annotated.

    Examples
    --------
    >>> truth = np.array([[1, 1, 0, 2, 2]])[None, None, None]
    >>> event, = compare_stack("drawn", 1 * (truth == 1), truth)
    >>> event.report.scores.seg, event.report.errors[0].kind
    (0.5, 'missed')
    """
    if predicted.shape != truth.shape or predicted.shape[1] != 1:
        raise InputError(
            f"The prediction has shape {tuple(predicted.shape)} and the truth {tuple(truth.shape)} (T, C, Z, Y, X). "
            "Both must show the same pixels, without channels: choose labels made on the same image."
        )
    chosen = list(np.ndindex(truth.shape[0], truth.shape[2])) if places is None else places
    n_compared = 0
    for done, (t, z) in enumerate(chosen, 1):
        compared = _compare(np.asarray(predicted[t, 0, z]), np.asarray(truth[t, 0, z]), scheme)
        if compared is not None:
            n_compared += 1
            scores, errors = compared
            yield PlaneCompared(PlaneReport(image, (t, z), scores, errors.found), errors.error_map, done / len(chosen))
    if not n_compared:
        raise InputError("Nothing is annotated there. Choose a slice with painted cells, or the whole stack.")


def compare_files(pairs: Sequence[tuple[Path, Path]]) -> Generator[PlaneCompared | PairFailed]:
    """Compare files of predictions with files of the truth.

    Parameters
    ----------
    pairs
        Prediction (labels, or probabilities as one channel of floating-point numbers) and dense truth, from
        `napari_unet.data.pairing.pair_files`.

    Yields
    ------
    PlaneCompared or PairFailed
        One a plane; of a pair that cannot be compared one failure, and none of its planes afterwards.
    """
    for index, (predicted, truth) in enumerate(pairs):
        try:
            found, real = open_pair(predicted, truth)
            for event in compare_stack(predicted.stem, found.data, real.data):
                yield replace(event, share=(index + event.share) / len(pairs))
        except (InputError, OSError) as error:
            yield PairFailed(predicted.stem, error)


def open_pair(predicted: Path, truth: Path) -> tuple[Image, Image]:
    """Open a prediction and its truth.

    Parameters
    ----------
    predicted
        Labels, or probabilities as one channel of floating-point numbers.
    truth
        Labels.

    Returns
    -------
    found, real : Image
        Of the same shape.

    Raises
    ------
    InputError
        If a file cannot be read, holds something else, or their shapes differ.
    """
    found, real = read_image(predicted), read_labels(truth)
    is_probability = found.data.dtype.kind == "f" and found.n_channels == 1
    found, real = settle_axes(found if is_probability else read_labels(predicted), real)
    check_shapes(found, real)
    return found, real


def image_scores(reports: Iterable[PlaneReport]) -> dict[str, Scores]:
    """Sum up the planes of each image.

    Parameters
    ----------
    reports
        Of any number of images.

    Returns
    -------
    dict of str to Scores
        By name of the image: the means over its planes, and the sums of its objects.
    """
    planes: dict[str, list[Scores]] = {}
    for report in reports:
        planes.setdefault(report.image, []).append(report.scores)
    return {image: _merge(scores) for image, scores in planes.items()}


def _compare(
    predicted: NDArray[Any], labels: NDArray[Any], scheme: Literal["dense", "sparse"]
) -> tuple[Scores, Errors] | None:
    """Compare one plane; None where nothing is annotated."""
    cells, annotated = read_annotation(labels, scheme)
    if not annotated.any():
        return None
    # The numbers in the report are those that a person sees in the layer.
    cells = np.where(cells > 0, labels, 0)
    found = predicted if scheme == "dense" else _only_annotated(predicted, cells, annotated)
    is_probability = predicted.dtype.kind == "f"
    scores, known = (_score_probability if is_probability else score_pair)(found, cells), float(annotated.mean())
    scores = replace(scores, pixel_error=scores.pixel_error / known, warping_error=scores.warping_error / known)
    return scores, find_errors(found >= PROBABILITY_CUT if is_probability else found, cells)


def _only_annotated(predicted: NDArray[Any], cells: NDArray[Any], annotated: NDArray[np.bool_]) -> NDArray[Any]:
    """Take out of a prediction, labels or probabilities, what nobody can judge."""
    if predicted.dtype.kind == "f":
        pieces, _ = ndimage.label(predicted >= PROBABILITY_CUT)
        is_judged = (pieces == 0) | (_only_annotated(pieces, cells, annotated) > 0)
        return np.where(annotated & is_judged, predicted, 0)
    table = overlaps(predicted, cells)
    ids, known = np.unique(predicted[annotated & (predicted > 0)], return_counts=True)
    sizes = table.predicted_sizes[np.searchsorted(table.predicted_ids, ids)]
    judged = np.union1d(ids[2 * known >= sizes], table.predicted_ids[table.columns[table.covered]])
    return np.where(annotated & np.isin(predicted, judged), predicted, 0)


def _score_probability(values: NDArray[Any], cells: NDArray[Any]) -> Scores:
    """Score a plane of probabilities: the errors of the ISBI 2012 challenge take the best threshold."""
    return replace(
        score_pair(values >= PROBABILITY_CUT, cells),
        rand_error=rand_error(values, cells),
        warping_error=warping_error(values, cells),
        pixel_error=pixel_error(values, cells),
    )


def _merge(planes: list[Scores]) -> Scores:
    """Give the means over the planes of an image, and the sums of its objects."""
    counts = {name: sum(getattr(plane, name) for plane in planes) for name in ("n_predicted", "n_truth")}
    return Scores(**(mean_scores(planes) | counts))
