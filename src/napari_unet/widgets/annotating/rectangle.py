"""The rectangle whose rest is background."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers.base import ActionType
from qtpy.QtCore import QObject, QTimer, Signal

if TYPE_CHECKING:
    import napari
    from napari.layers import Labels, Shapes
    from numpy.typing import NDArray

_FRAME_PX = 2.0
_PLACEMENT = ("scale", "translate", "rotate", "shear", "affine", "units", "axis_labels")


class RectangleTool(QObject):
    """Lets a person drag a rectangle, and makes background of all in it that is not annotated.

    While it is in use there is a Shapes layer to draw in, which napari itself shows under the mouse.

    Parameters
    ----------
    viewer
        The viewer.
    parent
        Object it belongs to.

    Attributes
    ----------
    toggled
        Signal with whether it is in use now.
    """

    toggled = Signal(bool)

    def __init__(self, viewer: napari.viewer.Viewer, parent: QObject) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._layer: Labels | None = None
        self._frame: Shapes | None = None
        viewer.layers.events.removed.connect(self._on_removed)

    @property
    def is_active(self) -> bool:
        """Whether it is in use."""
        return self._frame is not None

    def start(self, layer: Labels) -> None:
        """Wait for a rectangle.

        Parameters
        ----------
        layer
            Annotation in the sparse scheme, seen in two dimensions.
        """
        self.stop()
        self._layer = layer
        placement = {name: getattr(layer, name) for name in _PLACEMENT}
        self._frame = self._viewer.add_shapes(
            ndim=layer.ndim,
            name="drag a rectangle",
            face_color="transparent",
            edge_color="white",
            edge_width=_FRAME_PX / _zoom(self._viewer) / abs(layer.scale[-1]),
            **placement,
        )
        self._frame.mode = "add_rectangle"
        self._frame.events.data.connect(self._on_drawn)
        self._frame.events.mode.connect(self._on_mode)
        self.toggled.emit(True)

    def stop(self) -> None:
        """Put it away."""
        frame, self._frame = self._frame, None
        if frame is None:
            return
        if frame in self._viewer.layers:
            self._viewer.layers.remove(frame)
        if self._layer in self._viewer.layers:
            self._viewer.layers.selection.active = self._layer
        self.toggled.emit(False)

    def _on_drawn(self, event: Any) -> None:
        """Take the rectangle, once napari has dealt with the mouse."""
        if event.action == ActionType.ADDED:
            QTimer.singleShot(0, self._apply)

    def _on_mode(self, event: Any) -> None:
        """Put it away when another tool of the frame is taken."""
        QTimer.singleShot(0, self.stop)

    def _on_removed(self, event: Any) -> None:
        """Put it away when the frame, or what it lies on, is gone."""
        if event.value in (self._frame, self._layer):
            self.stop()

    def _apply(self) -> None:
        """Fill the rectangle, and put the tool away."""
        frame, layer = self._frame, self._layer
        if frame is not None and layer is not None and len(frame.data):
            dims = self._viewer.dims
            rows, columns = (axis - dims.ndim for axis in dims.displayed[-2:])
            fill_rest(layer, np.asarray(frame.data[-1]), (rows, columns))
        self.stop()


def _zoom(viewer: napari.viewer.Viewer) -> float:
    """Give the screen pixels a unit of the world takes; napari moved the camera in 0.9."""
    return float(getattr(viewer, "scene", viewer).camera.zoom)


def fill_rest(layer: Labels, corners: NDArray[Any], shown: tuple[int, int] = (-2, -1), label: int = 1) -> None:
    """Paint all that is not annotated in a rectangle, as one step that napari can undo.

    Parameters
    ----------
    layer
        Labels layer.
    corners
        Corners of the rectangle in the pixels of the layer, (4, number of axes).
    shown
        The two axes it lies in, those in view.
    label
        What to paint.
    """
    last = np.array(layer.data.shape) - 1
    low = np.clip(np.round(corners.mean(axis=0)), 0, last)
    high = low.copy()
    # A pixel belongs to the rectangle if its middle does.
    axes = list(shown)
    low[axes] = np.maximum(np.ceil(corners.min(axis=0)), 0)[axes]
    high[axes] = np.minimum(np.floor(corners.max(axis=0)), last)[axes]
    if (low > high).any():
        return
    points = np.tile(low, (4, 1))
    points[2:, axes[0]] = high[axes[0]]
    points[1:3, axes[1]] = high[axes[1]]
    before = layer.preserve_labels, layer.n_edit_dimensions
    layer.preserve_labels, layer.n_edit_dimensions = True, 2
    layer.paint_polygon(points.astype(int), label)
    layer.preserve_labels, layer.n_edit_dimensions = before
