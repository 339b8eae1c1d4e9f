"""Tools that put the right label into napari's brush, and the rectangle whose rest is background."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers.base import ActionType
from qtpy.QtCore import QObject, QTimer, Signal

from napari_unet.widgets._layers import read_scheme

if TYPE_CHECKING:
    import napari
    from napari.layers import Labels, Shapes
    from numpy.typing import NDArray

_FRAME_PX = 2.0
_PLACEMENT = ("scale", "translate", "rotate", "shear", "affine", "units", "axis_labels")


def take(viewer: napari.viewer.Viewer, layer: Labels, mode: str, label: int | None = None) -> None:
    """Take a tool of napari into the hand.

    Parameters
    ----------
    viewer
        The viewer of the layer.
    layer
        Layer to paint in; it becomes the active one.
    mode
        A mode of the layer, such as "paint".
    label
        What to paint; None: as before.
    """
    viewer.layers.selection.active = layer
    if label is not None:
        layer.selected_label = label
    layer.mode = mode


def tool_in_hand(layer: Labels) -> str:
    """Give the name of the tool that is in use, see `napari_unet.widgets._tools.TOOLS`; empty: none of them."""
    if layer.mode == "paint" and paints_background(layer):
        return "background"
    return {"polygon": "outline", "erase": "erase"}.get(str(layer.mode), "")


def describe_brush(layer: Labels) -> str:
    """Say, as rich text, what the brush paints."""
    if layer.mode == "erase":
        return "Erasing"
    if layer.mode not in ("paint", "polygon", "fill"):
        return "Not painting: choose a tool"
    color = layer.get_color(layer.selected_label)
    what = "background" if paints_background(layer) else f"cell {layer.selected_label}"
    if color is None:
        return f"Painting {what}"
    red, green, blue = (round(255 * float(part)) for part in color[:3])
    return f"<span style='color: rgb({red}, {green}, {blue})'>\u25a0</span> Painting {what}"


def paints_background(layer: Labels) -> bool:
    """Tell whether the selected label stands for background."""
    return bool(layer.selected_label == int(read_scheme(layer) == "sparse"))


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
            edge_width=_FRAME_PX / self._viewer.camera.zoom / abs(layer.scale[-1]),
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
            fill_rest(layer, np.asarray(frame.data[-1]))
        self.stop()


def fill_rest(layer: Labels, corners: NDArray[Any], label: int = 1) -> None:
    """Paint all that is not annotated in a rectangle, as one step that napari can undo.

    Parameters
    ----------
    layer
        Labels layer.
    corners
        Corners of the rectangle in the pixels of the layer, (4, number of axes).
    label
        What to paint.
    """
    # A pixel belongs to the rectangle if its middle does.
    low, high = np.ceil(corners.min(axis=0)), np.floor(corners.max(axis=0))
    middle = np.round(corners.mean(axis=0))
    last = np.array(layer.data.shape) - 1
    rows, columns = np.flatnonzero(np.ptp(corners, axis=0) > 0)[:2] if np.ptp(corners, axis=0).any() else (0, 0)
    if rows == columns or (low > high)[[rows, columns]].any() or (high < 0).any() or (low > last).any():
        return
    low, high = np.clip(low, 0, last), np.clip(high, 0, last)
    points = np.tile(np.clip(middle, 0, last), (4, 1))
    points[:, rows] = low[rows], low[rows], high[rows], high[rows]
    points[:, columns] = low[columns], high[columns], high[columns], low[columns]
    before = layer.preserve_labels, layer.n_edit_dimensions
    layer.preserve_labels, layer.n_edit_dimensions = True, 2
    layer.paint_polygon(points.astype(int), label)
    layer.preserve_labels, layer.n_edit_dimensions = before
