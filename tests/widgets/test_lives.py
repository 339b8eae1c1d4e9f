"""Docks, layers, viewers and programs that end in the middle of something."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile
from napari.utils.notifications import ErrorNotification, notification_manager
from qtpy.QtGui import QOpenGLContext
from qtpy.QtWidgets import QApplication

from napari_unet.errors import InputError
from napari_unet.models.model_file import load_model, save_model
from napari_unet.samples import annotate_sparsely, draw_sample
from napari_unet.training.record import find_unfinished, read_curves, read_run
from napari_unet.training.run_folder import RunFolder
from napari_unet.widgets import _followed, batch, train
from napari_unet.widgets._layers import scheme_metadata
from napari_unet.widgets._session import HOME_VARIABLE, session_of
from napari_unet.widgets.segmenting import watched
from networks import random_model
from person import WAIT_MS, Person

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from napari.viewer import Viewer

    from napari_unet.widgets._dock import Dock

SAMPLE = draw_sample("nuclei", (3, 96, 96))
PAINTED = annotate_sparsely(SAMPLE.labels, 4)
#: Docks whose work shows a button that stops it.
WORKING = ("Train", "Segment", "Evaluate", "Batch")
DOCKS = ("Annotate", "Weight map", *WORKING)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture(autouse=True)
def nothing_goes_on_or_wrong(qtbot) -> Iterator[None]:
    notification_manager.records.clear()
    yield
    qtbot.waitUntil(lambda: not is_working(), timeout=WAIT_MS)
    errors = [record.exception for record in notification_manager.records if isinstance(record, ErrorNotification)]
    assert not [error for error in errors if not isinstance(error, InputError | Deliberate)]


class Deliberate(RuntimeError):
    """A mistake in the program, made for a test."""


def is_working() -> bool:
    return any(thread.name.startswith("napari-unet") for thread in threading.enumerate())


def fill(viewer: Viewer, tmp_path: Path) -> None:
    """Add what every dock can work on."""
    viewer.add_image(SAMPLE.image, name="cells")
    viewer.add_labels(PAINTED.copy(), name="painted", metadata=scheme_metadata("sparse"))
    model = tmp_path / "model.safetensors"
    save_model(random_model(), model)
    session_of(viewer).set_model(model)


def begin(person: Person, name: str, tmp_path: Path) -> Any:
    """Open a dock and start what it is there for."""
    dock = person.open_quick() if name == "Train" else person.open(name)
    if name == "Segment":
        dock.wanted.form.editors["tiling.tile_px"].setValue(16)
        dock.wanted.part.setCurrentIndex(dock.wanted.part.count() - 1)
    elif name == "Evaluate":
        person.viewer.add_labels(SAMPLE.labels.copy(), name="truth", metadata=scheme_metadata("dense"))
        dock.sources.layers.predicted.value = person.viewer.layers["painted"]
        dock.sources.layers.truth.value = person.viewer.layers["truth"]
    elif name == "Batch":
        dock.form.editors["tiling.tile_px"].setValue(16)
        dock.tabs.setCurrentIndex(1)
    person.wait(dock.button.isEnabled)
    person.click(dock.button)
    if name in WORKING:
        assert dock.runner.is_running, dock.message.text()
    if name == "Train":
        person.wait(lambda: dock.running is not None and dock.running.step > 2)
    return dock


def text_of(name: str) -> str:
    """What the button of a dock says while nothing runs."""
    return {"Weight map": "Show weight map", "Batch": "Segment layer"}.get(name, name)


@pytest.mark.parametrize("layer", ["cells", "painted"])
@pytest.mark.parametrize("name", ["Weight map", *WORKING])
def test_a_layer_is_deleted_in_mid_run(make_napari_viewer, qtbot, tmp_path: Path, name: str, layer: str) -> None:
    viewer = make_napari_viewer(show=True)
    fill(viewer, tmp_path)
    person = Person(viewer, qtbot)
    dock = begin(person, name, tmp_path)
    viewer.layers.remove(layer)
    qtbot.wait(100)
    if name == "Train":
        assert dock.runner.is_running
        person.wait(lambda: "deleted" in dock.status.text())
        person.click(dock.button)
    if name in WORKING:
        person.wait(lambda: not dock.runner.is_running)
        shown = dock.results if name == "Evaluate" else dock.message
        assert dock.button.isEnabled() and (shown.isVisibleTo(dock) or dock.message.isVisibleTo(dock))


@pytest.mark.parametrize("name", ["Weight map", *WORKING])
def test_the_viewer_is_closed_in_mid_run(make_napari_viewer, qtbot, tmp_path: Path, name: str) -> None:
    viewer = make_napari_viewer(show=True)
    fill(viewer, tmp_path)
    dock = begin(Person(viewer, qtbot), name, tmp_path)
    folder = dock.running.job.folder if name == "Train" else None
    viewer.close()
    qtbot.waitUntil(lambda: not is_working(), timeout=WAIT_MS)
    if folder is not None:
        assert RunFolder(folder).is_resumable
        assert load_model(RunFolder(folder).model).card.recipe.model.depth == 1


@pytest.mark.parametrize("name", DOCKS)
def test_a_dock_opened_and_closed_leaves_nothing(make_napari_viewer, qtbot, tmp_path: Path, name: str) -> None:
    viewer = make_napari_viewer(show=True)
    fill(viewer, tmp_path)
    person = Person(viewer, qtbot)

    def open_and_close() -> weakref.ref[Dock]:
        reference = weakref.ref(person.open(name))
        qtbot.wait(20)
        viewer.window.remove_dock_widget(reference())
        return reference

    def are_gone(references: list[weakref.ref[Dock]]) -> bool:
        gc.collect()
        return not any(reference() for reference in references)

    first = open_and_close()
    person.wait(lambda: are_gone([first]))
    before = len(QApplication.allWidgets())
    # While a dock looks round beside the window, Python keeps what was there before.
    references = [open_and_close() for _ in range(20)]
    person.wait(lambda: are_gone(references))
    assert len(QApplication.allWidgets()) <= before


@pytest.mark.parametrize("error", [InputError("this is too dark"), Deliberate("broken")])
@pytest.mark.parametrize(
    ("name", "where", "what"),
    [
        ("Weight map", _followed, "_compute"),
        ("Train", train, "train"),
        ("Segment", watched, "segment"),
        ("Batch", batch, "segment"),
    ],
)
def test_an_error_beside_the_window_is_told(
    make_napari_viewer,
    qtbot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    where: Any,
    what: str,
    error: Exception,
) -> None:
    def fail(*_: Any) -> Generator[Any]:
        raise error
        yield

    monkeypatch.setattr(where, what, fail)
    viewer = make_napari_viewer(show=True)
    fill(viewer, tmp_path)
    person = Person(viewer, qtbot)
    dock = person.open_quick() if name == "Train" else person.open(name)
    if name == "Batch":
        dock.tabs.setCurrentIndex(1)
    layers = set(viewer.layers)
    person.click(dock.button)
    person.wait(lambda: str(error) in dock.message.text())
    person.wait(lambda: not is_working())
    qtbot.wait(100)
    assert dock._level == "error"
    assert dock.button.isEnabled() and not dock.button.isChecked() and dock.button.text() == text_of(name)
    assert set(viewer.layers) == layers


def test_two_viewers_train_at_once(make_napari_viewer, qtbot, tmp_path: Path) -> None:
    docks, folders = [], []
    for _ in range(2):
        viewer = make_napari_viewer(show=True)
        fill(viewer, tmp_path)
        docks.append(begin(Person(viewer, qtbot), "Train", tmp_path))
        folders.append(docks[-1].running.job.folder)
    first, second = docks
    assert first.session is not second.session and len(set(folders)) == 2
    step = first.running.step
    Person(second.viewer, qtbot).click(second.button)
    qtbot.waitUntil(lambda: not second.runner.is_running, timeout=WAIT_MS)
    assert second.session.model == RunFolder(folders[1]).model
    qtbot.waitUntil(lambda: first.running.step > step, timeout=WAIT_MS)
    Person(first.viewer, qtbot).click(first.button)
    qtbot.waitUntil(lambda: not first.runner.is_running, timeout=WAIT_MS)
    assert first.session.model == RunFolder(folders[0]).model


FIRST_WINDOW = """
    import sys
    from pathlib import Path

    import napari
    import numpy as np
    from pytestqt.qt_compat import qt_api
    from pytestqt.qtbot import QtBot
    from napari_unet.training.run_folder import RunFolder
    from person import Person

    qt_api.set_qt_api(None)
    file, strokes = map(Path, sys.argv[1:])
    viewer = napari.Viewer()
    person = Person(viewer, QtBot(None))
    viewer.open(file, layer_type="image")
    annotate = person.open("Annotate")
    person.click(annotate.new)
    layer = viewer.layers.selection.active
    layer.brush_size = 3

    def paint(number):
        person.click_named(annotate, "New cell")
        row = 6 + 8 * number
        person.drag((row, 10), (row, 60))
        person.wait(lambda: annotate.annotation.is_saved)
        np.save(strokes / "written.npy", layer.data)
        (strokes / "written.npy").rename(strokes / f"{number:02}.npy")

    for number in range(3):
        paint(number)
    person.click_named(annotate, "Rest of")
    person.drag((2, 2), (60, 70), (90, 90))
    person.click(annotate.train)
    train = person.open_quick()
    person.click(train.button)
    person.wait(lambda: train.running is None or train.running.step > 2)
    assert train.running is not None, train.findings.text()
    person.wait(lambda: RunFolder(train.running.job.folder).is_resumable)
    person.open("Annotate")
    for number in range(3, 11):
        paint(number)
    person.wait(lambda: False)
"""


def kill_a_window_in_mid_training(file: Path, strokes: Path) -> np.ndarray:
    """Kill a program in which somebody paints while it trains; give what it said was on the disk."""
    paths = [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    arguments = [sys.executable, "-c", textwrap.dedent(FIRST_WINDOW), str(file), str(strokes)]
    with subprocess.Popen(arguments, env=environment) as program:
        while not (strokes / "09.npy").exists():
            assert program.poll() is None
            time.sleep(0.05)
        program.kill()
    assert program.returncode == -signal.SIGKILL
    painted: np.ndarray = np.load(strokes / "09.npy")
    return painted


REMOVALS = """
    import napari
    import numpy as np
    from qtpy.QtTest import QTest

    viewer = napari.Viewer()
    viewer.window.add_plugin_dock_widget("napari-unet-interactive", "Annotate")
    for _ in range(2):
        viewer.add_image(np.random.default_rng(0).random((96, 96)), name="cells")
        painted = viewer.add_labels(np.ones((96, 96), int), name="painted")
        QTest.qWait(400)
        viewer.layers.remove("cells")
        QTest.qWait(400)
        for opacity in (0.3, 0.6):
            painted.opacity = opacity
            QTest.qWait(300)
        viewer.layers.clear()
        QTest.qWait(300)
    print("drawn")
"""


def test_layers_are_removed_and_the_rest_is_drawn() -> None:
    # napari alone crashes here on Mesa: the whole program would be gone, so it is another one.
    arguments = [sys.executable, "-c", textwrap.dedent(REMOVALS)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "drawn" in done.stdout, done.stderr[-2000:]


def test_the_canvas_is_current_when_a_layer_is_removed(make_napari_viewer, qtbot) -> None:
    """Whatever the driver makes of it, what the layer was drawn with is deleted where it belongs."""
    viewer = make_napari_viewer(show=True)
    viewer.add_image(SAMPLE.image, name="cells")
    Person(viewer, qtbot).open("Annotate")
    canvas, current = viewer.window._qt_viewer.canvas.native, []
    qtbot.waitUntil(canvas.isValid)
    viewer.layers.events.removed.connect(lambda event: current.append(QOpenGLContext.currentContext()))
    canvas.doneCurrent()
    viewer.layers.remove("cells")
    assert current == [canvas.context()]


def test_killed_in_mid_training(make_napari_viewer, qtbot, tmp_path: Path, home: Path) -> None:
    file, strokes = tmp_path / "cells.tif", tmp_path / "strokes"
    strokes.mkdir()
    tifffile.imwrite(file, SAMPLE.image[0], photometric="minisblack")
    painted = kill_a_window_in_mid_training(file, strokes)
    run = find_unfinished(set(home.iterdir()), set())
    assert run is not None and load_model(RunFolder(run.folder).model).card.in_channels == 1

    viewer = make_napari_viewer(show=True)
    person = Person(viewer, qtbot)
    annotate = person.open("Annotate")
    person.wait(annotate.offer.isVisible)
    person.click(annotate.offer.restore)
    person.wait(lambda: annotate.annotation is not None)
    image, layer = viewer.layers
    assert image.source.path == str(file) and annotate.image.value is image
    assert np.array_equal(layer.data[painted > 1], painted[painted > 1]) and (layer.data == 1).any()

    train = person.open("Train")
    person.wait(train.resume_button.isVisible)
    assert f"step {run.step}" in train.resume_button.text()
    person.click(train.resume_button)
    person.wait(lambda: train.running is not None and train.running.step > run.step)
    (pair,) = train.setup.pairs.pairs()
    assert train.running.job.folder == run.folder and (pair.image, pair.labels) == (image, layer)
    person.wait(lambda: f"{layer.data.max() - 1} cells" in train.status.text())
    person.click(train.button)
    person.wait(lambda: not train.runner.is_running)
    resumed = read_run(run.folder)
    losses, _ = read_curves(run.folder)
    assert resumed.step > run.step and len(losses) == resumed.step
