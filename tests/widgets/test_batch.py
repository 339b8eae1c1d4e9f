"""The Batch dock: what it writes is what the command line writes, and nothing is lost, repeated or replaced."""

from __future__ import annotations

import shlex
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np
import pytest
import tifffile
from napari.utils.theme import get_theme
from npe2 import DynamicPlugin, PluginManager, PluginManifest
from qtpy.QtCore import QMimeData, QPointF, Qt, QUrl
from qtpy.QtGui import QColor, QDropEvent
from qtpy.QtWidgets import QApplication

from napari_unet.cli import main
from napari_unet.data.reading import Image, read_labels
from napari_unet.data.writing import write_float
from napari_unet.errors import InputError
from napari_unet.inference.events import Event, FileAdvanced, FileStarted
from napari_unet.inference.report import read_report
from napari_unet.models.model_file import save_model
from napari_unet.widgets._session import HOME_VARIABLE
from napari_unet.widgets.batch import BatchWidget
from napari_unet.widgets.batching.file_rows import Row, advance, summary
from napari_unet.widgets.batching.reading import find_images, read_any
from networks import random_model
from person import Person

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from napari.viewer import Viewer

WAIT_MS = 30_000
SPACING = {"Z": 2.0, "Y": 0.5, "X": 0.25}
NAME = "napari-unet-interactive"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model whose labels depend on every setting."""
    path = tmp_path_factory.mktemp("model") / "my cells.safetensors"
    save_model(random_model(), path)
    return path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with images, and a project folder elsewhere."""
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    images = tmp_path / "my images"
    for number, axes in ((1, "YX"), (2, "ZYX"), (10, "TYX")):
        write_image(images / f"img {number}.tif", axes, number)
    return images


def write_image(path: Path, axes: str, seed: int = 0) -> np.ndarray:
    shape = {"Y": 33, "X": 41, "Z": 3, "T": 2}
    image = np.random.default_rng(seed).random([shape[axis] for axis in axes]) * 100
    write_float(path, image, axes, {axis: size for axis, size in SPACING.items() if axis in axes})
    return image


@pytest.fixture
def dock(make_napari_viewer: Callable[..., Viewer], folder: Path, model: Path) -> BatchWidget:
    """The dock, with a model."""
    viewer = make_napari_viewer(show=True)
    widget = BatchWidget(viewer)
    viewer.window.add_dock_widget(widget, name="Batch")
    widget.session.set_model(model)
    return widget


def add(dock: BatchWidget, qtbot: Any, *places: Path) -> None:
    with qtbot.waitSignal(dock.files._finder.ended, timeout=WAIT_MS):
        dock.files.add(map(str, places))


def click(button: Any, qtbot: Any) -> None:
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def run(dock: BatchWidget, qtbot: Any) -> str:
    """Click the button, wait, and give the message."""
    click(dock.button, qtbot)
    wait(dock, qtbot)
    return dock.message.text()


def wait(dock: BatchWidget, qtbot: Any) -> None:
    qtbot.waitUntil(lambda: not dock.runner.is_running, timeout=WAIT_MS)


def test_it_rests_while_somebody_drags_in_the_image(dock: BatchWidget, folder: Path, qtbot) -> None:
    write_image(folder / "a.tif", "YX")
    dock.viewer.add_image(np.zeros((60, 60)))
    Person(dock.viewer, qtbot).drag((20, 20), (20, 40))
    assert dock._way.wait() > 0
    add(dock, qtbot, folder)
    dock._way.hold(1000)
    click(dock.button, qtbot)
    qtbot.wait(1500)
    assert dock.runner.is_running
    dock._way.hold(0)
    wait(dock, qtbot)
    assert "done" in dock.message.text()


def contrast(one: QColor, other: QColor) -> float:
    """Ratio of the luminances as people see them; text needs 3 at the very least."""

    def luminance(colour: QColor) -> float:
        return float(np.dot([0.2126, 0.7152, 0.0722], np.power(colour.getRgbF()[:3], 2.2)))

    dark, light = sorted(map(luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


def states(dock: BatchWidget) -> list[str]:
    return [row.state for row in dock.source.table.files.rows.values()]


def written(folder: Path) -> dict[str, np.ndarray]:
    return {file.name: tifffile.imread(file) for file in sorted(folder.glob("*.tif"))}


def assert_equal_files(one: Path, other: Path) -> None:
    files, others = written(one), written(other)
    assert files and files.keys() == others.keys()
    for name, labels in files.items():
        np.testing.assert_array_equal(labels, others[name])


def test_a_folder_is_segmented_and_the_command_shown_does_the_same(
    dock: BatchWidget, qtbot: Any, folder: Path, tmp_path: Path
) -> None:
    add(dock, qtbot, folder)
    assert [path.name for path in dock.files.files] == ["img 1.tif", "img 2.tif", "img 10.tif"]
    dock.form.editors["instances.threshold"].setValue(0.4)
    dock.form.editors["instances.min_size_px"].setValue(None)
    dock.form.editors["tiling.tile_px"].setValue(16)
    assert run(dock, qtbot) == "<p>3 done.</p>"
    assert states(dock) == ["done"] * 3
    assert max(labels.max() for labels in written(folder / "unet").values()) > 3
    click(dock.command.copy, qtbot)
    command = shlex.split(QApplication.clipboard().text())
    settings = "--tiling.tile-px 16 --instances.threshold 0.4 --instances.min-size-px none"
    assert command[:4] == ["napari-unet", "segment", str(dock.model.path), str(folder)]
    assert command[6:] == settings.split()
    command[command.index("-o") + 1] = str(tmp_path / "by command")
    assert main(command[1:]) == 0
    assert_equal_files(folder / "unet", tmp_path / "by command")


def test_the_command_names_just_the_files_of_the_table(dock: BatchWidget, qtbot: Any, folder: Path) -> None:
    add(dock, qtbot, folder)
    dock.files.table.selectRow(1)
    click(dock.files.remove, qtbot)
    images = shlex.split(dock.command.line.text())[3:-2]
    assert images == [str(folder / "img 1.tif"), str(folder / "img 10.tif")]
    dock.files.axes.setText("TYX")
    dock.files.axes.editingFinished.emit()
    dock.probabilities.setChecked(True)
    dock.again.setChecked(True)
    assert shlex.split(dock.command.line.text())[-4:] == ["--axes", "TYX", "--probabilities", "--again"]


def test_a_second_run_makes_nothing_twice(dock: BatchWidget, qtbot: Any, folder: Path) -> None:
    add(dock, qtbot, folder / "img 1.tif")
    run(dock, qtbot)
    before = (folder / "unet" / "img 1.tif").stat().st_mtime_ns
    add(dock, qtbot, folder)
    assert "2 done, 1 skipped" in run(dock, qtbot)
    assert states(dock) == ["skipped", "done", "done"]
    assert (folder / "unet" / "img 1.tif").stat().st_mtime_ns == before


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Opens the last image only when told to, so that one can be sure to be in the middle."""
    opened = threading.Event()

    def read(path: Path, axes: str | None) -> Image:
        assert path.name != "img 10.tif" or opened.wait(WAIT_MS / 1000)
        return read_any(path, axes)

    monkeypatch.setattr("napari_unet.widgets.batching.work.read_any", read)
    yield opened
    opened.set()


def test_cancelling_keeps_what_is_done_and_the_next_run_goes_on(
    dock: BatchWidget, qtbot: Any, folder: Path, tmp_path: Path, model: Path, gate: threading.Event
) -> None:
    add(dock, qtbot, folder)
    click(dock.button, qtbot)
    qtbot.waitUntil(lambda: states(dock) == ["done", "done", "waiting"], timeout=WAIT_MS)
    assert dock.button.text() == "Cancel"
    click(dock.button, qtbot)
    dock.files.table.selectRow(1)
    assert dock.button.text() == "Cancelling…" and not dock.button.isEnabled()
    gate.set()
    wait(dock, qtbot)
    assert dock.button.text() == "Segment files" and dock.button.isEnabled()
    assert states(dock) == ["done", "done", "waiting"]
    assert dock.message.text() == "<p>2 done, 1 still to do.</p>"
    assert len(written(folder / "unet")) == 2
    run(dock, qtbot)
    assert states(dock) == ["skipped", "skipped", "done"]
    assert main(["segment", str(model), str(folder), "-o", str(tmp_path / "straight")]) == 0
    assert_equal_files(folder / "unet", tmp_path / "straight")


def test_cancelling_leaves_a_large_plane_between_its_tiles(
    dock: BatchWidget, qtbot: Any, folder: Path, tmp_path: Path
) -> None:
    file = tmp_path / "large" / "plane.tif"
    write_float(file, np.random.default_rng(0).random((900, 900)), "YX", {})
    told: list[Event] = []
    dock.runner.arrived.connect(told.extend)
    dock.form.editors["tiling.tile_px"].setValue(16)
    add(dock, qtbot, file)
    click(dock.button, qtbot)
    (row,) = dock.files.table.files.rows.values()
    qtbot.waitUntil(lambda: row.share > 0, timeout=WAIT_MS)
    assert row.texts()[1].endswith("%")
    click(dock.button, qtbot)
    wait(dock, qtbot)
    assert {type(event) for event in told} == {FileStarted, FileAdvanced}
    assert states(dock) == ["waiting"] and not list((tmp_path / "large" / "unet").iterdir())


def test_a_failure_is_named_in_the_colour_of_errors_and_can_be_tried_again(
    dock: BatchWidget, qtbot: Any, folder: Path
) -> None:
    (folder / "img 2.tif").write_bytes(b"damaged")
    add(dock, qtbot, folder)
    assert "2 done, 1 failed (img 2.tif)" in run(dock, qtbot)
    assert dock._level == "warning"
    index = dock.files.table.model().index(1, 1)
    assert index.data() == "failed" and "img 2.tif" in index.data(Qt.ItemDataRole.ToolTipRole)
    dock.files.table.selectRow(1)
    assert "damaged" in dock.message.text()
    dock.files.table.selectRow(0)
    assert not dock.message.isVisibleTo(dock)
    dark = index.data(Qt.ItemDataRole.ForegroundRole)
    dock.viewer.theme = "light"
    light = index.data(Qt.ItemDataRole.ForegroundRole)
    for theme, colour in (("dark", dark), ("light", light)):
        ground = QColor(get_theme(theme).foreground.as_hex())
        assert contrast(colour, ground) > 3.5 and colour.red() > 1.4 * colour.green()
    write_image(folder / "img 2.tif", "YX")
    click(dock.retry_button, qtbot)
    wait(dock, qtbot)
    assert states(dock) == ["done"] * 3 and dock.message.text() == "<p>1 done.</p>"
    assert not dock.retry_button.isEnabled()


def test_a_done_row_opens_image_and_labels_in_their_size(dock: BatchWidget, qtbot: Any, folder: Path) -> None:
    add(dock, qtbot, folder)
    run(dock, qtbot)
    for _ in range(2):
        index = dock.files.table.model().index(1, 0)
        place = dock.files.table.visualRect(index).center()
        qtbot.mouseClick(dock.files.table.viewport(), Qt.MouseButton.LeftButton, pos=place)
        qtbot.mouseDClick(dock.files.table.viewport(), Qt.MouseButton.LeftButton, pos=place)
        qtbot.waitUntil(lambda: len(dock.viewer.layers) == 2 and not dock._opener.is_running, timeout=WAIT_MS)
    image, labels = dock.viewer.layers
    np.testing.assert_array_equal(labels.data, written(folder / "unet")["img 2.tif"])
    assert image.data.shape == labels.data.shape == (3, 33, 41)
    assert image.axis_labels == labels.axis_labels == ("z", "y", "x")
    assert np.allclose(image.scale, tuple(SPACING.values())) and np.allclose(labels.scale, image.scale)
    assert {str(unit) for unit in labels.units} == {"micrometer"}


def test_a_loaded_lazy_layer_is_written_in_its_own_axes(dock: BatchWidget, qtbot: Any, folder: Path) -> None:
    stack = tifffile.imread(folder / "img 2.tif")
    layer = dock.viewer.add_image(
        da.from_array(stack, chunks=(1, 33, 41)),
        name="a/b.c",
        scale=(2, 0.5, 0.25),
        units=("um",) * 3,
        axis_labels=("t", "y", "x"),
    )
    dock.tabs.setCurrentWidget(dock.layer)
    assert dock.button.text() == "Segment layer"
    assert dock.layer.layer is layer and not dock.command.copy.isEnabled()
    dock.output.line.setText(str(folder / "out"))
    assert run(dock, qtbot) == "<p>1 done.</p>"
    (file,) = (folder / "out").glob("*.tif")
    labels = read_labels(file)
    assert (labels.axes, labels.spacing) == ("TYX", {"Y": 0.5, "X": 0.25})
    dock.layer.table.selectRow(0)
    click(dock.open_button, qtbot)
    qtbot.waitUntil(lambda: len(dock.viewer.layers) == 2, timeout=WAIT_MS)
    shown = dock.viewer.layers[1]
    np.testing.assert_array_equal(shown.data, np.asarray(labels.data)[:, 0, 0])
    assert np.array_equal(shown.scale, layer.scale) and shown.units == layer.units
    assert shown.axis_labels == layer.axis_labels
    shown.data[0, 0, 0] += 1
    corrected = shown.data.copy()
    click(dock.open_button, qtbot)
    qtbot.waitUntil(lambda: len(dock.viewer.layers) == 3, timeout=WAIT_MS)
    np.testing.assert_array_equal(shown.data, corrected)
    # A layer may have changed in memory, so it is always made anew.
    assert run(dock, qtbot) == "<p>1 done.</p>"
    dock.viewer.layers.remove(layer)
    assert dock.layer.files == []


def test_the_file_a_layer_was_opened_from_is_not_replaced(dock: BatchWidget, qtbot: Any, folder: Path) -> None:
    file = folder / "img 1.tif"
    before = file.read_bytes()
    dock.viewer.open(file, plugin="napari")
    dock.tabs.setCurrentWidget(dock.layer)
    assert dock.output.folder == folder / "unet"
    dock.output.line.setText(str(folder))
    assert "would overwrite the image" in run(dock, qtbot)
    assert file.read_bytes() == before


def forget_model(dock: BatchWidget, folder: Path) -> None:
    dock.session.set_model(folder / "none.safetensors")


def lose_model(dock: BatchWidget, folder: Path) -> None:
    path = folder / "lost.safetensors"
    save_model(random_model(), path)
    dock.session.set_model(path)
    path.unlink()


def block_output(dock: BatchWidget, folder: Path) -> None:
    (folder / "unet").touch()


def write_over_images(dock: BatchWidget, folder: Path) -> None:
    dock.output.line.setText(str(folder))


def name_no_axes(dock: BatchWidget, folder: Path) -> None:
    dock.files.axes.setText("ABC")


def remove_files(dock: BatchWidget, folder: Path) -> None:
    dock.files.table.selectAll()
    dock.files.remove_selected()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (forget_model, "no such model file"),
        (lose_model, "no such model file"),
        (block_output, "choose another output folder"),
        (write_over_images, "would overwrite the image"),
        (name_no_axes, "cannot be used"),
        (remove_files, "Add the images first"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_written(
    dock: BatchWidget, qtbot: Any, folder: Path, spoil: Callable[[BatchWidget, Path], None], message: str
) -> None:
    add(dock, qtbot, folder)
    spoil(dock, folder)
    before = {path: path.read_bytes() for path in folder.parent.rglob("*") if path.is_file()}
    assert message in run(dock, qtbot)
    assert dock._level == "error"
    assert set(states(dock)) <= {"waiting"} and dock.button.text() == "Segment files"
    assert {path: path.read_bytes() for path in folder.parent.rglob("*") if path.is_file()} == before


@pytest.fixture
def foreign() -> Iterator[Callable[[Any], None]]:
    """Install a reader of files that end in ``.made``, and say what it gives."""
    with DynamicPlugin("made-reader") as plugin:

        def install(give: Any) -> None:
            @plugin.contribute.reader(filename_patterns=["*.made"], id="made-reader.read")
            def get_reader(path: str) -> Any:
                return lambda paths: give(paths)

        yield install


def read_made(path: str) -> list[Any]:
    image = np.load(path, allow_pickle=False)
    return [(image, {"axis_labels": ("t", "y", "x"), "scale": (1, 0.5, 0.5), "units": ("s", "um", "um")}, "image")]


def save_made(path: Path, image: np.ndarray) -> None:
    with path.open("wb") as file:
        np.save(file, image)


def test_files_come_through_any_reader_installed_in_napari(
    dock: BatchWidget, qtbot: Any, folder: Path, foreign: Callable[[Any], None]
) -> None:
    foreign(read_made)
    series = tifffile.imread(folder / "img 10.tif")
    save_made(folder / "series.made", series)
    (folder / "bad.made").write_text("no numbers")
    (folder / "notes.txt").write_text("not an image")
    add(dock, qtbot, folder)
    assert [path.name for path in dock.files.files[3:]] == ["bad.made", "series.made"]
    assert "4 done, 1 failed (bad.made)" in run(dock, qtbot)
    assert "made-reader" in read_report(folder / "unet")["bad.tif"].message
    labels = read_labels(folder / "unet" / "series.tif")
    assert (labels.axes, labels.spacing) == ("TYX", {"Y": 0.5, "X": 0.5})
    np.testing.assert_array_equal(labels.data, read_labels(folder / "unet" / "img 10.tif").data)
    assert "made" not in dock.command.line.text()
    dock.open_row(dock.files.table.files.rows[folder / "series.made"])
    qtbot.waitUntil(lambda: len(dock.viewer.layers) == 2, timeout=WAIT_MS)
    assert dock.viewer.layers[0].axis_labels == ("t", "y", "x")


IMAGE = np.arange(2 * 40 * 50, dtype=np.float32).reshape(2, 40, 50)
LAYERS: dict[str, tuple[list[Any], str, tuple[int, ...]]] = {
    "plain": ([(IMAGE,)], "ZYX", (1, 1, 2, 40, 50)),
    "channels": ([(IMAGE, {"channel_axis": 0})], "CYX", (1, 2, 1, 40, 50)),
    "last channel": ([(np.moveaxis(IMAGE, 0, 2), {"channel_axis": -1}, "image")], "YXC", (1, 2, 1, 40, 50)),
    "split channels": ([(IMAGE[0],), (IMAGE[1],)], "CYX", (1, 2, 1, 40, 50)),
    "pyramid": ([([IMAGE, IMAGE[:, ::2, ::2]], {"multiscale": True})], "ZYX", (1, 1, 2, 40, 50)),
    "transparent": ([(np.zeros((40, 50, 4), np.uint8), {"rgb": True})], "YXC", (1, 3, 1, 40, 50)),
    "lazy": ([(da.from_array(IMAGE), {"axis_labels": ["T", "Y", "X"]})], "TYX", (2, 1, 1, 40, 50)),
    "with labels": ([(IMAGE[0],), (IMAGE[0].astype(int), {}, "labels")], "YX", (1, 1, 1, 40, 50)),
}


@pytest.mark.parametrize(("layers", "axes", "shape"), LAYERS.values(), ids=LAYERS)
def test_layers_of_a_reader_are_understood(
    layers: list[Any], axes: str, shape: tuple[int, ...], foreign: Callable[[Any], None], tmp_path: Path
) -> None:
    foreign(lambda _: layers)
    (tmp_path / "a.made").touch()
    image = read_any(tmp_path / "a.made")
    assert (image.axes, image.shape) == (axes, shape)
    assert image.guessed is (axes.strip("C") != "YX" and "axis_labels" not in str(layers))


@pytest.mark.parametrize(
    "layers", [[(None,)], [(IMAGE[0].astype(int), {}, "labels")], [(IMAGE[0],), (IMAGE[0, ::2],)], [(IMAGE[0, 0],)]]
)
def test_what_is_no_image_is_refused(layers: list[Any], foreign: Callable[[Any], None], tmp_path: Path) -> None:
    foreign(lambda _: layers)
    (tmp_path / "a.made").touch()
    with pytest.raises(InputError, match=r"a\.made"):
        read_any(tmp_path / "a.made")


def test_a_program_is_not_run_and_a_model_not_opened_as_an_image(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("raise SystemExit")
    (tmp_path / "a.safetensors").touch()
    for name in ("a.py", "a.safetensors"):
        with pytest.raises(InputError, match="no reader"):
            read_any(tmp_path / name)
    with pytest.raises(InputError, match="holds no image"):
        find_images(str(tmp_path))


def test_files_can_be_dropped_and_written_as_a_pattern(dock: BatchWidget, qtbot: Any, folder: Path) -> None:
    content = QMimeData()
    content.setUrls([QUrl.fromLocalFile(str(folder / "img 2.tif"))])
    action, button = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    with qtbot.waitSignal(dock.files._finder.ended, timeout=WAIT_MS):
        dock.files.table.dropEvent(QDropEvent(QPointF(5, 5), action, content, button, Qt.KeyboardModifier.NoModifier))
    with qtbot.waitSignal(dock.files._finder.ended, timeout=WAIT_MS):
        qtbot.keyClicks(dock.files.place, str(folder / "img 1*.tif"))
        qtbot.keyClick(dock.files.place, Qt.Key.Key_Return)
    assert [path.name for path in dock.files.files] == ["img 2.tif", "img 1.tif", "img 10.tif"]
    assert shlex.split(dock.command.line.text())[3:5] == [str(folder / "img 2.tif"), str(folder / "img 1*.tif")]
    add(dock, qtbot, Path("nowhere/*.tif"))
    assert "no file, folder or match" in dock.message.text()
    dock.files.add([])
    assert dock.message.isVisibleTo(dock)
    add(dock, qtbot, folder)
    assert not dock.message.isVisibleTo(dock)


def test_the_table_sorts_by_number_and_shows_the_right_row(dock: BatchWidget, qtbot: Any, folder: Path) -> None:
    add(dock, qtbot, folder)
    run(dock, qtbot)
    table = dock.files.table
    table.sortByColumn(2, Qt.SortOrder.DescendingOrder)
    shown = [int(table.model().index(row, 2).data()) for row in range(3)]
    assert shown == sorted(shown, reverse=True) and len(set(map(len, map(str, shown)))) > 1
    table.selectRow(0)
    assert table.selected()[0].n_cells == shown[0]
    qtbot.keyClick(table, Qt.Key.Key_Delete)
    assert len(dock.files.files) == 2


def test_it_opens_from_the_menu_and_is_narrow(make_napari_viewer: Callable[..., Viewer], folder: Path) -> None:
    manager = PluginManager.instance()
    if NAME not in manager:
        manager.register(PluginManifest.from_distribution(NAME))
    viewer = make_napari_viewer(show=True)
    _, widget = viewer.window.add_plugin_dock_widget(NAME, "Batch")
    assert isinstance(widget, BatchWidget)
    assert widget.minimumSizeHint().width() <= 420
    viewer.add_image(np.zeros((9, 9)))
    widget.tabs.setCurrentWidget(widget.layer)
    assert widget.output.folder.is_relative_to(folder.parent / "home")


def test_closing_the_viewer_in_the_middle_keeps_what_is_done(
    dock: BatchWidget, qtbot: Any, folder: Path, gate: threading.Event
) -> None:
    add(dock, qtbot, folder)
    click(dock.button, qtbot)
    qtbot.waitUntil(lambda: states(dock).count("done") == 2, timeout=WAIT_MS)
    (stream,) = dock.runner._streams
    dock.viewer.close()
    stream.stop()
    gate.set()
    assert stream.wait(WAIT_MS / 1000)
    assert set(read_report(folder / "unet")) == set(written(folder / "unet")) == {"img 1.tif", "img 2.tif"}


@pytest.mark.parametrize("meanwhile", ["Delete", "tab"])
def test_what_is_running_stays_in_its_table(
    dock: BatchWidget, qtbot: Any, folder: Path, gate: threading.Event, meanwhile: str
) -> None:
    add(dock, qtbot, folder)
    click(dock.button, qtbot)
    qtbot.waitUntil(lambda: states(dock).count("done") == 2, timeout=WAIT_MS)
    if meanwhile == "Delete":
        dock.files.table.selectAll()
        qtbot.keyClick(dock.files.table, Qt.Key.Key_Delete)
    else:
        assert not dock.tabs.isTabEnabled(1)
        dock.tabs.setCurrentIndex(1)
    gate.set()
    wait(dock, qtbot)
    assert [row.state for row in dock.files.table.files.rows.values()] == ["done"] * 3
    assert dock.message.text() == "<p>3 done.</p>"
    assert dock.tabs.isTabEnabled(0) and dock.tabs.isTabEnabled(1)


def test_rows_in_words() -> None:
    rows = [Row(Path(f"{name}.tif"), "failed") for name in "abcde"]
    assert summary(rows)[0] == "0 done, 5 failed (a.tif, b.tif, c.tif and 2 more)."
    half = [Row(Path("a"), "done"), Row(Path("b"), "skipped"), Row(Path("c"), "running", predicted=0.5), Row(Path("d"))]
    share, text = advance(half, 30)
    assert (share, text) == (2.5 / 4, "2 of 4 files, 30 s left")
    assert advance([Row(Path("a"), "skipped")], 1) == (1.0, "1 of 1 files")
