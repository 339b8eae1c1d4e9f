"""The dock widget *Weight map*: how much each pixel will count in training, following the brush."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from magicgui.widgets import ComboBox
from napari.layers import Labels
from napari.utils.notifications import show_error
from qtpy.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from napari_unet.config.weight_map import PUBLISHED_BORDER
from napari_unet.errors import InputError
from napari_unet.widgets._followed import WeightMapFollower
from napari_unet.widgets._form import SettingsForm
from napari_unet.widgets._layers import read_axes, read_scheme, store_scheme

if TYPE_CHECKING:
    import napari
    from napari.layers import Image


class WeightMapWidget(QWidget):
    """Shows the weight map of the plane one looks at.

    Parameters
    ----------
    viewer
        The viewer it is docked in.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self._viewer = viewer
        self._follower: WeightMapFollower | None = None
        self._layer: Labels | None = None
        self.labels = ComboBox(choices=self._labels_layers)
        self.form = SettingsForm(["training.scheme", "weight_map"], fold=False)
        self.button = QPushButton("Show weight map")
        self.status = QLabel()
        self._lay_out()
        self._suggest()
        self.labels.changed.connect(self._choose)
        self.form.changed.connect(self._change)
        self.button.toggled.connect(self._restart)
        self._choose(self.labels.value)

    def reset_choices(self, event: Any = None) -> None:
        """Offer the Labels layers that there are now; napari calls it."""
        self.labels.reset_choices()
        if self.labels.value is not self._layer:
            self._choose(self.labels.value)

    def _lay_out(self) -> None:
        """Put the parts together."""
        self.labels.native.setToolTip("<p>Labels layer with the annotated cells.</p>")
        self.labels.native.setMinimumWidth(80)
        self.button.setCheckable(True)
        self.button.setToolTip("<p>Show how much each pixel will count in training, and follow every stroke.</p>")
        self.status.setWordWrap(True)
        self.form.prepend_row("Labels", self.labels.native)
        layout = QVBoxLayout(self)
        for part in (self.form, self.button, self.status):
            layout.addWidget(part)
        layout.addStretch()

    def _labels_layers(self, _: Any) -> list[Labels]:
        """List what can be followed."""
        return [layer for layer in self._viewer.layers if isinstance(layer, Labels)]

    def _suggest(self) -> None:
        """Show the published numbers where none are entered."""
        published = PUBLISHED_BORDER[self.form.editors["weight_map.formula"].value()]
        for name, value in zip(("border_weight", "border_width_px"), published, strict=True):
            self.form.editors[f"weight_map.{name}"].suggest(value)

    def _choose(self, layer: Labels | None) -> None:
        """Take over another layer and its scheme."""
        self._layer = layer
        if layer is not None:
            self.form.editors["training.scheme"].setValue(read_scheme(layer))
        self._restart()

    def _change(self) -> None:
        """Take over what was entered."""
        self._suggest()
        if self._layer is not None:
            store_scheme(self._layer, self.form.recipe().training.scheme)
        self._restart()

    def _restart(self) -> None:
        """Follow what is chosen now."""
        if self._follower is not None:
            self._follower.close()
            self._follower = None
        self.button.setText("Stop following" if self.button.isChecked() else "Show weight map")
        if self.button.isChecked() and self._layer is not None:
            self._follow(self._layer)

    def _follow(self, layer: Labels) -> None:
        """Follow a layer."""
        try:
            axes = read_axes(layer)
            self._follower = WeightMapFollower(self._viewer, layer, axes.names, self.form.recipe(), self)
        except InputError as error:
            show_error(str(error))
            self._end()
            return
        guess = " (guessed from its shape)" if axes.guessed else ""
        self.status.setText(f"Axes of the layer: {axes.names}{guess}")
        self._follower.computed.connect(self._fit_contrast)
        self._follower.failed.connect(self._end)

    def _fit_contrast(self, weights: Image, greatest: float) -> None:
        """Let the brightest colour be the greatest weight, and black no weight."""
        weights.contrast_limits = (0.0, greatest or 1.0)

    def _end(self) -> None:
        """Release the button."""
        self.button.setChecked(False)
