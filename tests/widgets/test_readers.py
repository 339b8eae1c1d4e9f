"""Models and runs dropped on the viewer: they become current, their dock opens; foreign files are named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile
from napari.utils.notifications import notification_manager
from npe2 import PluginManager, PluginManifest
from qtpy.QtCore import QMimeData, QPointF, Qt, QUrl
from qtpy.QtGui import QDropEvent

from napari_unet.config.recipe import Recipe
from napari_unet.errors import InputError
from napari_unet.models.model_file import save_model
from napari_unet.training.record import RunRecord, save_record
from napari_unet.training.run_folder import RunFolder
from napari_unet.widgets import readers
from napari_unet.widgets._dock import PLUGIN
from napari_unet.widgets._session import HOME_VARIABLE, session_of
from networks import make_model

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def viewer(make_napari_viewer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "projects"))
    if PLUGIN not in PluginManager.instance():
        PluginManager.instance().register(PluginManifest.from_distribution(PLUGIN))
    return make_napari_viewer(show=True)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the docks that were opened, in order."""
    names: list[str] = []
    original = readers.open_dock

    def note(viewer: Any, name: str) -> Any:
        names.append(name)
        return original(viewer, name)

    monkeypatch.setattr(readers, "open_dock", note)
    return names


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    folder = RunFolder(tmp_path / "monday.run")
    folder.save_model(make_model(), best=False)
    folder.save_checkpoint({}, {"step": 3, "seconds": 1.0}, {})
    folder.save_inputs(Recipe(), [])
    save_record(folder.path, RunRecord(sources=()))
    return folder


def drop(viewer, path: Path) -> None:
    """Drop a file on the canvas, as from a file manager."""
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path))])
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    viewer.window._qt_viewer.dropEvent(QDropEvent(QPointF(9, 9), Qt.DropAction.CopyAction, mime, buttons, keys))


def last_message() -> tuple[str, str]:
    """How bad the last notification is, and what it says."""
    last = notification_manager.records[-1]
    return str(last.severity), last.message


def test_a_dropped_model_becomes_current_and_is_described(viewer, opened: list[str], tmp_path: Path) -> None:
    path = tmp_path / "cells.safetensors"
    save_model(make_model(in_channels=3), path)
    drop(viewer, path)
    assert session_of(viewer).model == path
    assert opened == ["Segment"]
    assert not viewer.layers
    level, message = last_message()
    assert level == "info" and message.startswith("Model cells.safetensors: finds cells in images of 3 channels;")


@pytest.mark.parametrize("file", ["", "checkpoint.safetensors"])
def test_a_run_is_offered_to_be_resumed(viewer, opened: list[str], run: RunFolder, file: str) -> None:
    viewer.open(run.path / file, plugin=PLUGIN)
    session = session_of(viewer)
    assert session.suggested_run() == run.path and session.model == run.last
    assert opened == ["Train"]
    assert last_message()[1].startswith("Run monday.run: finds cells in images of 1 channel;")


def test_a_run_of_the_command_line_is_opened_as_its_model(viewer, opened: list[str], run: RunFolder) -> None:
    (run.path / "pairs.json").unlink()
    viewer.open(run.path, plugin=PLUGIN)
    assert session_of(viewer).suggested_run() is None and session_of(viewer).model == run.last
    assert opened == ["Segment"]
    assert last_message()[1].startswith("Model monday.run: ")


def test_the_best_model_of_a_run_is_taken(viewer, opened: list[str], run: RunFolder) -> None:
    run.save_model(make_model(), best=True)
    viewer.open(run.path, plugin=PLUGIN)
    assert session_of(viewer).model == run.best


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("cells.pt", b"PK\x03\x04", "pickle"),
        ("cells.onnx", b"\x08\x07", "ONNX"),
        ("cells.safetensors", b"\x02\0\0\0\0\0\0\0{}", "another program"),
        ("cells.safetensors", b"", "damaged or cut short"),
    ],
)
def test_foreign_files_are_named_and_change_nothing(
    viewer, opened: list[str], tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    drop(viewer, path)
    level, text = last_message()
    assert level == "error" and message in text and str(path) in text
    assert session_of(viewer).model is None and opened == [] and not viewer.layers


def test_a_folder_of_images_is_left_to_others(viewer, tmp_path: Path) -> None:
    images = np.arange(128, dtype=np.uint8).reshape(2, 8, 8)
    for name, image in zip("ab", images, strict=True):
        tifffile.imwrite(tmp_path / f"{name}.tif", image)
    (layer,) = viewer.open(tmp_path, plugin=PLUGIN)
    assert np.array_equal(np.asarray(layer.data), images)


def test_without_a_window_there_is_a_message_too(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"napari_unet\.load_model"):
        readers._viewer()
