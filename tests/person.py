"""Somebody at the window: opens docks, clicks, paints on the canvas, waits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import QPushButton

from napari_unet.config.recipe import parse_recipe
from napari_unet.widgets._dock import open_dock

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.viewer import Viewer
    from qtpy.QtWidgets import QWidget

    from napari_unet.widgets.train import TrainWidget

WAIT_MS = 120_000
_MOVE_MS = 15
#: A network of which many steps take but a second.
QUICK: dict[str, dict[str, Any]] = {
    "model": {"depth": 1, "base_channels": 2},
    "training": {"patch_px": 36, "batch_size": 1, "scheme": "sparse", "seconds": 600.0, "rescale": 1.0},
    "execution": {"device": "cpu", "precision": "float32"},
}


class Person:
    """Works with a viewer by mouse and buttons."""

    def __init__(self, viewer: Viewer, qtbot: Any) -> None:
        self.viewer, self._qtbot = viewer, qtbot

    def open(self, name: str) -> Any:
        """Open a dock, or bring it to the front."""
        return open_dock(self.viewer, name)

    def open_quick(self) -> TrainWidget:
        """Open the dock that trains, with a network of which many steps take but a second."""
        dock: TrainWidget = self.open("Train")
        make_quick(dock)
        return dock

    def click(self, button: QWidget) -> None:
        self._qtbot.mouseClick(button, Qt.MouseButton.LeftButton)

    def click_named(self, dock: QWidget, text: str) -> None:
        self.click(next(button for button in dock.findChildren(QPushButton) if button.text().startswith(text)))

    def wait(self, condition: Callable[[], bool]) -> None:
        self._qtbot.waitUntil(condition, timeout=WAIT_MS)

    def drag(self, *points: tuple[float, float]) -> None:
        """Drag the mouse through points (y, x) of the first layer."""
        canvas = self.viewer.window._qt_viewer.canvas.native
        places = [self._on_canvas(np.array(point)) for point in points]
        self._qtbot.mouseMove(canvas, places[0])
        self._qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, pos=places[0])
        for place in places[1:]:
            # The canvas may throw away a move that comes too soon after the last one.
            self._qtbot.wait(_MOVE_MS)
            self._qtbot.mouseMove(canvas, place)
        self._qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=places[-1])

    def paint(self, cell: np.ndarray) -> None:
        """Paint over a mask, row by row, with the brush that is in the hand."""
        rows, columns = np.nonzero(cell)
        step = max(2, int(self.viewer.layers.selection.active.brush_size) - 1)
        for row in range(rows.min() + 1, rows.max(), step):
            inside = columns[rows == row]
            self.drag((row, inside.min() + 1), (row, inside.max() - 1))

    def _on_canvas(self, point: np.ndarray) -> QPoint:
        """Give where a point of the first layer is on the canvas."""
        layer, size = self.viewer.layers[0], self.viewer.window._qt_viewer.canvas.native.size()
        camera = getattr(self.viewer, "scene", self.viewer).camera
        place = layer.data_to_world([*(0,) * (layer.ndim - 2), *point])[-2:]
        offset = (np.array(place) - camera.center[-2:]) * camera.zoom
        return QPoint(round(size.width() / 2 + offset[1]), round(size.height() / 2 + offset[0]))


def make_quick(dock: TrainWidget) -> None:
    """Let a dock train a network that takes no time."""
    dock.setup.start.setCurrentIndex(dock.setup.start.findData("none"))
    dock.setup.show_recipe(parse_recipe(QUICK))
