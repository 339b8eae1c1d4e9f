"""What the axes of a layer mean, and the box in which a person corrects it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox

from napari_unet.axes import guess_axes, parse_axes
from napari_unet.errors import InputError
from napari_unet.widgets._layers import finest

if TYPE_CHECKING:
    from napari.layers import Layer

_NAMES = {
    **{"t": "T", "time": "T", "frame": "T", "c": "C", "ch": "C", "channel": "C"},
    **{"z": "Z", "plane": "Z", "slice": "Z", "depth": "Z"},
    **{"y": "Y", "row": "Y", "height": "Y", "x": "X", "col": "X", "column": "X", "width": "X"},
}
#: What the axes of a layer may mean, by their number; that of colours comes on top.
_READINGS = {
    2: ["YX"],
    3: ["ZYX", "TYX", "CYX", "YXC"],
    4: ["TZYX", "TCYX", "CZYX", "ZCYX", "CTYX"],
    5: ["TCZYX", "TZCYX", "CTZYX"],
}
_LEAST_WIDTH_PX = 80


@dataclass(frozen=True)
class LayerAxes:
    """What the axes of a layer's array mean.

    Attributes
    ----------
    names
        One letter an axis of the array, such as "ZYX", or "YXC" for colours.
    guessed
        Whether the layer does not say so itself and could mean others; a guess is shown before it is used.
    """

    names: str
    guessed: bool


def read_axes(layer: Layer) -> LayerAxes:
    """Find out what the axes of a layer mean.

    Parameters
    ----------
    layer
        Image or Labels layer.

    Returns
    -------
    LayerAxes
        From the axis labels where they are names that one knows, such as "z" or "time"; else from the shape.

    Raises
    ------
    InputError
        If the layer has too few or too many axes.
    """
    rgb = bool(getattr(layer, "rgb", False))
    known = [_NAMES.get(str(label).strip().lower(), "?") for label in layer.axis_labels]
    try:
        return LayerAxes(parse_axes("".join(known) + "C" * rgb), guessed=False)
    except InputError:
        # Two axes are rows and columns, whatever they are called.
        return LayerAxes(guess_axes(finest(layer).shape, rgb=rgb), guessed=layer.ndim > 2)


def store_axes(layer: Layer, names: str) -> None:
    """Write into a layer what its axes mean, so that nobody has to guess again.

    Parameters
    ----------
    layer
        Image or Labels layer.
    names
        One letter an axis; the C of colours may be there or not.
    """
    layer.axis_labels = tuple(names[: layer.ndim].lower())


def spacing_um(layer: Layer, axes: str) -> dict[str, float]:
    """Give the pixel size by axis (Z, Y, X), in µm, where the units of a layer are lengths.

    Parameters
    ----------
    layer
        An image.
    axes
        Names of its axes.

    Returns
    -------
    dict of str to float
        Pixel size by axis; axes of unknown size are absent.
    """
    sizes = zip(axes, layer.scale, layer.units, strict=False)
    return {
        axis: float((abs(scale) * unit).to("um").magnitude)
        for axis, scale, unit in sizes
        if axis in "ZYX" and (1 * unit).is_compatible_with("um")
    }


class AxesBox(QComboBox):
    """Shows what the axes of a layer mean, and lets a person correct it; the layer keeps the correction.

    Attributes
    ----------
    axes
        Names of the axes, such as "ZYX"; empty: there is no layer, or it has too many axes.
    changed
        Signal: the axes of the layer are others now.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._layer: Layer | None = None
        self.axes = ""
        self.setMinimumWidth(_LEAST_WIDTH_PX)
        self.setToolTip(
            "<p>What the axes of the image mean: T time, C channels, Z planes, Y rows, X columns. Choose another "
            "reading if this one is wrong; the layer remembers it.</p>"
        )
        self.activated.connect(self._correct)

    def show_layer(self, layer: Layer | None) -> None:
        """Show the axes of a layer from now on.

        Parameters
        ----------
        layer
            Image or Labels layer; None: none.
        """
        if self._layer is not None:
            self._layer.events.axis_labels.disconnect(self._follow)
        self._layer = layer
        if layer is not None:
            layer.events.axis_labels.connect(self._follow)
        self._read()

    def _follow(self, event: Any = None) -> None:
        """Read other axes, and tell."""
        self._read()
        self.changed.emit()

    def _read(self) -> None:
        """Read the axes of the layer."""
        self.clear()
        self.axes = ""
        self.setEnabled(self._layer is not None)
        if self._layer is None:
            return
        try:
            found = read_axes(self._layer)
        except InputError as error:
            self.addItem(str(error))
            return
        self.axes = found.names
        self._offer(self._layer, guessed=found.guessed)

    def _offer(self, layer: Layer, *, guessed: bool) -> None:
        """List the readings there are, that of the layer first."""
        rgb = bool(getattr(layer, "rgb", False))
        readings = [names + "C" * rgb for names in _READINGS.get(layer.ndim, []) if not (rgb and "C" in names)]
        others = [names for names in readings if names != self.axes]
        for names in [self.axes, *others]:
            self.addItem(f"{names} (guessed)" if guessed and names == self.axes else names, names)

    def _correct(self, index: int) -> None:
        """Write another reading into the layer."""
        if self._layer is not None and (names := self.itemData(index)):
            store_axes(self._layer, names)
