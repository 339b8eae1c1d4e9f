"""Segmentation while a person watches: the result fills tile by tile. Needs no torch until it runs."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet.data.rectangles import within
from napari_unet.data.room import make_room
from napari_unet.inference.live_events import Canvas, Opened, PlaneBegun, PlaneSegmented, TileSegmented
from napari_unet.models.giving_way import GivingWay, resting

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_unet.data.normalization import PlaneScaler
    from napari_unet.data.rectangles import Rectangle
    from napari_unet.inference.live_events import LiveEvent, Place, Request
    from napari_unet.inference.segment import Segmenter


def segment_live(
    model: Path, request: Request, old: Canvas | None, folder: Path, way: GivingWay | None = None
) -> Generator[LiveEvent, None, None]:
    """Segment planes into arrays that can be shown meanwhile; closing the generator keeps what is done.

    Parameters
    ----------
    model
        Model file.
    request
        What to segment.
    old
        Earlier result of the same image, which is written into where it fits and where not all of it is made anew;
        None: there is none.
    folder
        Where a large result may be kept in a file.
    way
        While it holds, the network rests between two layers, if it is computed on the processor. None: it never does.

    Yields
    ------
    LiveEvent
        First `Opened`. Nothing of ``old`` is changed before it.

    Raises
    ------
    InputError
        If the model cannot be read, does not fit the image, or there is no room for the result.
    MemoryError
        If memory is not enough for the smallest tile.

    Notes
    -----
    The labels of whole planes are those of `Segmenter.planes`. Those of a rectangle are numbered after the cells of the
    rest of the plane, and cells are cut where it ends.
    """
    from napari_unet.inference.segment import Segmenter
    from napari_unet.models.memory_reuse import reuse_memory
    from napari_unet.models.model_file import load_model

    recipe = request.recipe
    segmenter = Segmenter(load_model(model), recipe.tiling, recipe.instances, recipe.execution)
    scaler = segmenter.card.normalization.for_image(request.image)
    canvas = _open_canvas(segmenter, request, old, folder)
    yield Opened(canvas, segmenter.card.class_names[1:], str(segmenter.predictor.device))
    progress = _Progress(request)
    network, device = segmenter.predictor.network, segmenter.predictor.device
    with reuse_memory(device), resting(network, way, progress.leave_out):
        for place in request.places:
            yield from _LivePlane(segmenter, request, canvas, place).segment(scaler, progress)


class _Progress:
    """Counts pixels, and tells from the time they took how long the rest will take."""

    def __init__(self, request: Request) -> None:
        self._total = len(request.places) * _count(request.box)
        self._done, self._began = 0, time.perf_counter()

    def leave_out(self, seconds: float) -> None:
        """Leave out a rest: the person who caused it will not go on for ever."""
        self._began += seconds

    def add(self, place: Place, box: Rectangle) -> TileSegmented:
        """Count a tile."""
        self._done += _count(box)
        share = self._done / self._total
        return TileSegmented(place, box, share, (time.perf_counter() - self._began) * (1 - share) / share)


class _LivePlane:
    """Segments one plane into the canvas."""

    def __init__(self, segmenter: Segmenter, request: Request, canvas: Canvas, place: Place) -> None:
        self._segmenter, self._place, self._box = segmenter, place, request.box
        t, z = place
        self._plane = request.image[t, :, z]
        self._whole = canvas.labels[t, 0, z]
        self._labels = self._whole[self._box]
        self._probabilities = [kept[t, 0, z] for kept in canvas.probabilities]
        self._last = 0

    def segment(self, scaler: PlaneScaler, progress: _Progress) -> Generator[LiveEvent]:
        """Wipe out what was there, show each tile, and replace all when the plane is complete."""
        self._labels[...] = 0
        for kept in self._probabilities:
            kept[self._box] = 0
        self._last = first = int(self._whole.max()) if self._segmenter.makes_instances else 0
        yield PlaneBegun(self._place)
        found = self._segmenter.collector(self._labels.shape)
        for tile in self._segmenter.predictor.predict_plane(self._plane, scaler, self._box):
            box = within(tile.inner, self._box)
            found.add(box, tile.probabilities)
            self._sketch(box, self._segmenter.label(tile.probabilities))
            for kept, probabilities in zip(self._probabilities, tile.probabilities[1:], strict=False):
                kept[tile.inner] = probabilities
            yield progress.add(self._place, tile.inner)
        labels, n_cells = found.finish()
        self._labels[...] = np.where(labels, labels + first, 0) if first else labels
        yield PlaneSegmented(self._place, self._box, n_cells)

    def _sketch(self, box: Rectangle, labels: NDArray[Any]) -> None:
        """Show the labels of a tile; cells that go on in a tile shown before get the number they have there."""
        if not self._segmenter.makes_instances:
            self._labels[box] = labels
            return
        n_cells = int(labels.max())
        numbers = np.arange(n_cells + 1, dtype=labels.dtype) + self._last
        numbers[0] = 0
        self._last += n_cells
        for beyond, edge in _facing(self._labels, box, labels):
            both = (beyond > 0) & (edge > 0)
            numbers[edge[both]] = beyond[both]
        self._labels[box] = numbers[labels]


def _facing(shown: NDArray[Any], box: Rectangle, labels: NDArray[Any]) -> Generator[tuple[NDArray[Any], NDArray[Any]]]:
    """Give the pixels on both sides of the upper and the left seam of a tile."""
    rows, columns = box
    if rows.start:
        yield shown[rows.start - 1, columns], labels[0]
    if columns.start:
        yield shown[rows, columns.start - 1], labels[:, 0]


def _open_canvas(segmenter: Segmenter, request: Request, old: Canvas | None, folder: Path) -> Canvas:
    """Take over the arrays there are, or make new ones."""
    n_times, _, n_slices, *size = request.image.shape
    shape = (n_times, 1, n_slices, *size)
    earlier = None if request.covers_all else old
    labels = earlier.labels if earlier else None
    n_kept = segmenter.card.n_classes - 1 if request.probabilities else 0
    kept = [*(earlier.probabilities if earlier else ()), *[None] * n_kept][:n_kept]
    return Canvas(
        _take_over(labels, shape, np.int32 if segmenter.makes_instances else np.uint8, folder),
        tuple(_take_over(array, shape, np.float32, folder) for array in kept),
    )


def _take_over(array: NDArray[Any] | None, shape: tuple[int, ...], dtype: type, folder: Path) -> NDArray[Any]:
    """Give an array if it fits, else a new one."""
    if array is not None and array.shape == shape and array.dtype == dtype and array.flags.writeable:
        return array
    return make_room(shape, dtype, folder)


def _count(box: Rectangle) -> int:
    """Count the pixels of a rectangle."""
    return math.prod(part.stop - part.start for part in box)
