"""The search for the next place to paint, in what a person looks at. Needs no torch until it runs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from napari_unet.config.training import WORKING_DIAMETER_PX
from napari_unet.data.cell_size import typical_diameter
from napari_unet.data.rectangles import whole, within
from napari_unet.data.targets import read_annotation
from napari_unet.inference.places import next_places
from napari_unet.inference.uncertainty import uncertainty

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Hashable, Sequence

    from numpy.typing import NDArray

    from napari_unet.axes import Array
    from napari_unet.data.normalization import PlaneScaler
    from napari_unet.data.rectangles import Rectangle
    from napari_unet.inference.predictor import Predictor
    from napari_unet.models.model_file import TrainedModel

#: Time point and slice.
Plane: TypeAlias = tuple[int, int]

#: Seen from all sides, what the model is unsure of shows a little better (`benchmarks/next_place.py`).
_AVERAGING = "rotations and mirrors"
#: A search shall take seconds, not minutes: so many pixels of one plane at most, as the network sees them; more planes
#: as long as all have no more than the second number; and never more planes than the third.
_MOST_PX, _MOST_STACK_PX, _MOST_PLANES = 3e6, 1.2e6, 8


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


class PlaceFinder:
    """Finds where painting helps most; keeps what it knows of planes as long as model and image are the same."""

    def __init__(self) -> None:
        self._version: Hashable = None
        self._predictor: Predictor | None = None
        self._known: _Known | None = None

    def find(self, search: Search, version: Hashable, load: Callable[[], TrainedModel]) -> Generator[Searching | Found]:
        """Search; closing the generator cancels.

        Parameters
        ----------
        search
            Where.
        version
            Tells models apart, such as a step of the training.
        load
            Gives the model; called where it is another one than before.

        Yields
        ------
        Searching, Found
            ``Found`` is the last.

        Raises
        ------
        InputError
            If the image does not fit the model.
        """
        if self._predictor is None or version != self._version:
            from napari_unet.inference.predictor import Predictor

            model = load()
            tiling = model.card.recipe.tiling.model_copy(update={"averaging": _AVERAGING})
            self._predictor = Predictor(model, tiling, model.card.recipe.execution)
            self._version, self._known = version, None
        planes, box = plan_search(search, self._predictor.scale)
        if self._known is None or not self._known.fits(search, box):
            self._known = _Known(self._predictor, search, box)
        missing = [plane for plane in planes if plane not in self._known.planes]
        for done, plane in enumerate(missing):
            for share in self._known.look(search, plane):
                yield Searching((done + share) / len(missing))
        yield _choose(search, box, {plane: self._known.planes[plane] for plane in planes}, self._predictor)


class _Known:
    """The uncertainty of planes of one image."""

    def __init__(self, predictor: Predictor, search: Search, box: Rectangle) -> None:
        self._predictor, self._source, self._box = predictor, search.source, box
        self._scaler: PlaneScaler = predictor.card.normalization.for_image(search.image)
        self.planes: dict[Plane, NDArray[np.float32]] = {}

    def fits(self, search: Search, box: Rectangle) -> bool:
        """Tell whether a search is of the same image and the same part of its planes."""
        return (self._source, self._box) == (search.source, box)

    def look(self, search: Search, plane: Plane) -> Generator[float]:
        """Predict a plane, and tell which share of it is done."""
        t, z = plane
        filled = np.empty([part.stop - part.start for part in self._box], np.float32)
        done = 0
        for tile in self._predictor.predict_plane(search.image[t, :, z], self._scaler, self._box):
            filled[within(tile.inner, self._box)] = uncertainty(tile.probabilities)
            done += tile.probabilities[0].size
            yield done / filled.size
        self.planes[plane] = filled


def _choose(search: Search, box: Rectangle, maps: dict[Plane, NDArray[np.float32]], predictor: Predictor) -> Found:
    """Choose the place, as the annotation is now."""
    painted = [np.asarray(search.labels[t, 0, z]) for t, z in maps]
    read = [read_annotation(labels, search.scheme) for labels in painted]
    # A plane of a dense stack that nobody got round to looks just like one without cells.
    annotated = [known & (search.scheme == "sparse" or cells.any()) for cells, known in read]
    sizes = np.concatenate([np.unique(cells[cells > 0], return_counts=True)[1] for cells, _ in read])
    diameter = typical_diameter(sizes) or predictor.card.cell_diameter_px or WORKING_DIAMETER_PX / predictor.scale
    top, left = (part.start for part in box)
    visited = [(y - top, x - left) for y, x in search.visited]
    unsure, closed = np.stack(list(maps.values())), np.stack([known[box] for known in annotated])
    inside = np.stack([cells[box] > 0 for cells, _ in read])
    spots = next_places(unsure, closed, inside, diameter, 1, visited)
    place = None
    if spots:
        place = (*list(maps)[spots[0].plane], top + spots[0].y, left + spots[0].x)
    return Found(search, box, maps, place, diameter)


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
    n = min(_MOST_PLANES, max(1, int(_MOST_STACK_PX / scale**2 / _count(box))))
    return choose_planes(search.image.shape, search.plane, n), box


def _middle(box: Rectangle, factor: float) -> Rectangle:
    """Give the middle of a rectangle, with edges so many times shorter."""
    margins = [int((part.stop - part.start) * (1 - factor) / 2) + 1 for part in box]
    return tuple(slice(part.start + margin, part.stop - margin) for part, margin in zip(box, margins, strict=True))


def _count(box: Rectangle) -> int:
    """Count the pixels of a rectangle."""
    return math.prod(part.stop - part.start for part in box)
