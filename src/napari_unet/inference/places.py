"""Where painting helps most: where a model is unsure, over more than an outline, beside painted cells first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import distance_transform_edt, grey_opening, uniform_filter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

#: Edges of windows, applied twice, in diameters of a cell: what is compared, and where in it is the middle.
_WINDOW, _MIDDLE = 1.3, 0.5
#: What is narrower than this many diameters of a cell is the outline of one, which is never quite certain.
_OUTLINE = 0.2
#: What part counts of what is farther from a painted cell than its diameter.
_ELSEWHERE = 0.1
_ROUNDING = 1e-7


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
        What counts around it, see `next_places`, 0 … 1.
    """

    plane: int
    y: int
    x: int
    gain: float


def next_places(
    uncertainty: NDArray[np.float32],
    annotated: NDArray[np.bool_],
    cells: NDArray[np.bool_],
    cell_diameter_px: float,
    n: int,
    visited: Sequence[tuple[int, int]] = (),
) -> list[Spot]:
    """Find the spots where painting helps most.

    What counts is the mean square of the uncertainty over a window of about a cell's size. What is annotated counts
    nothing, nor what is narrower than a fifth of a cell: every cell has an outline that is not quite certain.
    Farther from painted cells it counts a tenth: only cells that are painted side by side teach what lies between them.

    Parameters
    ----------
    uncertainty
        (planes, Y, X), see `napari_unet.inference.uncertainty`.
    annotated
        bool, same shape.
    cells
        bool, same shape: where painted cells are.
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
    >>> nothing = np.zeros(uncertainty.shape, bool)
    >>> [(spot.y, spot.x) for spot in next_places(uncertainty, nothing, nothing, 10, 3)]
    [(14, 44), (14, 14)]
    >>> painted = nothing.copy()
    >>> painted[0, 21:30, 10:19] = True
    >>> [(spot.y, spot.x) for spot in next_places(uncertainty, painted, painted, 10, 3)]
    [(14, 14), (14, 44)]
    """
    closed = annotated.copy()
    worth = np.where([_beside(plane, cell_diameter_px) for plane in cells], 1.0, _ELSEWHERE)
    for y, x in visited:
        closed |= _disc(closed.shape[1:], y, x, cell_diameter_px)
    spots: list[Spot] = []
    while len(spots) < n:
        doubt = np.stack([_doubt(*plane, cell_diameter_px) for plane in zip(uncertainty, closed, strict=True)])
        gain = _around(doubt * worth, _WINDOW * cell_diameter_px) * ~closed
        plane, y, x = (int(index) for index in np.unravel_index(gain.argmax(), gain.shape))
        best = float(gain[plane, y, x])
        if best < _ROUNDING:
            break
        # The middle of the doubt, not that of the window, which may hold the doubt at its edge.
        near = _disc(closed.shape[1:], y, x, cell_diameter_px) & ~closed[plane]
        middle = np.where(near, _around(doubt[plane], _MIDDLE * cell_diameter_px), -1)
        y, x = (int(index) for index in np.unravel_index(middle.argmax(), middle.shape))
        spots.append(Spot(plane, y, x, best))
        closed |= _disc(closed.shape[1:], y, x, cell_diameter_px)
    return spots


def _doubt(uncertainty: NDArray[np.float32], closed: NDArray[np.bool_], diameter: float) -> NDArray[np.float64]:
    """Give the square of the uncertainty, without outlines and what is closed."""
    # A cell in serious doubt says more than a wide ground in slight doubt: hence the square.
    doubt = np.where(closed, 0.0, uncertainty.astype(np.float64) ** 2)
    opened: NDArray[np.float64] = grey_opening(doubt, size=(_odd(_OUTLINE * diameter),) * 2, mode="constant")
    return opened


def _beside(cells: NDArray[np.bool_], distance: float) -> NDArray[np.bool_]:
    """Mark what is near a painted cell of a plane."""
    if not cells.any():
        return np.zeros_like(cells)
    near: NDArray[np.bool_] = distance_transform_edt(~cells) <= distance
    return near


def _around(doubt: NDArray[np.float64], size: float) -> NDArray[np.float64]:
    """Give the mean around each pixel of the last two axes, what is near weighing more."""
    window = (1,) * (doubt.ndim - 2) + (_odd(size),) * 2
    for _ in range(2):
        doubt = uniform_filter(doubt, window, mode="constant")
    return doubt


def _odd(size: float) -> int:
    """Give the odd number next to a size: a window of it has a middle."""
    return 2 * int(size / 2) + 1


def _disc(shape: Sequence[int], y: int, x: int, radius: float) -> NDArray[np.bool_]:
    """Mark what is near a spot."""
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    near: NDArray[np.bool_] = (rows - y) ** 2 + (columns - x) ** 2 <= radius**2
    return near
