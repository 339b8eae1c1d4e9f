"""The live preview: what the network of the moment makes of what a person looks at."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QObject, QTimer, Signal

from napari_unet.training.views import Previewed, PreviewFailed, View
from napari_unet.widgets._layers import Role, find_result, show_result
from napari_unet.widgets._lifetime import on_destruction
from napari_unet.widgets._view import plane_in_view, rectangle_in_view
from napari_unet.widgets.training.pair import pair_in_view

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.components import ViewerModel
    from napari.layers import Layer
    from numpy.typing import NDArray

    from napari_unet.data.rectangles import Rectangle
    from napari_unet.data.training_image import TrainingImage
    from napari_unet.training.live import LiveTraining
    from napari_unet.widgets.training.pair import Pair

PROBABILITY = Role(
    "preview_probability",
    "image",
    {"colormap": "magma", "blending": "additive", "opacity": 0.5, "contrast_limits": (0.0, 1.0), "visible": False},
)
PREVIEW = Role("preview", "labels", {"opacity": 0.45})
#: So often it is looked what is in view; asking is cheap and misses nothing that moves the view.
_LOOK_MS = 150
_LATER_MS = 100
_MOST_LABELS = np.iinfo(np.uint16).max


class LivePreview(QObject):
    """Tells a training what is in view, and shows what it makes of it.

    Parameters
    ----------
    viewer
        The viewer.
    pairs, images
        What is learnt from, as layers and as pixels.
    live
        The training.
    parent
        Object it belongs to.

    Attributes
    ----------
    removed
        Signal: a person deleted a layer of the preview.
    """

    removed = Signal()

    def __init__(
        self,
        viewer: ViewerModel,
        pairs: Sequence[Pair],
        images: Sequence[TrainingImage],
        live: LiveTraining,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._viewer, self._pairs, self._live = viewer, pairs, live
        self._images = [image.image for image in images]
        self._made: dict[int, _Pictures] = {}
        self._status = ""
        self._timer = QTimer(self)
        self._timer.setInterval(_LOOK_MS)
        self._timer.timeout.connect(self._look)
        # Two large layers take a while: the window draws the first, and hears the person, before the second.
        self._late: tuple[int, Previewed] | None = None
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(_LATER_MS)
        self._later.timeout.connect(self._show_probability)
        for pair in pairs:
            remove_previews(viewer, pair.image)
        viewer.layers.events.removed.connect(self._on_removed)
        # The window may destroy this object before napari tells of the last layer.
        self._alive = [True]
        on_destruction(self, self._alive.clear)

    @property
    def is_on(self) -> bool:
        """Whether previews are asked for."""
        return self._timer.isActive()

    def switch(self, on: bool) -> None:
        """Ask for previews, or for none any more; those that are there stay.

        Parameters
        ----------
        on
            Which.
        """
        if on:
            self._made.clear()
            self._timer.start()
            self._look()
        else:
            self._timer.stop()
            self._live.look_at(None)

    def show(self, event: Previewed | PreviewFailed) -> None:
        """Show a preview, or why there is none.

        Parameters
        ----------
        event
            What the training tells.
        """
        if isinstance(event, PreviewFailed):
            self._status = event.message
            return
        self._status = ""
        number = event.view.place
        assert isinstance(number, int)
        pair = self._pairs[number]
        if not self.is_on or pair.image not in self._viewer.layers:
            return
        if number not in self._made:
            self._made[number] = _Pictures(self._images[number].shape)
        pictures = self._made[number]
        self._show_probability()
        pictures.write(event, PREVIEW)
        pictures.show(self._viewer, pair, PREVIEW)
        self._late = number, event
        self._later.start()

    def status(self, step: int) -> str:
        """Say to which step the preview in view belongs.

        Parameters
        ----------
        step
            Steps done so far.
        """
        view = self._view()
        if self._status or view is None:
            return self._status
        assert isinstance(view.place, int)
        made = self._made.get(view.place)
        known = None if made is None else made.steps.get((view.t, view.z))
        if known is None:
            return "No preview of this slice yet."
        shown, when = known
        which = f"step {shown} of {step}" if shown else "the model to start from"
        return f"Preview of {which}, {time.monotonic() - when:.0f} s old."

    def close(self) -> None:
        """Follow no longer; the previews stay."""
        self.switch(False)
        self._alive.clear()
        self._viewer.layers.events.removed.disconnect(self._on_removed)
        # Labels and probabilities are of the same step. No layer is added to a viewer that may be closing.
        if self._late and find_result(self._viewer, self._pairs[self._late[0]].image, PROBABILITY) is not None:
            self._show_probability()
        self.deleteLater()

    def discard(self) -> None:
        """Take the previews away, so that nobody takes them for new ones."""
        self.switch(False)
        self._later.stop()
        self._late = None
        for pair in self._pairs:
            remove_previews(self._viewer, pair.image)

    def _show_probability(self) -> None:
        """Show the probabilities after the labels, if that was not done yet."""
        if self._late is None:
            return
        (number, event), self._late = self._late, None
        if (pictures := self._made.get(number)) is not None:
            pictures.write(event, PROBABILITY)
            pictures.show(self._viewer, self._pairs[number], PROBABILITY)

    def _on_removed(self, event: Any) -> None:
        """Tell that a person does not want to see the previews, unless it is their image that goes."""
        if self._alive and self.is_on:
            made = [(self._pairs[number], pictures) for number, pictures in self._made.items()]
            layers = self._viewer.layers
            if any(pair.image in layers and pictures.were_deleted(self._viewer, pair) for pair, pictures in made):
                self.removed.emit()

    def _look(self) -> None:
        """Tell the training what is in view."""
        self._live.look_at(self._view())

    def _view(self) -> View | None:
        """Give what is in view: of the selected image or, if none is, of the topmost one that is visible."""
        chosen = pair_in_view(self._viewer, self._pairs)
        return None if chosen is None else self._view_of(self._pairs.index(chosen))

    def _view_of(self, number: int) -> View | None:
        """Give what is in view of a pair; nothing where the image is off the screen."""
        pair = self._pairs[number]
        t, z = plane_in_view(self._viewer, pair.image, pair.axes)
        rectangle = rectangle_in_view(self._viewer, pair.image, pair.axes)
        if any(part.stop - part.start < 2 for part in rectangle):
            return None
        return View(self._images[number], t, z, rectangle, number)


class _Pictures:
    """Probabilities and labels of one image, written where they were predicted.

    Parameters
    ----------
    shape
        Of the image, TCZYX.
    """

    def __init__(self, shape: Sequence[int]) -> None:
        whole = (shape[0], 1, *shape[2:])
        # The system gives pages of zeros only where something is written: planes that nobody looked at need no memory.
        self._pixels: dict[str, NDArray[Any]] = {
            PROBABILITY.suffix: np.zeros(whole, np.float32),
            # napari shows labels of this type as they are; larger ones it converts, all of them, each time.
            PREVIEW.suffix: np.zeros(whole, np.uint16),
        }
        self._shown: list[Role] = []
        self._written: dict[tuple[str, int, int], Rectangle] = {}
        #: Step and time of the preview of each plane.
        self.steps: dict[tuple[int, int], tuple[int, float]] = {}

    def write(self, event: Previewed, role: Role) -> None:
        """Write one of them; what lay around it in this plane was older."""
        t, z = event.view.t, event.view.z
        place, pixels = (role.suffix, t, z), self._pixels[role.suffix][t, 0, z]
        if self._written.get(place, event.rectangle) != event.rectangle:
            pixels[self._written[place]] = 0
        pixels[event.rectangle] = 1 - event.probabilities[0] if role is PROBABILITY else _short(event.labels)
        self._written[place] = event.rectangle
        self.steps[t, z] = event.step, time.monotonic()

    def were_deleted(self, viewer: ViewerModel, pair: Pair) -> bool:
        """Tell whether somebody deleted a layer of them."""
        return any(find_result(viewer, pair.image, role) is None for role in self._shown)

    def show(self, viewer: ViewerModel, pair: Pair, role: Role) -> None:
        """Show one of them under what a person paints."""
        if pair.image not in viewer.layers or (role in self._shown and self.were_deleted(viewer, pair)):
            return
        layer = show_result(viewer, pair.image, self._pixels[role.suffix], role, pair.axes)
        if role not in self._shown:
            self._shown.append(role)
            _move_under(viewer, layer, pair.labels)


def _short(labels: NDArray[Any]) -> NDArray[Any]:
    """Let the numbers begin from 1 again where there are more cells than numbers of 16 bits."""
    return labels if labels.max(initial=0) <= _MOST_LABELS else np.where(labels, (labels - 1) % _MOST_LABELS + 1, 0)


def remove_previews(viewer: ViewerModel, image: Layer) -> None:
    """Take the previews of an image away.

    Parameters
    ----------
    viewer
        The viewer.
    image
        Layer they were made from.
    """
    for role in (PROBABILITY, PREVIEW):
        if (layer := find_result(viewer, image, role)) is not None:
            viewer.layers.remove(layer)


def _move_under(viewer: ViewerModel, layer: Layer, above: Layer) -> None:
    """Move a layer under another one, if that is there."""
    if above in viewer.layers:
        viewer.layers.move(viewer.layers.index(layer), viewer.layers.index(above))
