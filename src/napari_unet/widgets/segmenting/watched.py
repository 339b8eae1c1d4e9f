"""A segmentation that a person watches, and what can be said of it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from napari_unet.inference.live_events import Opened, PlaneBegun, PlaneSegmented, TileSegmented
from napari_unet.training.pace import duration
from napari_unet.widgets.segmenting.result import ResultLayers, earlier_canvas, release_painted
from napari_unet.widgets.segmenting.work import segment

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from napari_unet.inference.live_events import LiveEvent, Place
    from napari_unet.models.giving_way import GivingWay
    from napari_unet.widgets._dock import Dock, Level
    from napari_unet.widgets.segmenting.wanted import WantedBox


class WatchedSegmentation:
    """Segments what is wanted, and shows it.

    Parameters
    ----------
    dock
        Dock it is part of.
    wanted
        Says what is to be segmented.
    stop
        Ends the task, and says why.
    way
        Held while a person uses the image.

    Raises
    ------
    InputError
        If something is missing, or does not fit together. Nothing is changed then.
    """

    title = "U-Net: segmenting"

    def __init__(self, dock: Dock, wanted: WantedBox, stop: Callable[[str], None], way: GivingWay) -> None:
        self._request = wanted.request()
        image, axes, card = wanted.image.value, wanted.axes.axes, wanted.model.card
        assert wanted.path is not None and card is not None
        self._makes_cells = card.recipe.training.target == "instances"
        self._kept = release_painted(dock.viewer, image)
        self._layers = ResultLayers(dock.viewer, image, axes, self._request, dock)
        self._layers.removed.connect(lambda name: stop(f"The layer '{name}' was deleted."))
        old = earlier_canvas(dock.viewer, image, axes, card.class_names[1:])
        self.make_events: Callable[[], Generator[Any]] = partial(
            segment, wanted.path, self._request, old, dock.session.project, way
        )
        self.share: float | None = None
        self._seconds_left = 0.0
        self._done: list[PlaneSegmented] = []
        self._begun: Place | None = None

    @property
    def text(self) -> str:
        """How far it is, and which part of the layer is new."""
        if self.share is None:
            return "Loading the model …"
        total = len(self._request.places)
        plane = f"Plane {min(len(self._done) + 1, total)} of {total}, " if total > 1 else ""
        return f"{plane}{duration(self._seconds_left)} left"

    def take(self, events: Sequence[LiveEvent]) -> None:
        """Show what was segmented, see `Task`."""
        for event in events:
            if isinstance(event, Opened):
                self._layers.show(event)
            elif isinstance(event, PlaneBegun):
                self._begun = event.place
            elif isinstance(event, TileSegmented):
                self.share, self._seconds_left = event.share, event.seconds_left
            else:
                self._done.append(event)
            self._layers.take(event)

    def close(self, problem: str) -> tuple[str, Level]:
        """Say what is in the layer now, see `Task`."""
        self._layers.close()
        is_complete = len(self._done) == len(self._request.places)
        if is_complete and not problem:
            return f"{self._outcome()}{self._kept_note()}", "info"
        level: Level = "error" if problem else "warning"
        return f"{problem or 'Cancelled.'} {self._remains()}{self._kept_note()}", level

    def _outcome(self) -> str:
        """Say what was found."""
        n_planes, n_cells = len(self._done), sum(plane.n_cells for plane in self._done)
        where = f" in {n_planes} planes" if n_planes > 1 else ""
        if not self._makes_cells:
            return f"Classes{where or ' of the plane'} are done."
        found = f"{n_cells:,} cell{'s' * (n_cells != 1)} found{where}."
        return found + (" Cells are cut where the field ends." if self._request.rectangle else "")

    def _remains(self) -> str:
        """Say which part of the layer is new, and which is not."""
        if self._begun is None:
            return "Nothing was changed."
        if self._layers.is_removed:
            return "The result is gone with it."
        done, total = len(self._done), len(self._request.places)
        parts = [f"{done} of {total} planes are finished" if total > 1 else ""]
        if not self._done or self._done[-1].place != self._begun:
            parts.append(f"{self._name(self._begun)} shows provisional tiles, with nothing where there are none")
        if total > 1:
            parts.append("the others are empty" if self._request.covers_all else "the others are as before")
        text = "; ".join(filter(None, parts))
        return f"{text[:1].upper()}{text[1:]}."

    def _name(self, place: Place) -> str:
        """Name a plane."""
        n_times, _, n_slices, *_ = self._request.image.shape
        names = [f"{axis} = {at}" for axis, at, size in zip("tz", place, (n_times, n_slices), strict=True) if size > 1]
        return f"the plane {', '.join(names)}" if names else "the plane"

    def _kept_note(self) -> str:
        """Say where the result went that a person had painted in."""
        return "" if self._kept is None else f" The result you painted in is kept as '{self._kept.name}'."
