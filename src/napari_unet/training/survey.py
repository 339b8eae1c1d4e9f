"""A quick look at annotated images: how large the cells are, what is painted, what the intensities are like.

A few planes of each image tell enough. Needs no torch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy.ndimage import find_objects
from skimage.measure import label as find_pieces

from napari_unet.data.crowding import count_neighbours
from napari_unet.data.targets import read_annotation
from napari_unet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from napari_unet.data.training_image import TrainingImage

Scheme = Literal["dense", "sparse"]

#: Planes searched for annotations in an image, edge of what is looked at in a plane, and pixels whose intensities are
#: read.
_MOST_SEARCHED = 256
_MOST_EDGE_PX = 1024
_MOST_INTENSITIES = 2**18
#: A piece of a cell below this share of it, or of so few pixels, is a slip of the brush.
_SLIP_SHARE, _SLIP_PX = 0.05, 12


@dataclass(frozen=True)
class AnnotatedPlane:
    """What is painted on a plane.

    Attributes
    ----------
    shape
        Rows and columns.
    background_px
        Pixels annotated as background.
    cell_px
        Pixels of each cell.
    extents_px
        Longer edge of the box around each cell.
    n_split
        Cells in several pieces.
    largest_class
        Largest number that is painted, counted as a class.
    first_px
        Pixels of label 1, whatever it means.
    others_px
        Median of the pixels of the other labels; 0 without any.
    first_touches
        Share of the other labels that label 1 touches.
    neighbours
        Cells that nearly touch another one, and all.
    """

    shape: tuple[int, int]
    background_px: int
    cell_px: NDArray[np.int64]
    extents_px: NDArray[np.int64]
    n_split: int
    largest_class: int
    first_px: int
    others_px: float
    first_touches: float
    neighbours: tuple[int, int]


@dataclass(frozen=True)
class Intensities:
    """What the samples of an image are like.

    Attributes
    ----------
    finite_share
        Share of samples that are numbers.
    constant
        Channels with one value only.
    saturated_share
        For each channel the share of samples at its maximum, where that is not the only value.
    alike
        Whether there are several channels and all hold the same.
    """

    finite_share: float
    constant: tuple[int, ...]
    saturated_share: tuple[float, ...]
    alike: bool


@dataclass(frozen=True)
class SurveyedImage:
    """What is known of an image.

    Attributes
    ----------
    name
        Its name.
    shape
        (T, C, Z, Y, X).
    n_annotated
        Planes with an annotation among those searched, counted up for all.
    planes
        Some of them.
    intensities
        Of the middle one of these planes; None: nothing is annotated.
    """

    name: str
    shape: tuple[int, ...]
    n_annotated: float
    planes: tuple[AnnotatedPlane, ...]
    intensities: Intensities | None

    @property
    def cell_px(self) -> NDArray[np.int64]:
        """Pixels of each cell looked at."""
        return np.concatenate([np.zeros(0, np.int64), *(plane.cell_px for plane in self.planes)])


def survey(image: TrainingImage, scheme: Scheme, most_planes: int) -> SurveyedImage:
    """Look at an image and its annotation.

    Parameters
    ----------
    image
        With labels of its shape.
    scheme
        What the labels mean.
    most_planes
        Annotated planes looked at closely.

    Returns
    -------
    SurveyedImage
        What is known now.

    Raises
    ------
    InputError
        If the labels are no whole numbers from 0 on.
    """
    shape = tuple(image.image.shape)
    places = list(np.ndindex(shape[0], shape[2]))
    searched = _spread(places, _MOST_SEARCHED)
    annotated = [place for place in searched if np.any(_plane(image.labels, place))]
    chosen = _spread(annotated, most_planes) if most_planes else []
    return SurveyedImage(
        name=image.name,
        shape=shape,
        n_annotated=len(annotated) * len(places) / max(1, len(searched)),
        planes=tuple(_look_named(image, place, scheme) for place in chosen),
        intensities=_read_intensities(image, chosen[len(chosen) // 2]) if chosen else None,
    )


def _look_named(image: TrainingImage, place: tuple[int, ...], scheme: Scheme) -> AnnotatedPlane:
    """Look at a plane; what is wrong with it is said with the name of the image."""
    try:
        return _look(image, place, scheme)
    except InputError as error:
        raise InputError(f"{image.name}: {error}") from error


def _spread(items: list[Any], most: int) -> list[Any]:
    """Choose at most so many, evenly."""
    return items[:: max(1, math.ceil(len(items) / most))]


def _plane(labels: Any, place: tuple[int, ...]) -> NDArray[Any]:
    """Read a plane."""
    return np.asarray(labels[place[0], 0, place[1]])


def _look(image: TrainingImage, place: tuple[int, ...], scheme: Scheme) -> AnnotatedPlane:
    """Look at what is painted on a plane."""
    whole = _plane(image.labels, place)
    window = _painted_window(whole)
    ignore = None if image.ignore is None else _plane(image.ignore, place)[window]
    labels = whole[window]
    cells, annotated = read_annotation(labels, scheme, ignore)
    numbered, sizes = _renumber(cells)
    _, all_sizes = _renumber(labels)
    first_px = int(np.count_nonzero(labels == 1))
    others = all_sizes[1:] if first_px else all_sizes
    return AnnotatedPlane(
        shape=(whole.shape[0], whole.shape[1]),
        background_px=int(np.count_nonzero(annotated & (cells == 0))),
        cell_px=sizes,
        extents_px=np.array([_extent(box) for box in find_objects(numbered)], np.int64),
        n_split=_count_split(numbered, sizes),
        largest_class=int(cells.max(initial=0)),
        first_px=first_px,
        others_px=float(np.median(others)) if others.size else 0.0,
        first_touches=_touched_by_first(labels) / max(1, others.size),
        neighbours=count_neighbours(cells),
    )


def _painted_window(labels: NDArray[Any]) -> tuple[slice, ...]:
    """Give the middle of what is painted, with a little around it."""
    window = []
    for axis, size in enumerate(labels.shape):
        painted = np.flatnonzero(labels.any(axis=1 - axis))
        start, stop = max(int(painted[0]) - 8, 0), min(int(painted[-1]) + 9, size)
        cut = max(0, stop - start - _MOST_EDGE_PX) // 2
        window.append(slice(start + cut, stop - cut))
    return tuple(window)


def _renumber(cells: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Renumber the cells from 1 on without gaps, and count their pixels."""
    values, inverse, counts = np.unique(cells, return_inverse=True, return_counts=True)
    background = int(values[0] == 0) if values.size else 0
    return inverse.reshape(cells.shape) + (1 - background), counts[background:]


def _extent(box: tuple[slice, ...]) -> int:
    """Give the longer edge of a box."""
    return max(int(part.stop) - int(part.start) for part in box)


def _count_split(cells: NDArray[np.int64], sizes: NDArray[np.int64]) -> int:
    """Count the cells that are in several pieces, slips of the brush left out."""
    pieces = find_pieces(cells, connectivity=2)  # type: ignore[no-untyped-call]
    owners = np.zeros(pieces.max(initial=0) + 1, np.int64)
    owners[pieces.ravel()] = cells.ravel()
    piece_px = np.bincount(pieces.ravel(), minlength=owners.size)[1:]
    owners = owners[1:]
    counted = (piece_px >= _SLIP_PX) & (piece_px >= _SLIP_SHARE * sizes[owners - 1])
    return int(np.count_nonzero(np.bincount(owners[counted], minlength=1) > 1))


def _touched_by_first(labels: NDArray[Any]) -> int:
    """Count the labels above 1 that share a face with label 1."""
    touched: set[int] = set()
    for one, other in _neighbours(labels):
        touched |= set(np.unique(other[(one == 1) & (other > 1)]).tolist())
    return len(touched)


def _neighbours(labels: NDArray[Any]) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
    """Give every pixel and the one beside it, in all four directions."""
    for lines in (labels, labels.T):
        yield lines[1:], lines[:-1]
        yield lines[:-1], lines[1:]


def _read_intensities(image: TrainingImage, place: tuple[int, ...]) -> Intensities:
    """Look at the intensities of a plane, at a stride where it is large."""
    step = math.ceil(math.sqrt(image.image.shape[3] * image.image.shape[4] / _MOST_INTENSITIES))
    plane = image.image[place[0], :, place[1]]
    samples = np.asarray(plane[:, ::step, ::step]).reshape(len(plane), -1)
    finite = np.isfinite(samples)
    channels = [channel[known] for channel, known in zip(samples, finite, strict=True)]
    return Intensities(
        finite_share=float(finite.mean()),
        constant=tuple(n for n, values in enumerate(channels) if not values.size or values.min() == values.max()),
        saturated_share=tuple(float((values == values.max()).mean()) if values.size else 0.0 for values in channels),
        alike=len(samples) > 1 and bool((samples == samples[:1]).all()),
    )
