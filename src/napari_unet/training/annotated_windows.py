"""Windows of annotated planes, with what a network says of them: what its cells are compared with."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_unet.data.rectangles import within
from napari_unet.data.targets import read_annotation
from napari_unet.data.training_image import annotated_planes, read_labels

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from napari_unet.data.normalization import PlaneScaler
    from napari_unet.data.rectangles import Rectangle
    from napari_unet.data.training_image import ImagePlane, TrainingImage
    from napari_unet.inference.predictor import Predictor

#: Planes looked at, evenly chosen where there are more.
_MOST_PLANES = 8


@dataclass(frozen=True)
class Sample:
    """A window of an annotated plane, and what a network says of it.

    Attributes
    ----------
    foreground
        Probability of foreground, float32 (y, x).
    cells
        Annotated cells that lie in the window as a whole, 0 elsewhere, int32 (y, x).
    annotated
        Where it is known what is there, bool (y, x).
    """

    foreground: NDArray[np.float32]
    cells: NDArray[np.int32]
    annotated: NDArray[np.bool_]


def take_samples(predictor: Predictor, images: Iterable[TrainingImage], n_px: int) -> Iterator[Sample]:
    """Predict windows of annotated planes, evenly chosen.

    Parameters
    ----------
    predictor
        Predicts them.
    images
        Images with their annotations.
    n_px
        Pixels to look at in all windows together, as the network sees them.

    Yields
    ------
    Sample
        One of each plane.
    """
    chosen = annotated_planes(images, _MOST_PLANES)
    for source, place in chosen:
        scaler = predictor.card.normalization.for_image(source.image)
        edge = int(math.sqrt(n_px / len(chosen)) / predictor.scale)
        labels, ignore = read_labels(source, place)
        known = read_annotation(labels, predictor.card.recipe.training.scheme, ignore)
        if edge and known[1].any():
            yield _take_sample(predictor, (source, place), scaler, known, edge)


def _take_sample(
    predictor: Predictor,
    at: ImagePlane,
    scaler: PlaneScaler,
    known: tuple[NDArray[np.int32], NDArray[np.bool_]],
    edge: int,
) -> Sample:
    """Predict a window of a plane, of which it is known which cells there are, and where it is annotated."""
    (source, (t, z)), (cells, annotated) = at, known
    box = _choose_window(cells, annotated, edge)
    foreground = np.empty([part.stop - part.start for part in box], np.float32)
    for tile in predictor.predict_plane(source.image[t, :, z], scaler, box):
        foreground[within(tile.inner, box)] = 1 - tile.probabilities[0]
    is_cut = np.isin(cells, _cut_cells(cells, box))[box]
    return Sample(foreground, np.where(is_cut, 0, cells[box]), annotated[box] & ~is_cut)


def _choose_window(cells: NDArray[np.int32], annotated: NDArray[np.bool_], edge: int) -> Rectangle:
    """Give the window of this edge, or less, amid the annotated cells."""
    window = []
    for axis in (0, 1):
        known = np.flatnonzero(annotated.any(1 - axis))
        middle = np.median(np.flatnonzero(cells.any(1 - axis))) if cells.any() else known[known.size // 2]
        start = max(known[0], min(int(middle) - edge // 2, known[-1] + 1 - edge))
        window.append(slice(int(start), int(min(start + edge, known[-1] + 1))))
    return window[0], window[1]


def _cut_cells(cells: NDArray[np.int32], box: Rectangle) -> NDArray[np.int32]:
    """List the cells that go on beyond a window."""
    beyond = cells.copy()
    beyond[box] = 0
    return np.intersect1d(cells[box], beyond[beyond > 0])
