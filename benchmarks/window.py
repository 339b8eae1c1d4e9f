"""How long the window keeps a person waiting: gaps between ticks of its event loop, idle, painting and training.

A tick is asked for every 10 ms; what the gap between two ticks exceeds that by, the window could not react. Measured in
the real window, on a display or a virtual one. Software drawing, as on a virtual display, takes its share of the gaps,
and other programs take theirs: so napari without the plugin is measured too, in the same minutes, and the time of the
processor that the thread of the window takes between two ticks is told beside the gap. What no program can avoid that
trains beside a window shows a bare loop of PyTorch in a thread of napari without the plugin: what exceeds it is ours.
Also: how long a click on Train takes to the first preview, and how fast it trains in the window and without one.

    python benchmarks/window.py [--seconds 20] [--size 2048]
"""

from __future__ import annotations

import argparse
import os
import tempfile
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING

import napari
import numpy as np
import torch
from qtpy.QtCore import QPoint, Qt, QTimer
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QPushButton

from napari_unet.config.recipe import Recipe
from napari_unet.config.training import TrainingConfig
from napari_unet.data.training_image import TrainingImage
from napari_unet.geometry import AxisGeometry
from napari_unet.models.device import choose_precision
from napari_unet.models.registry import build_network
from napari_unet.samples import annotate_sparsely, draw_sample
from napari_unet.training.events import Stepped
from napari_unet.training.live import LiveTraining
from napari_unet.training.views import View
from napari_unet.widgets._dock import Dock, open_dock
from napari_unet.widgets._layers import scheme_metadata
from napari_unet.widgets._session import HOME_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_unet.training.trainer import Trainer

TICK_MS = 10
STROKE_EVERY_MS = 1000
STROKE_POINTS = 12
#: The window does nothing any more that was begun before.
SETTLE_MS = 3000
#: The first steps take longer than the others.
WARM_STEPS = 3
RATE_MS = 15_000


class BareLoop:
    """Trains the default network on noise in a thread, as a program would that takes no care of the window."""

    def __init__(self) -> None:
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._train)

    def __enter__(self) -> None:
        self._thread.start()
        QTest.qWait(SETTLE_MS)

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _train(self) -> None:
        """Learn from patches of the default size until it is over."""
        recipe = Recipe()
        network = build_network(recipe.model, 1, 2).to(memory_format=torch.channels_last)
        optimizer = torch.optim.AdamW(network.parameters())
        precision = choose_precision(recipe.execution, torch.device("cpu"))
        edge = AxisGeometry(recipe.model.depth).input_size(recipe.training.patch_px)
        while not self._is_over.is_set():
            patches = torch.randn(recipe.training.batch_size, 1, edge, edge).to(memory_format=torch.channels_last)
            with torch.autocast("cpu", precision, enabled=precision != torch.float32):
                logits = network(patches)
            optimizer.zero_grad()
            logits.float().square().mean().backward()
            optimizer.step()


class Ticks:
    """Gaps between the ticks of the event loop, while something happens."""

    def __init__(self) -> None:
        self._clocks: list[tuple[float, float]] = []
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self._tick)

    def over(self, seconds: float) -> np.ndarray:
        """Watch for some time; give gaps, and time of the processor within them, ms, shape (2, gaps)."""
        self._clocks.clear()
        self._tick()
        self._timer.start()
        QTest.qWait(round(seconds * 1e3))
        self._timer.stop()
        return np.diff(self._clocks, axis=0).T * 1e3

    def _tick(self) -> None:
        """Read the clocks of the wall and of this thread."""
        self._clocks.append((time.perf_counter(), time.thread_time()))


class Brush:
    """A person who paints a short stroke a second, with mouse events."""

    def __init__(self, viewer: napari.Viewer) -> None:
        self._canvas = viewer.window._qt_viewer.canvas.native
        self._random = np.random.default_rng(0)
        self._points: list[QPoint] = []
        self._stroke, self._move = QTimer(), QTimer()
        self._stroke.setInterval(STROKE_EVERY_MS)
        self._move.setInterval(30)
        self._stroke.timeout.connect(self.paint)
        self._move.timeout.connect(self._go_on)

    def start(self) -> None:
        """Paint from now on."""
        self._stroke.start()

    def stop(self) -> None:
        """Begin no further stroke."""
        self._stroke.stop()

    def paint(self) -> None:
        """Begin one stroke."""
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


def wait_for(condition: Callable[[], bool], patience_s: float = 600) -> float:
    """Let the window run until something is so; give the seconds."""
    began = time.perf_counter()
    while not condition():
        if time.perf_counter() - began > patience_s:
            raise TimeoutError("nothing happened")
        QTest.qWait(TICK_MS)
    return time.perf_counter() - began


def measure(size: int, seconds: float) -> dict[str, np.ndarray]:
    """Give gaps and time of the processor, see `Ticks`: of napari alone, then with the docks, training and not."""
    viewer = open_window(size)
    QTest.qWait(SETTLE_MS)
    ticks, brush = Ticks(), Brush(viewer)
    states = {"napari, idle": ticks.over(seconds), "napari, painting": paint(ticks, brush, seconds)}
    with BareLoop():
        states["napari beside a bare loop, idle"] = ticks.over(seconds)
        states["napari beside a bare loop, painting"] = paint(ticks, brush, seconds)
    open_dock(viewer, "Annotate")
    train = open_dock(viewer, "Train")
    wait_for(main_button(train).isEnabled)
    QTest.qWait(SETTLE_MS)
    main_button(train).click()
    wait_for(lambda: has_preview(viewer))
    QTest.qWait(SETTLE_MS)
    states["training"] = ticks.over(seconds)
    states["training and painting"] = paint(ticks, brush, seconds)
    main_button(train).click()
    wait_for(lambda: main_button(train).text() == "Train")
    QTest.qWait(SETTLE_MS)
    states["docks open, idle"] = ticks.over(seconds)
    states["docks open, painting"] = paint(ticks, brush, seconds)
    viewer.close()
    return states


def paint(ticks: Ticks, brush: Brush, seconds: float) -> np.ndarray:
    """Watch while somebody paints."""
    brush.start()
    states = ticks.over(seconds)
    brush.stop()
    QTest.qWait(STROKE_EVERY_MS)
    return states


def has_preview(viewer: napari.Viewer) -> bool:
    """Tell whether a preview is shown."""
    return any("preview" in layer.name for layer in viewer.layers)


def first_preview() -> tuple[float, float]:
    """Give the seconds from the click on Train to the first preview of 512x512 px, and the steps/s after it."""
    viewer = open_window(512)
    train = open_dock(viewer, "Train")
    wait_for(main_button(train).isEnabled)
    QTest.qWait(SETTLE_MS)
    main_button(train).click()
    seconds = wait_for(lambda: has_preview(viewer))
    wait_for(lambda: train.running.step >= WARM_STEPS)
    began, first = time.perf_counter(), train.running.step
    QTest.qWait(RATE_MS)
    rate = (train.running.step - first) / (time.perf_counter() - began)
    main_button(train).click()
    wait_for(lambda: main_button(train).text() == "Train")
    viewer.close()
    return seconds, rate


def rate_without_window() -> float:
    """Give the steps/s of the same training with the same previews, in this program but with no window to serve."""
    image = training_image(512)
    with tempfile.TemporaryDirectory() as folder:
        live = LiveTraining(lambda: make_trainer(image, folder))
        live.look_at(View(image.image, 0, 0, (slice(0, 512), slice(0, 512)), 0))
        with closing(live.run()) as events:
            next(e for e in events if isinstance(e, Stepped) and e.step >= WARM_STEPS)
            began = time.perf_counter()
            steps = 0
            for event in events:
                steps += isinstance(event, Stepped)
                if time.perf_counter() - began > RATE_MS / 1e3:
                    return steps / (time.perf_counter() - began)
    raise RuntimeError("the training ended early")


def training_image(size: int) -> TrainingImage:
    """Draw what `open_window` shows."""
    sample = draw_sample("nuclei", (size, size))
    painted = annotate_sparsely(sample.labels, 20).astype(np.int32)
    return TrainingImage("nuclei", sample.image[None, None, None], painted[None, None, None])


def make_trainer(image: TrainingImage, folder: str) -> Trainer:
    """Make the trainer that a click on Train makes."""
    from napari_unet.training.starting import choose_start
    from napari_unet.training.trainer import Trainer

    recipe = Recipe(training=TrainingConfig(scheme="sparse"))
    return Trainer([image], recipe, folder, choose_start("starter", [image], recipe).model)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20, help="how long each state is watched")
    parser.add_argument("--size", type=int, default=2048, help="edge of the image in px")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        os.environ[HOME_VARIABLE] = folder
        application = QApplication.instance() or QApplication([])
        states = measure(options.size, options.seconds)
        print(f"\n{options.size}x{options.size} px, ticks of {TICK_MS} ms, {options.seconds:g} s each")
        print(f"Load of the machine before and after: {load:.1f}, {os.getloadavg()[0]:.1f}\n")
        print_table(states)
        preview, rate = first_preview()
        application.processEvents()
    print(f"\nFrom the click on Train to the first preview of 512x512 px: {preview:.1f} s")
    print(f"Training of 512x512 px: {rate:.2f} steps/s in the window, {rate_without_window():.2f} without one")


def print_table(states: dict[str, np.ndarray]) -> None:
    """Print gaps and time of the processor of each state."""
    print(
        "| window | median gap, ms | 99th percentile, ms | longest, ms | processor, 99th percentile, ms | longest, ms |"
    )
    print("|---|---|---|---|---|---|")
    for name, (gaps, processor) in states.items():
        figures = [*np.percentile(gaps, [50, 99]), gaps.max(), np.percentile(processor, 99), processor.max()]
        print(f"| {name} | {' | '.join(f'{figure:.1f}' for figure in figures)} |", flush=True)


if __name__ == "__main__":
    main()
