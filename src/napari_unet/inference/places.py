"""Where painting helps most: what a model is unsure of, over more than an outline, and nobody annotated.

Needs no torch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
from scipy.ndimage import grey_opening, uniform_filter

from napari_unet.data.rectangles import whole

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from numpy.typing import NDArray

    from napari_unet.axes import Array
    from napari_unet.data.rectangles import Rectangle

#: Time point and slice.
Plane: TypeAlias = tuple[int, int]

#: Edge of the window, applied twice, in diameters of a cell.
_WINDOW = 0.7
#: What is narrower than this many diameters of a cell is the outline of one, which is never quite certain.
_OUTLINE = 0.2
_ROUNDING = 1e-6
#: A search looks at so many pixels and planes at most: it shall take seconds, not minutes.
_MOST_PX = 2e6
_MOST_PLANES = 8


@dataclass(frozen=True, slots=True)
class Spot:
    """A place to paint next.

    Attributes
    ----------
    plane
        Number of the plane.
    y, x
        Row and column, px.
    gain
        Mean uncertainty around it, 0 … 1.
    """

    plane: int
    y: int
    x: int
    gain: float


@dataclass(frozen=True, slots=True, eq=False)
class Search:
    """Where to look for the next place.

    Attributes
    ----------
    image
        (T, C, Z, Y, X) of any real type: numpy, memory-mapped or dask. Nothing is read yet.
    source
        Tells images apart; as long as it is the same, so is the image.
    labels
        (T, 1, Z, Y, X): what is painted so far.
    scheme
        What its numbers mean, as in `napari_unet.config.training.TrainingConfig`.
    plane
        Time point and slice in view; of a stack, others are searched too.
    rectangle
        Part of the plane in view, both ends given; searched alone where planes are too large.
    visited
        Rows and columns of the places that were shown already.
    """

    image: Array
    source: Hashable
    labels: Array
    scheme: Literal["dense", "sparse"]
    plane: Plane
    rectangle: Rectangle
    visited: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Searching:
    """A part of a search is done.

    Attributes
    ----------
    share
        Part that is done, 0 … 1.
    """

    share: float


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What a search found.

    Attributes
    ----------
    search
        As it was handed over.
    box
        Part of each plane that was searched.
    uncertainty
        float32 of that part, 0 … 1, by time point and slice.
    place
        Time point, slice, row and column where painting helps most; None: nothing uncertain is left.
    cell_diameter_px
        How large a cell is, px.
    """

    search: Search
    box: Rectangle
    uncertainty: dict[Plane, NDArray[np.float32]]
    place: tuple[int, int, int, int] | None
    cell_diameter_px: float


def next_places(
    uncertainty: NDArray[np.float32],
    annotated: NDArray[np.bool_],
    cell_diameter_px: float,
    n: int,
    visited: Sequence[tuple[int, int]] = (),
) -> list[Spot]:
    """Find the spots where painting helps most.

    What counts is the uncertainty over a window of about a cell's size. What is annotated counts nothing, nor what is
    narrower than a fifth of a cell: every cell has an outline that is not quite certain.

    Parameters
    ----------
    uncertainty
        (planes, Y, X), see `napari_unet.inference.uncertainty`.
    annotated
        bool, same shape.
    cell_diameter_px
        Typical diameter of a cell, px. Spots are further apart than this, also in different planes: neighbouring
        planes look alike.
    n
        Number of spots.
    visited
        Rows and columns of earlier spots, from which the new ones keep as far.

    Returns
    -------
    list of Spot
        Best first; fewer where nothing uncertain is left.

    Examples
    --------
    >>> uncertainty = np.zeros((1, 40, 60), np.float32)
    >>> uncertainty[0, 10:19, 10:19] = 0.5
    >>> uncertainty[0, 10:19, 40:49] = 0.9
    >>> [(spot.y, spot.x) for spot in next_places(uncertainty, uncertainty > 1, 10, 3)]
    [(14, 44), (14, 14)]
    """
    closed = annotated.copy()
    for y, x in visited:
        closed |= _disc(closed.shape[1:], y, x, cell_diameter_px)
    spots: list[Spot] = []
    while len(spots) < n:
        gain = np.stack([_gain(*plane, cell_diameter_px) for plane in zip(uncertainty, closed, strict=True)])
        plane, y, x = (int(index) for index in np.unravel_index(gain.argmax(), gain.shape))
        if not gain[plane, y, x] > 0:
            break
        spots.append(Spot(plane, y, x, float(gain[plane, y, x])))
        closed |= _disc(closed.shape[1:], y, x, cell_diameter_px)
    return spots


def _gain(uncertainty: NDArray[np.float32], closed: NDArray[np.bool_], diameter: float) -> NDArray[np.float64]:
    """Give the mean uncertainty around each pixel of a plane, 0 where it is no more than rounding."""
    gain: NDArray[np.float64] = np.where(closed, 0.0, uncertainty)
    gain = grey_opening(gain, size=(_odd(_OUTLINE * diameter),) * 2, mode="constant")
    for _ in range(2):
        gain = uniform_filter(gain, _odd(_WINDOW * diameter), mode="constant")
    return np.where(closed | (gain < _ROUNDING), 0, gain)


def _odd(size: float) -> int:
    """Give the odd number next to a size: a window of it has a middle."""
    return 2 * int(size / 2) + 1


def _disc(shape: Sequence[int], y: int, x: int, radius: float) -> NDArray[np.bool_]:
    """Mark what is near a spot."""
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    near: NDArray[np.bool_] = (rows - y) ** 2 + (columns - x) ** 2 <= radius**2
    return near


def choose_planes(shape: Sequence[int], in_view: Plane, n: int) -> tuple[Plane, ...]:
    """Choose planes of a stack or series: the one in view, and others spread evenly.

    Parameters
    ----------
    shape
        Of the image, TCZYX.
    in_view
        Time point and slice.
    n
        So many at most, at least 1.

    Returns
    -------
    tuple of tuple of int
        Time point and slice of each. The others are the same whatever is in view.

    Examples
    --------
    >>> choose_planes((1, 1, 10, 64, 64), (0, 6), 3)
    ((0, 6), (0, 2), (0, 7))
    """
    n_times, _, n_slices, *_ = shape
    count = n_times * n_slices
    n_others = count if count <= n else n - 1
    spread = (int((step + 0.5) * count / n_others) for step in range(n_others))
    return tuple(dict.fromkeys([in_view, *(divmod(number, n_slices) for number in spread)]))


def plan_search(search: Search, scale: float) -> tuple[tuple[Plane, ...], Rectangle]:
    """Choose what is searched, so that it takes seconds.

    Parameters
    ----------
    search
        What is in view.
    scale
        Factor by which images are resampled before the network sees them.

    Returns
    -------
    planes : tuple of tuple of int
        Time point and slice of each; the one in view is the first.
    box : tuple of slice
        The whole plane; of a large one the part in view; of a large part its middle.
    """
    most = _MOST_PX / scale**2
    box = whole(search.image.shape[3:])
    if _count(box) > most:
        box = search.rectangle
    if _count(box) > most:
        box = _middle(box, math.sqrt(most / _count(box)))
    n = min(_MOST_PLANES, max(1, int(most / _count(box))))
    return choose_planes(search.image.shape, search.plane, n), box


def _middle(box: Rectangle, factor: float) -> Rectangle:
    """Give the middle of a rectangle, with edges so many times shorter."""
    margins = [int((part.stop - part.start) * (1 - factor) / 2) + 1 for part in box]
    return tuple(slice(part.start + margin, part.stop - margin) for part, margin in zip(box, margins, strict=True))


def _count(box: Rectangle) -> int:
    """Count the pixels of a rectangle."""
    return math.prod(part.stop - part.start for part in box)
