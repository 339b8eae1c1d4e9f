"""How long the window keeps a person waiting: gaps between ticks of its event loop, idle, painting and training.

A tick is asked for every 10 ms; what the gap between two ticks exceeds that by, the window could not react. Measured in
the real window, on a display or a virtual one; software drawing, as on a virtual display, takes its share of the
gaps. Also: how long a click on Train takes to the first preview.

    python benchmarks/window.py [--seconds 20] [--size 2048]
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from typing import TYPE_CHECKING

import napari
import numpy as np
from qtpy.QtCore import QPoint, Qt, QTimer
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QPushButton

from napari_unet.samples import annotate_sparsely, draw_sample
from napari_unet.widgets._dock import Dock, open_dock
from napari_unet.widgets._layers import scheme_metadata
from napari_unet.widgets._session import HOME_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Callable

TICK_MS = 10
STROKE_EVERY_MS = 1000
STROKE_POINTS = 12


class Ticks:
    """Gaps between the ticks of the event loop, while something happens."""

    def __init__(self) -> None:
        self.gaps_ms: list[float] = []
        self._last = time.perf_counter()
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self._tick)

    def _tick(self) -> None:
        now = time.perf_counter()
        self.gaps_ms.append((now - self._last) * 1e3)
        self._last = now

    def over(self, seconds: float) -> np.ndarray:
        """Watch for some time."""
        self.gaps_ms.clear()
        self._last = time.perf_counter()
        self._timer.start()
        QTest.qWait(round(seconds * 1e3))
        self._timer.stop()
        return np.array(self.gaps_ms)


class Brush:
    """A person who paints a short stroke a second, with mouse events."""

    def __init__(self, viewer: napari.Viewer) -> None:
        self._canvas = viewer.window._qt_viewer.canvas.native
        self._random = np.random.default_rng(0)
        self._points: list[QPoint] = []
        self._stroke, self._move = QTimer(), QTimer()
        self._stroke.setInterval(STROKE_EVERY_MS)
        self._move.setInterval(30)
        self._stroke.timeout.connect(self._begin)
        self._move.timeout.connect(self._go_on)

    def start(self) -> None:
        """Paint from now on."""
        self._stroke.start()

    def stop(self) -> None:
        """Begin no further stroke."""
        self._stroke.stop()

    def _begin(self) -> None:
        size = self._canvas.size()
        x, y = self._random.uniform(0.4, 0.6, 2) * (size.width(), size.height())
        self._points = [QPoint(int(x + 3 * n), int(y + n)) for n in range(STROKE_POINTS)]
        QTest.mousePress(self._canvas, Qt.MouseButton.LeftButton, pos=self._points[0])
        self._move.start()

    def _go_on(self) -> None:
        point = self._points.pop(0)
        if self._points:
            QTest.mouseMove(self._canvas, point)
            return
        QTest.mouseRelease(self._canvas, Qt.MouseButton.LeftButton, pos=point)
        self._move.stop()


def open_window(size: int) -> napari.Viewer:
    """Open a window with drawn nuclei, painted in part."""
    viewer = napari.Viewer(show=True)
    viewer.window.resize(1366, 768)
    sample = draw_sample("nuclei", (size, size))
    viewer.add_image(sample.image, name="nuclei")
    painted = annotate_sparsely(sample.labels, 20).astype(np.int32)
    labels = viewer.add_labels(painted, name="painted", metadata=scheme_metadata("sparse"))
    labels.mode, labels.selected_label, labels.brush_size = "paint", 2, 15
    return viewer


def main_button(dock: Dock) -> QPushButton:
    """Give the button for what the dock is there for."""
    return dock.findChild(QPushButton, "primary")


def wait_for(condition: Callable[[], bool], patience_s: float = 120) -> float:
    """Let the window run until something is so; give the seconds."""
    began = time.perf_counter()
    while not condition():
        if time.perf_counter() - began > patience_s:
            raise TimeoutError("nothing happened")
        QTest.qWait(TICK_MS)
    return time.perf_counter() - began


def measure(size: int, seconds: float) -> dict[str, np.ndarray]:
    """Give the gaps in ms: idle, painting, training, and both at once."""
    viewer = open_window(size)
    train = open_dock(viewer, "Train")
    wait_for(main_button(train).isEnabled)
    QTest.qWait(5000)
    ticks, brush = Ticks(), Brush(viewer)
    gaps = {"idle": ticks.over(seconds)}
    brush.start()
    gaps["painting"] = ticks.over(seconds)
    brush.stop()
    main_button(train).click()
    wait_for(lambda: any("preview" in layer.name for layer in viewer.layers))
    gaps["training"] = ticks.over(seconds)
    brush.start()
    gaps["training and painting"] = ticks.over(seconds)
    brush.stop()
    main_button(train).click()
    wait_for(lambda: main_button(train).text() == "Train")
    viewer.close()
    return gaps


def first_preview() -> float:
    """Give the seconds from the click on Train to the first preview of a field of 512x512."""
    viewer = open_window(512)
    train = open_dock(viewer, "Train")
    wait_for(main_button(train).isEnabled)
    QTest.qWait(5000)
    main_button(train).click()
    seconds = wait_for(lambda: any("preview" in layer.name for layer in viewer.layers))
    main_button(train).click()
    wait_for(lambda: main_button(train).text() == "Train")
    viewer.close()
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20, help="how long each state is watched")
    parser.add_argument("--size", type=int, default=2048, help="edge of the image in px")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ[HOME_VARIABLE] = folder
        application = QApplication.instance() or QApplication([])
        gaps = measure(options.size, options.seconds)
        preview = first_preview()
        application.processEvents()
    idle = np.percentile(gaps["idle"], 99)
    print(f"\n{options.size}x{options.size} px, ticks of {TICK_MS} ms, {options.seconds:g} s each\n")
    print("| window | median gap, ms | 99th percentile, ms | longest, ms | 99th percentile / idle |")
    print("|---|---|---|---|---|")
    for name, values in gaps.items():
        median, high, longest = *np.percentile(values, [50, 99]), values.max()
        print(f"| {name} | {median:.1f} | {high:.1f} | {longest:.1f} | {high / idle:.2f} |")
    print(f"\nFrom the click on Train to the first preview of 512x512 px: {preview:.1f} s")


if __name__ == "__main__":
    main()
