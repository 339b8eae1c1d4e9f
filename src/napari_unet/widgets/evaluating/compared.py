"""Two Labels layers that are compared: whether they show the same pixels, and whether they changed since."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QObject, QTimer, Signal

from napari_unet.errors import InputError
from napari_unet.widgets._axes import read_axes
from napari_unet.widgets._layers import finest, read_canonical
from napari_unet.widgets._lifetime import on_destruction
from napari_unet.widgets._view import plane_in_view

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Labels, Layer

_LOOK_AGAIN_MS = 200


def truth_axes(predicted: Labels, truth: Labels) -> str:
    """Find out what the axes of the truth mean; where it does not say, it takes after the prediction.

    Parameters
    ----------
    predicted, truth
        Layers.

    Returns
    -------
    str
        Names of the axes of the truth.

    Raises
    ------
    InputError
        If a layer has too few or too many axes.
    """
    own, other = read_axes(truth), read_axes(predicted)
    return other.names if own.guessed and len(own.names) == len(other.names) else own.names


def check_same_pixels(predicted: Labels, truth: Labels) -> None:
    """Refuse layers that do not lie on each other pixel by pixel.

    Parameters
    ----------
    predicted, truth
        Layers.

    Raises
    ------
    InputError
        If they are the same one, or differ in axes, shape or position.
    """
    if predicted is truth:
        raise InputError(f"'{predicted.name}' is chosen twice. Choose the cells painted by hand as the truth.")
    names = read_axes(predicted).names, truth_axes(predicted, truth)
    shapes = [read_canonical(layer, axes).shape for layer, axes in zip((predicted, truth), names, strict=True)]
    if shapes[0] != shapes[1] or shapes[0][1] != 1:
        sizes = [_sizes(layer, axes) for layer, axes in zip((predicted, truth), names, strict=True)]
        raise InputError(
            f"The layers have different pixels: {sizes[0]}, {sizes[1]}. Choose two Labels layers made on the same "
            "image, without channels; if only the axes were misunderstood, correct them."
        )
    corners = [_corners(layer, axes, shapes[0]) for layer, axes in zip((predicted, truth), names, strict=True)]
    n_common = min(layer.ndim for layer in (predicted, truth))
    away = np.abs(corners[0][:, -n_common:] - corners[1][:, -n_common:])
    if (away > np.abs(predicted.scale[-n_common:]) / 2).any():
        raise InputError(
            f"'{predicted.name}' and '{truth.name}' do not lie on each other: they differ in scale or position. If "
            "they belong to the same image: right click on the one that lies well, Copy scale and transforms > Copy "
            "all to clipboard; then right click on the other, Apply scale/transforms from Clipboard."
        )


class ChangeWatch(QObject):
    """Tells when layers are edited: by brush, fill, undo, new data, or from a program.

    Parameters
    ----------
    viewer
        The viewer of the layers.
    layers
        What to watch.
    parent
        Object it belongs to.

    Attributes
    ----------
    changed
        Signal, once: something was edited, or a layer was removed.
    """

    changed = Signal()

    def __init__(self, viewer: ViewerModel, layers: tuple[Labels, ...], parent: QObject) -> None:
        super().__init__(parent)
        self._viewer, self._layers = viewer, layers
        self._seen: tuple[list[tuple[int, int]], list[int]] | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_LOOK_AGAIN_MS)
        self._timer.timeout.connect(self._look_again)
        # napari may tell of a layer after the window destroyed this object.
        self._alive = [True]
        on_destruction(self, self._alive.clear)
        for layer in layers:
            for emitter in (layer.events.paint, layer.events.labels_update, layer.events.data):
                emitter.connect(self._tell)
            layer.events.set_data.connect(self._suspect)
        viewer.layers.events.removed.connect(self._miss)
        self._timer.start()

    def close(self) -> None:
        """Watch no longer."""
        self._alive.clear()
        self._timer.stop()
        self.deleteLater()

    def _tell(self, event: Any = None) -> None:
        """Tell that something was edited."""
        if self._alive:
            self.changed.emit()

    def _miss(self, event: Any) -> None:
        """Tell that a layer was removed."""
        if event.value in self._layers:
            self._tell()

    def _suspect(self, event: Any = None) -> None:
        """Look soon: an undo is told in the same way as another slice."""
        if self._alive:
            self._timer.start()

    def _look_again(self) -> None:
        """Tell if the plane in view is the same one and looks different."""
        before, self._seen = self._seen, self._look()
        if before is not None and before[0] == self._seen[0] and before[1] != self._seen[1]:
            self._tell()

    def _look(self) -> tuple[list[tuple[int, int]], list[int]]:
        """Give the planes in view, and check sums of those that are in memory."""
        places, sums = [], []
        for layer in self._layers:
            axes = read_axes(layer).names
            places.append(plane_in_view(self._viewer, layer, axes))
            if isinstance(layer.data, np.ndarray):
                time, z = places[-1]
                sums.append(zlib.crc32(np.ascontiguousarray(read_canonical(layer, axes)[time, 0, z]).data))
        return places, sums


def _sizes(layer: Layer, axes: str) -> str:
    """Write the size of each axis for people."""
    sizes = zip(axes, finest(layer).shape, strict=True)
    return f"'{layer.name}' has " + " ".join(f"{axis} {size}" for axis, size in sizes)


def _corners(layer: Layer, axes: str, shape: tuple[int, ...]) -> Any:
    """Give where the first and the last pixel lie in the world, and those at the ends of each axis."""
    last = dict(zip("TCZYX", (size - 1 for size in shape), strict=True))
    ends = [(), "TCZYX", *axes]
    return np.array([layer.data_to_world([last[a] if a in end else 0 for a in axes]) for end in ends])
