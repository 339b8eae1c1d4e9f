"""Play the demo in the real window, with mouse and buttons, and take a picture of each step.

    python docs/make_screenshots.py [-o docs/images/window] [--theme dark light] [--seconds 60]

What is seen is what the program does: it paints, trains, segments and evaluates drawn nuclei. Without a display run it
under ``xvfb-run -a -s "-screen 0 1366x768x24"``.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import napari
import numpy as np
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QPushButton

from napari_unet.data.writing import write_labels
from napari_unet.samples import draw_sample
from napari_unet.widgets._dock import Dock, open_dock
from napari_unet.widgets._layers import result_geometry
from napari_unet.widgets._session import HOME_VARIABLE
from napari_unet.widgets.demo import open_demo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SIZE_PX = (1366, 768)
PATIENCE_S = 300


class Player:
    """Somebody at the window, who looks at a picture of it now and then."""

    def __init__(self, folder: Path, theme: str) -> None:
        self._folder, self._theme = folder, theme
        self.viewer = napari.Viewer(show=True)
        self.viewer.window.resize(*SIZE_PX)
        self.viewer.theme = theme

    def look(self, name: str) -> None:
        """Save a picture of the window."""
        QTest.qWait(500)
        path = self._folder / f"{name}-{self._theme}.png"
        self.viewer.window.screenshot(str(path), canvas_only=False, flash=False)
        print(path, flush=True)

    def press(self, button: QPushButton) -> None:
        """Click on a button."""
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)

    def main_button(self, dock: Dock) -> QPushButton:
        """Find the button for what a dock is there for."""
        return dock.findChild(QPushButton, "primary")

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Wait until something is so, while the window works."""
        end = time.monotonic() + PATIENCE_S
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError("the window did not do what was waited for")
            QTest.qWait(50)

    def paint(self, points: np.ndarray) -> None:
        """Draw a stroke through points (y, x) of the image."""
        canvas = self.viewer.window._qt_viewer.canvas
        places = [QPoint(*(int(value) for value in self._on_canvas(point))) for point in points]
        QTest.mousePress(canvas.native, Qt.MouseButton.LeftButton, pos=places[0])
        for place in places[1:]:
            QTest.mouseMove(canvas.native, place)
            QTest.qWait(10)
        QTest.mouseRelease(canvas.native, Qt.MouseButton.LeftButton, pos=places[-1])

    def _camera(self) -> Any:
        """Find the camera, which napari has moved from the viewer into its scene."""
        return getattr(self.viewer, "scene", self.viewer).camera

    def _on_canvas(self, point: np.ndarray) -> np.ndarray:
        """Give where a point of the image is on the canvas: (x, y) in px."""
        size = self.viewer.window._qt_viewer.canvas.native.size()
        camera, world = self._camera(), self.viewer.layers[0].data_to_world(point)
        offset = (np.array(world) - camera.center[-2:]) * camera.zoom
        return np.array([size.width() / 2 + offset[1], size.height() / 2 + offset[0]])


def play(folder: Path, theme: str, seconds: float) -> None:
    """Go through all docks."""
    player = Player(folder, theme)
    viewer = player.viewer
    docks = open_demo(viewer)
    truth = draw_sample("nuclei").labels
    player.look("start")
    annotate(player, truth)
    show_weights(player, docks["Weight map"])
    train(player, docks["Train"], seconds)
    segment(player, docks["Segment"])
    evaluate(player, truth)
    batch(player)
    viewer.close()


def annotate(player: Player, truth: np.ndarray) -> None:
    """Paint one more cell, as a person would."""
    dock = open_dock(player.viewer, "Annotate")
    QTest.qWait(500)
    painted = player.viewer.layers["nuclei_painted"]
    player.viewer.layers.selection.active = painted
    number = next(
        n for n in range(1, truth.max() + 1) if not painted.data[truth == n].any() and (truth == n).sum() > 300
    )
    rows, columns = np.nonzero(truth == number)
    player.press(dock.tools.findChildren(QPushButton)[0])
    painted.brush_size = 5
    for row in range(rows.min() + 2, rows.max() - 1, 3):
        inside = columns[rows == row]
        player.paint(np.array([(row, x) for x in np.linspace(inside.min() + 2, inside.max() - 2, 6)]))
    player.look("annotate")


def show_weights(player: Player, dock: Any) -> None:
    """Show the weight map."""
    open_dock(player.viewer, "Weight map")
    player.press(dock.button)
    player.wait_for(lambda: "nuclei_painted_weights" in player.viewer.layers)
    player.look("weight-map")
    player.press(dock.button)
    player.viewer.layers["nuclei_painted_weights"].visible = False


def train(player: Player, dock: Any, seconds: float) -> None:
    """Train, and look at it half-way."""
    open_dock(player.viewer, "Train")
    player.wait_for(dock.button.isEnabled)
    dock.setup.form.editors["training.seconds"].setValue(seconds)
    player.press(dock.button)
    player.wait_for(lambda: any("preview" in layer.name for layer in player.viewer.layers))
    QTest.qWait(round(500 * seconds))
    player.look("train")
    player.wait_for(lambda: not dock.runner.is_running)
    for layer in player.viewer.layers:
        if "preview" in layer.name:
            layer.visible = False


def segment(player: Player, dock: Any) -> None:
    """Segment with what was trained."""
    open_dock(player.viewer, "Segment")
    player.viewer.layers["nuclei_painted"].visible = False
    QTest.qWait(1000)
    player.press(player.main_button(dock))
    player.wait_for(lambda: not dock.runner.is_running and "nuclei_unet" in player.viewer.layers)
    player.look("segment")


def evaluate(player: Player, truth: np.ndarray) -> None:
    """Compare with the truth."""
    image = player.viewer.layers["nuclei"]
    player.viewer.add_labels(truth, name="truth", visible=False, **result_geometry(image, "YX"))
    dock = open_dock(player.viewer, "Evaluate")
    dock.sources.layers.truth.value = player.viewer.layers["truth"]
    player.press(dock.button)
    player.wait_for(lambda: not dock.runner.is_running)
    player.look("evaluate")


def batch(player: Player) -> None:
    """Segment files."""
    dock = open_dock(player.viewer, "Batch")
    with tempfile.TemporaryDirectory() as folder:
        dock.files.add(list(draw_files(Path(folder))))
        QTest.qWait(500)
        player.press(dock.button)
        player.wait_for(lambda: not dock.runner.is_running)
        player.look("batch")


def draw_files(folder: Path) -> Iterator[Path]:
    """Draw a few images, and one file that is none."""
    for number in range(5):
        path = folder / f"field_{number}.tif"
        write_labels(path, draw_sample("nuclei", (256, 256), seed=number).image, "YX", {})
        yield path
    broken = folder / "field_5.tif"
    broken.write_text("interrupted while it was copied")
    yield broken


def main() -> None:
    """Play it in each theme."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, default=Path(__file__).parent / "images" / "window")
    parser.add_argument("--theme", nargs="+", default=["dark", "light"])
    parser.add_argument("--seconds", type=float, default=60, help="training time")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    for theme in options.theme:
        with tempfile.TemporaryDirectory() as home:
            os.environ[HOME_VARIABLE] = home
            play(options.output, theme, options.seconds)


if __name__ == "__main__":
    main()
