"""The dock widget *Weight map*: how much each pixel will count in training, following the brush."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from napari.layers import Labels

from napari_unet.errors import InputError
from napari_unet.widgets._axes import AxesBox
from napari_unet.widgets._dock import Dock
from napari_unet.widgets._followed import WeightMapFollower
from napari_unet.widgets._form import SettingsForm
from napari_unet.widgets._layers import is_lasting, read_scheme, store_scheme

if TYPE_CHECKING:
    import napari
    from napari.layers import Image


class WeightMapWidget(Dock):
    """Shows the weight map of the plane one looks at.

    Parameters
    ----------
    viewer
        The viewer it is docked in.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__(viewer)
        self._follower: WeightMapFollower | None = None
        self._layer: Labels | None = None
        self.labels = self.layer_box(Labels, "Labels layer with the annotated cells.", is_lasting)
        self.axes = AxesBox()
        self.form = SettingsForm(["training.scheme", "weight_map"], fold=False)
        self.form.prepend_row("Axes", self.axes)
        self.form.prepend_row("Labels", self.labels.native)
        self.body.addWidget(self.form)
        self.body.addStretch()
        self.button = self.primary_button(
            "Show weight map", "Show how much each pixel will count in training, and follow every stroke."
        )
        self.button.setCheckable(True)
        self.labels.changed.connect(self._choose)
        self.axes.changed.connect(self._restart)
        self.form.changed.connect(self._change)
        self.button.toggled.connect(self._restart)
        self._choose(self.labels.value)

    def reset_choices(self, event: Any = None) -> None:
        """Offer the Labels layers that there are now; napari calls it."""
        super().reset_choices()
        if self.labels.value is not self._layer:
            self._choose(self.labels.value)

    def _choose(self, layer: Labels | None) -> None:
        """Take over another layer and its scheme."""
        self._layer = layer
        self.axes.show_layer(layer)
        if layer is not None:
            self.form.editors["training.scheme"].setValue(read_scheme(layer))
        self._restart()

    def _change(self) -> None:
        """Take over what was entered."""
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
        elif self.button.isChecked():
            self.say("There is no Labels layer yet. Its weight map is shown as soon as there is one.")

    def _follow(self, layer: Labels) -> None:
        """Follow a layer."""
        self.say("")
        try:
            self._follower = WeightMapFollower(self.viewer, layer, self.axes.axes, self.form.recipe(), self)
        except InputError as error:
            self.say(str(error), "error")
            self._end()
            return
        self._follower.computed.connect(self._fit_contrast)
        self._follower.failed.connect(self._fail)
        self._follower.replaced.connect(partial(self._choose, layer))
        self._follower.removed.connect(self._end)

    def _fit_contrast(self, weights: Image, greatest: float) -> None:
        """Let the brightest colour be the greatest weight, and black no weight."""
        weights.contrast_limits = (0.0, greatest or 1.0)

    def _fail(self, error: Exception) -> None:
        """Show why it is not followed any more."""
        self.say(str(error), "error")
        self._end()

    def _end(self) -> None:
        """Release the button."""
        self.button.setChecked(False)
