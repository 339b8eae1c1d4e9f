"""The way to where painting helps most: what the model is unsure of, and nobody annotated."""

from __future__ import annotations

import weakref
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QObject, QTimer, Signal

from napari_unet.errors import InputError
from napari_unet.inference.place_search import Found, PlaceFinder, Search, Searching
from napari_unet.training.live import SearchFailed
from napari_unet.widgets._layers import Role, find_result, read_scheme, result_role, show_result
from napari_unet.widgets._session import session_of
from napari_unet.widgets._view import Target, look_at, plane_in_view, rectangle_in_view
from napari_unet.widgets._worker import EventRunner
from napari_unet.widgets.training.job import find_place

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari.components import ViewerModel
    from napari.layers import Layer

    from napari_unet.training.live import LiveTraining
    from napari_unet.widgets.training.pair import Pair

UNCERTAINTY = Role(
    "uncertainty",
    "image",
    {"colormap": "inferno", "blending": "additive", "opacity": 0.6, "contrast_limits": (0.0, 1.0), "visible": False},
)
_LATER_MS = 100
_ADVICE = "Paint what is in the middle of the view: each cell wholly, or background if there is none."
#: Least, greatest and good length of a cell on the screen: a few cells fill it.
_CELL_CANVAS_PX = (60, 220, 110)


class NextPlace(QObject):
    """Leads to the next place to paint, whichever dock asks, with the model that learns or the current one.

    Parameters
    ----------
    viewer
        The viewer.

    Attributes
    ----------
    changed
        Signal: it can be asked now, or no more, or a part of the search is done.
    told
        Signal with a message and how bad it is.
    progress
        Part of the search that is done, 0 … 1; None: nothing is searched for.
    """

    changed = Signal()
    told = Signal(str, str)

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__(session_of(viewer))
        self.progress: float | None = None
        self._session = session_of(viewer)
        self._viewer: weakref.ref[ViewerModel] = weakref.ref(getattr(viewer, "__wrapped__", viewer))
        self._runner, self._finder = EventRunner(self), PlaceFinder()
        self._live: LiveTraining | None = None
        self._wanted: tuple[Pair, Search] | None = None
        self._visited: list[tuple[Layer, tuple[int, int]]] = []
        self._versions: Counter[str] = Counter()
        # A new layer takes napari a while: the window shows the place first, and hears the person.
        self._found: tuple[Pair, Found] | None = None
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(_LATER_MS)
        self._later.timeout.connect(self._show_map)
        self._runner.arrived.connect(self.take)
        self._runner.failed.connect(self._fail)
        self._runner.ended.connect(self._rest)
        self._session.model_changed.connect(self._forget)
        viewer.layers.events.removed.connect(self._on_removed)

    @property
    def can_be_asked(self) -> bool:
        """Whether there is a model, and it is free."""
        has_model = self._live is not None or self._session.model is not None
        return has_model and self._wanted is None and not self._runner.is_running

    def follow(self, live: LiveTraining | None) -> None:
        """Ask the network that learns from now on; None: the current model.

        Parameters
        ----------
        live
            The training that goes on.
        """
        self._live = live
        self._forget()

    def go(self, pair: Pair | None) -> None:
        """Look for the next place, and go there.

        Parameters
        ----------
        pair
            Where to look; None: nothing is chosen.
        """
        viewer = self._viewer()
        if pair is None or viewer is None or pair.image not in viewer.layers:
            self.told.emit("Choose an image and its annotation first.", "warning")
            return
        if not self.can_be_asked:
            return
        try:
            search = self._order(viewer, pair)
        except InputError as error:
            self.told.emit(str(error), "error")
            return
        self._wanted, self.progress = (pair, search), 0.0
        if self._live is not None:
            self._live.search(search)
        elif self._session.model is not None:
            self._runner.start(partial(find_place, self._finder, self._session.model, search))
        self.changed.emit()

    def take(self, events: Sequence[Any]) -> None:
        """Take what a search tells; other events, and the answers to searches given up, are left alone.

        Parameters
        ----------
        events
            Oldest first.
        """
        for event in events:
            if self._wanted is None:
                return
            if isinstance(event, Searching):
                self.progress = event.share
                self.changed.emit()
            elif isinstance(event, SearchFailed):
                self._fail(event.message)
            elif isinstance(event, Found) and event.search is self._wanted[1]:
                self._show(self._wanted[0], event)

    def _order(self, viewer: ViewerModel, pair: Pair) -> Search:
        """Say where to look."""
        pixels, image = pair.pixels(""), pair.image
        if tuple(pixels.labels.shape) != (pixels.image.shape[0], 1, *pixels.image.shape[2:]):
            raise InputError(f"'{pair.labels.name}' is of another size than '{image.name}'. Choose a pair that fits.")
        image.events.data.connect(self._on_data)
        return Search(
            image=pixels.image,
            source=(str(image.unique_id), self._versions[str(image.unique_id)]),
            labels=pixels.labels,
            scheme=read_scheme(pair.labels),
            plane=plane_in_view(viewer, image, pair.axes),
            rectangle=rectangle_in_view(viewer, image, pair.axes),
            visited=tuple(spot for layer, spot in self._visited if layer is image),
        )

    def _show(self, pair: Pair, found: Found) -> None:
        """Show how unsure the model is, and go to the place."""
        viewer = self._viewer()
        self._wanted = None
        if viewer is None or pair.image not in viewer.layers:
            return
        self._found = pair, found
        self._later.start()
        if found.place is not None:
            size = (found.cell_diameter_px,) * 2
            look_at(viewer, pair.image, pair.axes, Target(found.place, size, _CELL_CANVAS_PX))
            self._visited.append((pair.image, found.place[2:]))
            self.told.emit(_ADVICE, "info")
        elif found.search.visited:
            self._visited.clear()
            self.told.emit("You have seen all places. The next click begins anew.", "info")
        else:
            self.told.emit("The model is sure of all that is not annotated here. Look in another image.", "info")
        self._rest()

    def _show_map(self) -> None:
        """Show how unsure the model is, where it was asked; elsewhere nothing."""
        viewer = self._viewer()
        if viewer is None or self._found is None or self._found[0].image not in viewer.layers:
            return
        (pair, found), self._found = self._found, None
        shape = found.search.image.shape
        # The system gives pages of zeros only where something is written: other planes need no memory.
        shown = np.zeros((shape[0], 1, *shape[2:]), np.float32)
        for (t, z), uncertainty in found.uncertainty.items():
            shown[t, 0, z][found.box] = uncertainty
        show_result(viewer, pair.image, shown, UNCERTAINTY, pair.axes)

    def _fail(self, error: Exception | str) -> None:
        """Say why there is no place."""
        self._wanted = None
        written = isinstance(error, str | InputError)
        self.told.emit(str(error) if written else f"{type(error).__name__}: {error}", "error")
        self._rest()

    def _rest(self) -> None:
        """Be ready for the next question."""
        if self._wanted is None:
            self.progress = None
        self.changed.emit()

    def _give_up(self) -> None:
        """Search no further, and show nothing that was found before."""
        self._wanted = self._found = None
        self._runner.stop()
        self._rest()

    def _forget(self, *_: Any) -> None:
        """Begin anew with another model: nobody shall take the uncertainty of the old one for that of the new."""
        self._give_up()
        self._visited.clear()
        self._remove(lambda layer: result_role(layer) == UNCERTAINTY.suffix)

    def _on_data(self, event: Any) -> None:
        """Drop what was made of an image that has other pixels now."""
        image = event.source
        self._versions[str(image.unique_id)] += 1
        if any(asked is not None and asked[0].image is image for asked in (self._wanted, self._found)):
            self._give_up()
        if (viewer := self._viewer()) is not None:
            shown = find_result(viewer, image, UNCERTAINTY)
            self._remove(lambda layer: layer is shown)

    def _remove(self, is_old: Callable[[Layer], bool]) -> None:
        """Remove layers."""
        viewer = self._viewer()
        if viewer is not None:
            for layer in filter(is_old, list(viewer.layers)):
                viewer.layers.remove(layer)

    def _on_removed(self, event: Any) -> None:
        """Search no further in layers that are gone."""
        if self._wanted is not None and event.value in (self._wanted[0].image, self._wanted[0].labels):
            self._give_up()
        self._visited = [(layer, spot) for layer, spot in self._visited if layer is not event.value]


def next_place_of(viewer: ViewerModel) -> NextPlace:
    """Give what leads to the next place in a viewer; the first call makes it.

    Parameters
    ----------
    viewer
        The viewer.
    """
    found = session_of(viewer).findChild(NextPlace)
    return found if isinstance(found, NextPlace) else NextPlace(viewer)
