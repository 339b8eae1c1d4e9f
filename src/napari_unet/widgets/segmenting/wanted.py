"""What is to be segmented: model, image, part of it, settings."""

from __future__ import annotations

import html
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget
from superqt.utils import signals_blocked

from napari_unet.data.training_image import image_of_plane
from napari_unet.errors import InputError
from napari_unet.inference.live_events import Request
from napari_unet.widgets._axes import AxesBox
from napari_unet.widgets._form import SettingsForm
from napari_unet.widgets._layers import is_source, read_canonical, result_geometry
from napari_unet.widgets._model import ModelBox
from napari_unet.widgets._view import plane_in_view, rectangle_in_view
from napari_unet.widgets.segmenting.recent import RecentModels

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from napari_unet.config.recipe import Recipe
    from napari_unet.models.card import ModelCard
    from napari_unet.widgets._dock import Dock

SLICE, FIELD, STACK = "slice", "field", "stack"
_LEAST_WIDTH_PX = 80
_MOST_NAMES = 3


class WantedBox(QWidget):
    """Choice of what is to be segmented, and with what.

    Parameters
    ----------
    dock
        Dock it is part of.

    Attributes
    ----------
    changed
        Signal: something else is wanted now, or the model is another one.
    image
        Choice of the image layer.
    axes
        Meaning of its axes.
    model
        Choice of the model.
    part
        Choice of the part; its data are `SLICE`, `FIELD` and `STACK`.
    probabilities
        Whether the probabilities are wanted too.
    form
        Settings.
    """

    changed = Signal()

    def __init__(self, dock: Dock) -> None:
        super().__init__()
        self._viewer = dock.viewer
        self._shown: Recipe | None = None
        self._image: Image | None = None
        self.model = ModelBox(dock.session)
        self.recent = RecentModels(dock.session)
        self.summary = QLabel()
        self.summary.setWordWrap(True)
        self.summary.setToolTip("<p>What the model is, as its file says.</p>")
        self.image = dock.layer_box(Image, "Image to segment. Of several resolutions the finest is taken.", is_source)
        self.axes = AxesBox()
        self.part = QComboBox()
        self.part.setMinimumWidth(_LEAST_WIDTH_PX)
        self.part.setToolTip("<p>How much of the image to segment. The stack begins with the plane in view.</p>")
        self.probabilities = QCheckBox("Probabilities too")
        self.probabilities.setToolTip(
            "<p>Show the probability of each class in a layer of its own, beside the labels.</p>"
        )
        self.form = SettingsForm(["instances", "tiling", "execution"])
        self._lay_out()
        self._connect()
        self._follow_image()
        self._follow_model()

    @property
    def path(self) -> Path | None:
        """The model file; None: there is none that can be read."""
        return self.model.path

    def request(self, *, one_plane: bool = False) -> Request:
        """Say what is wanted, and make sure that it fits.

        Parameters
        ----------
        one_plane
            Whether only the plane in view is wanted, even of a stack.

        Returns
        -------
        Request
            For the engine; nothing of the image is read.

        Raises
        ------
        InputError
            If something is missing, or does not fit together.
        """
        image, card = self.image.value, self.model.card
        if image is None:
            raise InputError("There is no image. Open one, then click again.")
        if card is None:
            raise InputError(self.model.problem)
        if not self.axes.axes:
            raise InputError(f"The axes of '{image.name}' cannot be read: an image has 2 to 5 axes.")
        data = read_canonical(image, self.axes.axes)
        result_geometry(image, self.axes.axes)
        self._check_channels(image, card, data.shape[1])
        places = (self._place(image),) if one_plane or self.part.currentData() != STACK else self._all_places(image)
        return Request(data, places, self._rectangle(image), self.form.recipe(), self.probabilities.isChecked())

    def follow_layers(self) -> None:
        """Take over the image that is chosen now, if another one is."""
        if self.image.value is not self._image:
            self._follow_image()

    def _lay_out(self) -> None:
        """Put everything in its place."""
        self.form.prepend_row("", self.probabilities)
        self.form.prepend_row("Segment", self.part)
        self.form.prepend_row("Axes", self.axes)
        self.form.prepend_row("Image", self.image.native)
        self.form.prepend_row("", self.summary)
        row = QWidget()
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(self.model)
        line.addWidget(self.recent)
        self.form.prepend_row("Model", row)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.form)

    def _connect(self) -> None:
        """Connect everything."""
        self.model.changed.connect(self._follow_model)
        self.image.changed.connect(self._follow_image)
        self.axes.changed.connect(self._follow_axes)
        self.part.currentIndexChanged.connect(self.changed)
        self.probabilities.toggled.connect(self.changed)
        self.form.changed.connect(self.changed)

    def _follow_image(self, event: Any = None) -> None:
        """Show the axes of another image."""
        self._image = self.image.value
        self.axes.show_layer(self._image)
        self._follow_axes()

    def _follow_axes(self) -> None:
        """Offer the parts that there are, and keep the choice."""
        chosen, n_planes = self.part.currentData(), self._n_planes()
        with signals_blocked(self.part):
            self.part.clear()
            for text, part in _parts(n_planes):
                self.part.addItem(text, part)
            self.part.setCurrentIndex(max(self.part.findData(chosen), 0))
        self.changed.emit()

    def _follow_model(self) -> None:
        """Show what the model is, and its settings; the device stays, it belongs to this machine."""
        card, path = self.model.card, self.model.path
        self.summary.setText(html.escape(self.model.problem) if card is None or path is None else describe(card, path))
        if card is not None:
            if card.recipe != self._shown:
                self._shown = card.recipe
                self.form.show_recipe(card.recipe.model_copy(update={"execution": self.form.recipe().execution}))
            self.form.suggest_from(card)
        self.changed.emit()

    def _n_planes(self) -> int:
        """Count the planes of the image."""
        image = self.image.value
        if image is None or not self.axes.axes:
            return 0
        try:
            shape = read_canonical(image, self.axes.axes).shape
        except InputError:
            return 0
        return int(shape[0] * shape[2])

    def _place(self, image: Image) -> tuple[int, int]:
        """Give the plane in view."""
        return plane_in_view(self._viewer, image, self.axes.axes)

    def _all_places(self, image: Image) -> tuple[tuple[int, int], ...]:
        """Give all planes, that in view first."""
        first = self._place(image)
        n_times, _, n_slices, *_ = read_canonical(image, self.axes.axes).shape
        return (first, *(place for place in np.ndindex(n_times, n_slices) if place != first))

    def _rectangle(self, image: Image) -> Any:
        """Give the field in view, if that is all that is wanted."""
        if self.part.currentData() != FIELD:
            return None
        rectangle = rectangle_in_view(self._viewer, image, self.axes.axes)
        if any(part.stop - part.start < 1 for part in rectangle):
            raise InputError(f"Nothing of '{image.name}' is in view. Move it into view, or segment the whole slice.")
        return rectangle

    def _check_channels(self, image: Image, card: ModelCard, n_channels: int) -> None:
        """Refuse an image that the model cannot read."""
        if n_channels == card.in_channels:
            return
        given = "is a colour picture with" if image.rgb else "has"
        hint = (
            "If an axis was misunderstood, correct 'Axes' above."
            if image.ndim > 2 and not image.rgb
            else "Convert it (right click on the layer, 'Split RGB'), or choose another model."
            if image.rgb
            else "Open an image with these channels, or choose another model."
        )
        raise InputError(
            f"'{image.name}' {given} {n_channels} channel{'s' * (n_channels > 1)}, but the model was trained on "
            f"{card.in_channels}. {hint}"
        )


def _parts(n_planes: int) -> list[tuple[str, str]]:
    """Name the parts of an image."""
    if n_planes < 2:
        return [("Whole image", SLICE), ("Field in view", FIELD)]
    stack = f"Whole stack ({n_planes} planes)"
    return [("Current slice", SLICE), ("Field in view, current slice", FIELD), (stack, STACK)]


def describe(card: ModelCard, path: Path) -> str:
    """Say in a few lines what a model is, as rich text.

    Parameters
    ----------
    card
        What its file says.
    path
        The file.
    """
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(path.stat().st_mtime)) if path.exists() else "deleted"
    makes = "cells" if card.recipe.training.target == "instances" else "classes: " + ", ".join(card.class_names)
    channels = "1 channel" if card.in_channels == 1 else f"{card.in_channels} channels"
    iou = card.metrics.get("validation_iou")
    quality = "Nothing was held out to judge it" if iou is None else f"Validation IoU {iou:.2f}"
    lines = [f"Makes {makes} · {channels}", quality, f"Learnt from {_images(card.training_data)}", f"Saved {when}"]
    return "<br>".join(map(html.escape, lines))


def _images(names: Iterable[str]) -> str:
    """Name the images of a training, with the number of their planes.

    Examples
    --------
    >>> _images(["cells [t=0, z=0]", "cells [t=0, z=1]", "other"])
    'cells (2 planes), other'
    """
    planes = Counter(map(image_of_plane, names))
    images = [name if n == 1 else f"{name} ({n} planes)" for name, n in planes.items()]
    more = f" and {len(images) - _MOST_NAMES} more" if len(images) > _MOST_NAMES else ""
    return ", ".join(images[:_MOST_NAMES]) + more or "unknown images"
