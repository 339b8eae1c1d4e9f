"""What a person looks at while a training runs, and what is told of it: small records. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Hashable

    import numpy as np
    from numpy.typing import NDArray

    from napari_unet.axes import Array
    from napari_unet.data.rectangles import Rectangle


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What a person looks at.

    Attributes
    ----------
    image
        (T, C, Z, Y, X) of any real type: numpy, memory-mapped or dask. Nothing is read yet. Hand over the same object
        for the same image, then its normalisation is measured once.
    t, z
        Plane in view.
    rectangle
        Part of the plane in view, rows and columns; what lies beyond the plane is left out.
    place
        Anything that tells images and planes apart, such as (layer, t, z). It is given back untouched.
    """

    image: Array
    t: int
    z: int
    rectangle: Rectangle
    place: Hashable

    @property
    def key(self) -> tuple[Any, ...]:
        """What makes this another view than the one before."""
        return self.place, self.t, self.z, self.rectangle


@dataclass(frozen=True, slots=True)
class Previewing:
    """A part of a preview is done; a large one takes a while.

    Attributes
    ----------
    view
        What is looked at.
    progress
        Share that is done, 0 … 1.
    """

    view: View
    progress: float


@dataclass(frozen=True, slots=True, eq=False)
class Previewed:
    """What the network of the moment makes of what is in view.

    Attributes
    ----------
    step
        Steps the network has learnt.
    view
        What was looked at, as it was handed over.
    rectangle
        Part of the plane that was predicted: that of the view, cut to the plane, both ends given.
    probabilities
        (classes, y, x) float32 of the rectangle: those of a segmentation of the whole plane.
    labels
        (y, x) of the rectangle: cells numbered from 1, 0 is background; or classes. Cells are cut where the rectangle
        ends.
    seconds
        Time it took; it does not count as training.
    """

    step: int
    view: View
    rectangle: Rectangle
    probabilities: NDArray[np.float32]
    labels: NDArray[Any]
    seconds: float


@dataclass(frozen=True, slots=True, eq=False)
class PreviewFailed:
    """A view cannot be previewed; told once a place. The training goes on.

    Attributes
    ----------
    view
        What was looked at.
    message
        Why, for the person.
    """

    view: View
    message: str
