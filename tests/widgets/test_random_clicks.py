"""Two thousand things that somebody may do in any order: nothing breaks, all stops, what was painted is kept."""

from __future__ import annotations

import random
import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile
from magicgui.backends._qtpy.widgets import QFILE_DIALOG_MODES
from magicgui.types import FileDialogMode
from napari.utils.notifications import ErrorNotification, notification_manager
from qtpy.QtCore import Qt
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import QAbstractButton, QComboBox, QFileDialog, QPushButton, QTabWidget, QToolButton, QWidget
from vispy.scene import SceneCanvas

from napari_unet.config.recipe import dump_recipe, parse_recipe
from napari_unet.data.annotation_store import AnnotationStore, reopen
from napari_unet.errors import InputError
from napari_unet.models.model_file import save_model
from napari_unet.samples import draw_sample
from napari_unet.widgets._dock import Dock
from napari_unet.widgets._form import SettingsForm
from napari_unet.widgets._session import HOME_VARIABLE
from napari_unet.widgets.annotating.annotation import Annotation
from napari_unet.widgets.annotating.autosave import wait_for_closing
from napari_unet.widgets.annotating.book import book_of
from napari_unet.widgets.annotating.offers import RestoreOffer
from napari_unet.widgets.train import TrainWidget
from napari_unet.widgets.training.setup import StartBox
from networks import random_model
from person import QUICK, Person, make_quick

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari.viewer import Viewer

N_SEEDS, N_EVENTS = 5, 400
DOCKS = ("Annotate", "Weight map", "Train", "Segment", "Batch", "Evaluate")
STACK = draw_sample("nuclei", (3, 64, 64))
MOST_LAYERS = 12


class RandomPerson(Person):
    """Does one thing after the other, and remembers what it was.

    Attributes
    ----------
    trail
        What was done.
    left
        Stores and pixels of the annotations that were deleted, as they were then.
    """

    def __init__(self, viewer: Viewer, qtbot: Any, seed: int) -> None:
        super().__init__(viewer, qtbot)
        self.trail: list[str] = []
        self.left: list[tuple[AnnotationStore, np.ndarray]] = []
        self._random = random.Random(seed)
        self._ways: dict[Callable[[], str], int] = {
            self._press: 40,
            self._choose: 12,
            self._turn_tab: 3,
            self._stroke: 12,
            self._press_key: 8,
            self._move_slider: 5,
            self._rename: 3,
            self._select: 6,
            self._remove: 3,
            self._add: 4,
            self._close_dock: 3,
            self._open_dock: 8,
            self._switch_theme: 1,
            self._rest: 6,
        }

    def act(self) -> None:
        """Do one thing."""
        way = self._random.choices(list(self._ways), list(self._ways.values()))[0]
        self.trail.append(way.__name__)
        self.trail[-1] += f" {way()}"
        self._tame()
        self._qtbot.wait(1)

    def docks(self) -> list[Dock]:
        """Every dock that is open now."""
        return self.viewer.window._qt_window.findChildren(Dock)

    def close_all(self) -> None:
        """Close every dock."""
        for dock in self.docks():
            self.viewer.window.remove_dock_widget(dock)

    def _tame(self) -> None:
        """Keep networks small in docks that have been opened since."""
        for dock in self.docks():
            if isinstance(dock, TrainWidget) and not dock.property("tame"):
                make_quick(dock)
                dock.setProperty("tame", True)

    def _within(self, kind: type[QWidget]) -> Any:
        """Something of a kind that can be used now; None: there is nothing."""
        parts = [part for dock in self.docks() for part in dock.findChildren(kind)]
        usable = [part for part in parts if part.isVisible() and part.isEnabled() and not _is_wild(part)]
        return self._random.choice(usable) if usable else None

    def _press(self) -> str:
        button = self._within(QAbstractButton)
        if button is None:
            return ""
        text = button.text() or button.toolTip()
        self.click(button)
        return text

    def _choose(self) -> str:
        box = self._within(QComboBox)
        if box is None or not box.count():
            return ""
        box.setCurrentIndex(self._random.randrange(box.count()))
        return f"{type(box).__name__} {box.currentText()}"

    def _turn_tab(self) -> str:
        tabs = self._within(QTabWidget)
        if tabs is not None:
            tabs.setCurrentIndex(self._random.randrange(tabs.count()))
        return ""

    def _stroke(self) -> str:
        if not len(self.viewer.layers):
            return ""
        points = [(self._random.uniform(0, 63), self._random.uniform(0, 63)) for _ in range(3)]
        self.drag(*points)
        return f"{self.viewer.layers.selection.active} {points}"

    def _press_key(self) -> str:
        key = self._random.choice("NBOERZY")
        canvas = self.viewer.window._qt_viewer.canvas.native
        self._qtbot.keyClick(canvas, getattr(Qt.Key, f"Key_{key}"), Qt.KeyboardModifier.ShiftModifier)
        return key

    def _move_slider(self) -> str:
        dims = self.viewer.dims
        axis = self._random.randrange(dims.ndim)
        dims.set_current_step(axis, self._random.randrange(max(int(dims.nsteps[axis]), 1)))
        return str(dims.current_step)

    def _rename(self) -> str:
        layer = self._layer()
        if layer is not None:
            layer.name = f"named {self._random.randrange(99)}"
        return str(layer)

    def _select(self) -> str:
        layer = self._layer()
        if layer is not None:
            self.viewer.layers.selection.active = layer
        return str(layer)

    def _remove(self) -> str:
        layer = self._layer()
        if layer is None:
            return ""
        self.left += [entry for entry in painted(self.viewer) if entry[1] is layer.data]
        self.viewer.layers.remove(layer)
        return str(layer)

    def _add(self) -> str:
        if len(self.viewer.layers) > MOST_LAYERS:
            return "enough"
        number = self._random.randrange(4)
        if number == 0:
            return str(self.viewer.add_image(STACK.image, name="stack"))
        if number == 1:
            return str(self.viewer.add_image(STACK.image[0], name="plane"))
        if number == 2:
            return str(self.viewer.add_labels(STACK.labels.copy(), name="truth"))
        return str(self.viewer.add_labels(np.zeros((64, 64), np.uint8), name="empty"))

    def _close_dock(self) -> str:
        docks = self.docks()
        if not docks:
            return ""
        dock = self._random.choice(docks)
        self.viewer.window.remove_dock_widget(dock)
        return type(dock).__name__

    def _open_dock(self) -> str:
        name = self._random.choice(DOCKS)
        self.open(name)
        return name

    def _switch_theme(self) -> str:
        self.viewer.theme = "light" if self.viewer.theme == "dark" else "dark"
        return self.viewer.theme

    def _rest(self) -> str:
        self._qtbot.wait(self._random.randrange(200))
        return ""

    def _layer(self) -> Any:
        return self._random.choice(list(self.viewer.layers)) if len(self.viewer.layers) else None


def painted(viewer: Viewer) -> list[tuple[AnnotationStore, np.ndarray]]:
    """Where the annotations of a viewer are stored, and their pixels."""
    annotations = book_of(viewer).findChildren(Annotation)
    return [(annotation._autosave.store, annotation.layer.data) for annotation in annotations]


def _is_wild(part: QWidget) -> bool:
    """Whether something makes a network large, deletes files for good, or shows a menu, which waits for the mouse."""
    if isinstance(part, StartBox) or (isinstance(part, QPushButton | QToolButton) and part.menu() is not None):
        return True
    above: Any = part
    while not isinstance(above, SettingsForm | RestoreOffer | Dock):
        above = above.parentWidget()
    if isinstance(above, SettingsForm):
        names = [name for name, editor in above.editors.items() if editor is part or editor.isAncestorOf(part)]
        return bool(names) and names[0].startswith(("model.", "training.", "tiling."))
    return isinstance(above, RestoreOffer) and part is above.delete


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture(autouse=True)
def _no_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw nothing: Mesa crashes where layers come and go quickly, with this plugin or without."""
    monkeypatch.setattr(SceneCanvas, "_draw_scene", lambda *_, **__: None)


@pytest.fixture(autouse=True)
def _dialogs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every dialog be answered at once."""
    images = tmp_path / "images"
    images.mkdir()
    for number in range(2):
        tifffile.imwrite(images / f"{number}.tif", draw_sample("nuclei", (64, 64), seed=number).image)
    (tmp_path / "quick.toml").write_text(dump_recipe(parse_recipe(QUICK)))
    save_model(random_model(), tmp_path / "random.safetensors")

    def open_one(*given: Any, **options: Any) -> tuple[str, str]:
        wants_model = "model" in f"{given}{options}".lower()
        return str(tmp_path / ("random.safetensors" if wants_model else "quick.toml")), ""

    monkeypatch.setattr(QFileDialog, "getOpenFileName", open_one)
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: ([str(images / "0.tif")], ""))
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda _, __, name, ___: (str(tmp_path / name), ""))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(images))
    # magicgui holds on to the function itself: its dialog would wait for a person.
    monkeypatch.setitem(QFILE_DIALOG_MODES, FileDialogMode.EXISTING_DIRECTORY, lambda *_: str(images))
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda _: True)


def unexpected_errors() -> list[Any]:
    """Errors that napari was told of and that are no messages for a person."""
    records = [record for record in notification_manager.records if isinstance(record, ErrorNotification)]
    return [record.exception for record in records if not isinstance(record.exception, InputError)]


def is_working() -> bool:
    return any(thread.name.startswith("napari-unet") for thread in threading.enumerate())


# One run each time; all of them on demand.
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, N_SEEDS))])
def test_nothing_breaks_and_nothing_painted_is_lost(make_napari_viewer, qtbot, home: Path, seed: int) -> None:
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1366, 768)
    notification_manager.records.clear()
    viewer.add_image(STACK.image, name="stack")
    viewer.add_image(STACK.image[1], name="plane")
    person = RandomPerson(viewer, qtbot, seed)
    for name in DOCKS:
        person.open(name)
    person.click(person.open("Annotate").new)
    person.drag((20, 20), (40, 40))
    # Whatever comes of it later, there is something that can be lost.
    assert any(pixels.any() for _, pixels in painted(viewer))
    with qtbot.capture_exceptions() as exceptions:
        for _ in range(N_EVENTS):
            person.act()
            assert not exceptions and not unexpected_errors(), (exceptions, unexpected_errors(), person.trail[-30:])
        person.close_all()
        kept = person.left + painted(viewer)
        person.wait(lambda: not is_working())
        book_of(viewer).finish()
        wait_for_closing()
    assert not exceptions and not unexpected_errors()
    assert not person.docks()
    # An annotation that was restored after it was deleted goes on in the same folder.
    last = {store.folder: pixels for store, pixels in kept}
    for folder, pixels in last.items():
        assert np.array_equal(reopen(folder).read()[0], pixels) if folder else not pixels.any()
