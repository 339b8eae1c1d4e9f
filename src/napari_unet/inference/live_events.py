"""What is asked of a segmentation that a person watches, and what it tells. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from napari_unet.data.rectangles import Rectangle, whole

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from napari_unet.axes import Array
    from napari_unet.config.recipe import Recipe

#: Time point and slice.
Place: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """What to segment.

    Attributes
    ----------
    image
        (T, C, Z, Y, X) of any real type: numpy, memory-mapped or dask. Nothing is read yet.
    places
        Planes, in the order in which they are wanted.
    rectangle
        Part of each plane, rows and columns, both ends given; None: all.
    recipe
        Its tiling, instances and execution count.
    probabilities
        Whether the probabilities are wanted too.
    """

    image: Array
    places: tuple[Place, ...]
    rectangle: Rectangle | None
    recipe: Recipe
    probabilities: bool = False

    @property
    def box(self) -> Rectangle:
        """Part of each plane that is wanted."""
        return self.rectangle or whole(self.image.shape[3:])

    @property
    def covers_all(self) -> bool:
        """Whether nothing of the image is left out."""
        n_times, _, n_slices, *size = self.image.shape
        return len(set(self.places)) == n_times * n_slices and self.box == whole(size)


@dataclass(frozen=True, slots=True, eq=False)
class Canvas:
    """Arrays that a segmentation writes into; whoever shows them sees them fill.

    Attributes
    ----------
    labels
        (T, 1, Z, Y, X): int32 cells, or uint8 classes.
    probabilities
        float32 arrays of that shape, one for each class but background; empty: not wanted.
    """

    labels: NDArray[Any]
    probabilities: tuple[NDArray[np.float32], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """Everything is checked, and the first plane begins.

    Attributes
    ----------
    canvas
        What will be written into.
    class_names
        Of each array of probabilities.
    device
        Where it is computed.
    """

    canvas: Canvas
    class_names: tuple[str, ...]
    device: str


@dataclass(frozen=True, slots=True)
class PlaneBegun:
    """The old result of a plane, or of the part that is wanted, is wiped out.

    Attributes
    ----------
    place
        The plane.
    """

    place: Place


@dataclass(frozen=True, slots=True)
class TileSegmented:
    """A tile has been written: its cells are provisional, cut or numbered otherwise until the plane is done.

    Attributes
    ----------
    place
        The plane.
    box
        The tile in the plane.
    share
        Part of all the work that is done, 0 … 1.
    seconds_left
        Time that the rest will take, by what there was so far.
    """

    place: Place
    box: Rectangle
    share: float
    seconds_left: float


@dataclass(frozen=True, slots=True)
class PlaneSegmented:
    """A plane, or the part of it that is wanted, is final.

    Attributes
    ----------
    place
        The plane.
    box
        What is final.
    n_cells
        Number of cells in it; 0 for classes.
    """

    place: Place
    box: Rectangle
    n_cells: int


LiveEvent: TypeAlias = Opened | PlaneBegun | TileSegmented | PlaneSegmented
