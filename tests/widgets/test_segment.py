"""The dock *Segment* in a real viewer: the right pixels, on the right place, and true words about them."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np
import pytest
from napari.layers import Labels
from napari.utils.notifications import notification_manager
from qtpy.QtCore import QMimeData, QPointF, Qt, QUrl
from qtpy.QtGui import QDropEvent
from qtpy.QtWidgets import QLabel

from boxes import assert_same_cells, draw_boxes
from napari_unet.axes import to_canonical
from napari_unet.config.tiling import TilingConfig
from napari_unet.config.training import WORKING_DIAMETER_PX
from napari_unet.geometry import AxisGeometry
from napari_unet.inference.predictor import Predictor
from napari_unet.inference.segment import Segmenter
from napari_unet.inference.tiling import plan_tiles
from napari_unet.models.card import read_card
from napari_unet.models.model_file import load_model, save_model
from napari_unet.widgets._layers import find_result, read_scheme, result_axes
from napari_unet.widgets._session import HOME_VARIABLE
from napari_unet.widgets.segment import SegmentWidget
from napari_unet.widgets.segmenting.result import RESULT
from napari_unet.widgets.segmenting.takeover import find_annotation
from napari_unet.widgets.segmenting.tiling_check import DIFFERENCE
from napari_unet.widgets.segmenting.wanted import FIELD, SLICE, STACK, describe
from networks import brightness_model, random_model
from person import Person

if TYPE_CHECKING:
    from pathlib import Path

    from napari.layers import Image
    from napari.viewer import Viewer

WAIT_MS = 30_000
#: Tiles that a plane of the noise takes.
N_TILES = len(plan_tiles((70, 90), (AxisGeometry(2),) * 2, 16))
NOISE = np.random.default_rng(3).integers(0, 100, (3, 70, 90), np.uint8)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))


@pytest.fixture
def viewer(make_napari_viewer) -> Viewer:
    return make_napari_viewer(show=True)


def save(path: Path, model: Any) -> Path:
    save_model(model, path)
    return path


@pytest.fixture
def noisy(tmp_path: Path) -> Path:
    return save(tmp_path / "noisy.safetensors", random_model())


@pytest.fixture
def bright(tmp_path: Path) -> Path:
    return save(tmp_path / "bright.safetensors", brightness_model())


def dock(viewer: Viewer, model: Path | None, part: str = SLICE, tile_px: int = 16) -> SegmentWidget:
    widget = SegmentWidget(viewer)
    viewer.window.add_dock_widget(widget, name="Segment")
    if model is not None:
        widget.session.set_model(model)
    widget.wanted.part.setCurrentIndex(widget.wanted.part.findData(part))
    widget.wanted.form.editors["tiling.tile_px"].setValue(tile_px)
    return widget


def click(widget: SegmentWidget, qtbot) -> None:
    qtbot.mouseClick(widget.button, Qt.MouseButton.LeftButton)


def run(widget: SegmentWidget, qtbot) -> None:
    click(widget, qtbot)
    wait(widget, qtbot)


def wait(widget: SegmentWidget, qtbot) -> None:
    qtbot.waitUntil(lambda: not widget.runner.is_running, timeout=WAIT_MS)


def result_of(viewer: Viewer, image: Image) -> Labels:
    layer = find_result(viewer, image, RESULT)
    assert isinstance(layer, Labels)
    return layer


def expected(model: Path, image: np.ndarray) -> np.ndarray:
    segmenter = Segmenter(load_model(model), TilingConfig(tile_px=16))
    return np.stack([plane.labels for plane in segmenter.planes(to_canonical(image, "ZYX"))])


class Gate:
    """Lets the network predict so many tiles, and then wait."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        true, self._tiles = Predictor._predict_tile, threading.Semaphore(0)

        def predict(*arguments: Any) -> Any:
            assert self._tiles.acquire(timeout=WAIT_MS / 1000)
            return true(*arguments)

        monkeypatch.setattr(Predictor, "_predict_tile", predict)

    def open(self, n_tiles: int = 10_000) -> None:
        self._tiles.release(n_tiles)


CASES = [
    *[("YX", "numpy"), ("ZYX", "dask"), ("TYX", "numpy"), ("TZYX", "numpy"), ("CYX", "numpy"), ("TCYX", "numpy")],
    *[("YXC", "numpy"), ("YX", "multiscale"), ("ZYX", "multiscale")],
]


def as_stored(pixels: np.ndarray, storage: str) -> dict[str, Any]:
    if storage == "multiscale":
        return {"data": [pixels, pixels[..., ::2, ::2]], "multiscale": True}
    return {"data": da.from_array(pixels, chunks=8) if storage == "dask" else pixels}


def test_it_rests_while_somebody_drags_in_the_image(viewer: Viewer, noisy: Path, qtbot) -> None:
    viewer.add_image(NOISE[0])
    widget = dock(viewer, noisy)
    Person(viewer, qtbot).drag((20, 20), (20, 40))
    assert widget._way.wait() > 0
    widget._way.hold(1000)
    click(widget, qtbot)
    qtbot.waitUntil(lambda: find_result(viewer, viewer.layers[0], RESULT) is not None, timeout=WAIT_MS)
    qtbot.wait(300)
    assert widget.runner.is_running
    assert not result_of(viewer, viewer.layers[0]).data.any()
    widget._way.hold(0)
    wait(widget, qtbot)
    assert result_of(viewer, viewer.layers[0]).data.any()


@pytest.mark.parametrize(("axes", "storage"), CASES)
def test_the_result_lies_on_its_source(viewer: Viewer, qtbot, tmp_path: Path, axes: str, storage: str) -> None:
    """Anisotropic, moved and turned layers of all kinds."""
    boxes = draw_boxes(axes.replace("C", ""))
    pixels = np.stack([boxes // 2, boxes, boxes // 3], axes.index("C")) if "C" in axes else boxes
    rgb, n_channels = axes == "YXC", 3 if "C" in axes else 1
    ndim = len(axes) - rgb
    placement = {"scale": [3.0] * (ndim - 2) + [0.4, 0.5], "translate": [7.5] * ndim, "rotate": _turn(ndim, 30)}
    image = viewer.add_image(
        **as_stored(pixels, storage), **placement, name="field", rgb=rgb, axis_labels=tuple(axes[:ndim].lower())
    )
    model = save(tmp_path / "model.safetensors", brightness_model(n_channels, read=n_channels // 2))
    widget = dock(viewer, model, STACK if boxes.ndim > 2 else SLICE)
    run(widget, qtbot)
    layer = result_of(viewer, image)
    assert layer.name == "field_unet" and "cells found" in widget.message.text()
    assert_same_cells(np.asarray(layer.data).reshape(boxes.shape), boxes, axes.replace("C", ""))
    corner = np.zeros(ndim)
    corner[[axes.index("Y"), axes.index("X")]] = boxes.shape[-2:]
    for index in (np.zeros(ndim), corner):
        found = layer.world_to_data(image.data_to_world(index))
        np.testing.assert_allclose(found[-2:], index[[axes.index("Y"), axes.index("X")]], atol=1e-9)


def _turn(ndim: int, degrees: float) -> np.ndarray:
    matrix, angle = np.eye(ndim), np.deg2rad(degrees)
    matrix[-2:, -2:] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    return matrix


def test_a_slice_a_stack_and_again_in_the_same_layer(viewer: Viewer, qtbot, noisy: Path) -> None:
    image = viewer.add_image(NOISE, name="noise", axis_labels=("z", "y", "x"))
    viewer.dims.set_current_step(0, 1)
    widget = dock(viewer, noisy)
    run(widget, qtbot)
    layer, right = result_of(viewer, image), expected(noisy, NOISE)
    assert np.array_equal(layer.data[1], right[1]) and not layer.data[[0, 2]].any()
    assert f"{right[1].max():,} cells found" in widget.message.text()
    widget.wanted.part.setCurrentIndex(widget.wanted.part.findData(STACK))
    run(widget, qtbot)
    assert result_of(viewer, image) is layer and np.array_equal(layer.data, right)
    assert "3 planes" in widget.message.text()
    assert [each.name for each in viewer.layers] == ["noise", "noise_unet"]
    assert layer.editable and viewer.layers.selection.active is image


def test_the_field_in_view_leaves_the_rest(viewer: Viewer, qtbot, noisy: Path) -> None:
    image = viewer.add_image(NOISE, axis_labels=("z", "y", "x"))
    viewer.dims.set_current_step(0, 0)
    widget = dock(viewer, noisy)
    run(widget, qtbot)
    layer = result_of(viewer, image)
    before = layer.data.copy()
    getattr(viewer, "scene", viewer).camera.zoom *= 3
    qtbot.wait(200)
    widget.wanted.part.setCurrentIndex(widget.wanted.part.findData(FIELD))
    box = widget.wanted.request().rectangle
    assert box is not None and 0 < (box[1].stop - box[1].start) < 90
    run(widget, qtbot)
    inside = np.zeros((70, 90), bool)
    inside[box] = True
    assert np.array_equal(layer.data[0][~inside], before[0][~inside])
    assert layer.data[0][inside].max() > before[0][~inside].max()
    assert "cut where the field ends" in widget.message.text()


def test_it_fills_while_one_watches_and_cancel_keeps_what_is_done(
    viewer: Viewer, qtbot, noisy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right, gate = expected(noisy, NOISE), Gate(monkeypatch)
    image = viewer.add_image(NOISE, axis_labels=("z", "y", "x"))
    viewer.dims.set_current_step(0, 0)
    widget = dock(viewer, noisy, STACK)
    click(widget, qtbot)
    assert widget.button.text() == "Cancel" and not widget.wanted.isEnabled()
    gate.open(7)

    def reached(z: int) -> bool:
        layer = find_result(viewer, image, RESULT)
        return layer is not None and bool(layer.data[z].any()) and "left" in widget.progress.text.text()

    qtbot.waitUntil(lambda: reached(0), timeout=WAIT_MS)
    layer = result_of(viewer, image)
    assert not layer.editable and not layer.data[0, -16:].any()
    assert "Plane 1 of 3" in widget.progress.text.text()
    gate.open(N_TILES)
    qtbot.waitUntil(lambda: reached(1) and "Plane 2 of 3" in widget.progress.text.text(), timeout=WAIT_MS)
    click(widget, qtbot)
    assert not widget.button.isEnabled()
    gate.open(1)
    wait(widget, qtbot)
    assert np.array_equal(layer.data[0], right[0]) and not layer.data[2].any()
    text = widget.message.text()
    assert "Cancelled. 1 of 3 planes are finished" in text and "z = 1 shows provisional" in text
    assert "others are empty" in text
    assert widget.button.text() == "Segment" and widget.button.isEnabled() and layer.editable


@pytest.mark.parametrize("which", ["image", "result"])
def test_a_layer_that_is_deleted_in_mid_run_ends_it(
    viewer: Viewer, qtbot, noisy: Path, monkeypatch: pytest.MonkeyPatch, which: str
) -> None:
    gate = Gate(monkeypatch)
    image = viewer.add_image(NOISE, name="noise")
    widget = dock(viewer, noisy, STACK)
    click(widget, qtbot)
    gate.open(3)
    qtbot.waitUntil(lambda: find_result(viewer, image, RESULT) is not None, timeout=WAIT_MS)
    viewer.layers.remove(image if which == "image" else result_of(viewer, image))
    gate.open()
    wait(widget, qtbot)
    assert "was deleted" in widget.message.text()
    assert (find_result(viewer, image, RESULT) is None) == (which == "result")


def test_closing_the_viewer_in_mid_run_ends_it(
    make_napari_viewer, qtbot, noisy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(monkeypatch)
    viewer = make_napari_viewer(show=True)
    viewer.add_image(NOISE)
    widget = dock(viewer, noisy, STACK)
    click(widget, qtbot)
    gate.open(3)
    qtbot.waitUntil(lambda: len(viewer.layers) == 2, timeout=WAIT_MS)
    stream = widget.runner._streams[0]
    viewer.close()
    gate.open()
    assert stream.wait(WAIT_MS / 1000)
    qtbot.wait(100)


def test_other_axes_in_mid_run_end_it(viewer: Viewer, qtbot, noisy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate(monkeypatch)
    image = viewer.add_image(NOISE)
    widget = dock(viewer, noisy, STACK)
    click(widget, qtbot)
    gate.open(3)
    qtbot.waitUntil(lambda: find_result(viewer, image, RESULT) is not None, timeout=WAIT_MS)
    image.axis_labels = ("t", "y", "x")
    gate.open()
    wait(widget, qtbot)
    assert "axes were changed" in widget.message.text()


@pytest.mark.parametrize("damage", ["deleted", "damaged"])
def test_a_model_that_cannot_be_read_changes_nothing(viewer: Viewer, qtbot, noisy: Path, damage: str) -> None:
    notification_manager.records.clear()
    image = viewer.add_image(NOISE)
    widget = dock(viewer, noisy)
    run(widget, qtbot)
    before = result_of(viewer, image).data.copy()
    if damage == "deleted":
        noisy.unlink()
    else:
        noisy.write_bytes(noisy.read_bytes()[:-9])
    run(widget, qtbot)
    assert np.array_equal(result_of(viewer, image).data, before)
    text = widget.message.text()
    assert not notification_manager.records
    assert "Nothing was changed" in text and ("no such model file" if damage == "deleted" else "damaged") in text


def test_what_does_not_fit_is_told_before_anything_starts(viewer: Viewer, qtbot, bright: Path) -> None:
    widget = dock(viewer, None)
    click(widget, qtbot)
    assert "no image" in widget.message.text()
    viewer.add_image(np.zeros((20, 20, 3), np.uint8), rgb=True, name="colour")
    click(widget, qtbot)
    assert "Train a model first" in widget.message.text()
    widget.session.set_model(bright)
    click(widget, qtbot)
    assert "colour picture with 3 channels" in widget.message.text() and "trained on 1" in widget.message.text()
    assert not widget.runner.is_running and len(viewer.layers) == 1


def test_that_there_is_no_model_is_said_once(viewer: Viewer, qtbot) -> None:
    widget = dock(viewer, None)
    qtbot.waitUntil(lambda: "no image" in widget.estimate.text())
    viewer.add_image(NOISE)
    qtbot.waitUntil(lambda: "no image" not in widget.estimate.text())
    shown = [label.text() for label in widget.findChildren(QLabel) if label.isVisible()]
    assert sum("Train a model first" in text for text in shown) == 1


def test_the_images_a_model_learnt_from_are_named_once(noisy: Path) -> None:
    planes = tuple(f"cells [t=0, z={z}]" for z in range(5))
    card = read_card(noisy).model_copy(update={"training_data": (*planes, "a", "b", "c")})
    assert "Learnt from cells (5 planes), a, b and 1 more<br>" in describe(card, noisy)


def test_the_model_and_its_settings_are_shown(viewer: Viewer, qtbot, bright: Path, tmp_path: Path) -> None:
    viewer.add_image(NOISE)
    widget = dock(viewer, bright)
    assert "Makes cells · 1 channel" in widget.wanted.summary.text()
    assert widget.wanted.form.recipe().instances == load_model(bright).card.recipe.instances
    qtbot.waitUntil(lambda: "tiles of up to 16 px on CPU" in widget.estimate.text(), timeout=WAIT_MS)
    classes = save(tmp_path / "classes.safetensors", brightness_model(n_classes=3, target="classes"))
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(classes))])
    actions, buttons = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    event = QDropEvent(QPointF(5, 5), actions, data, buttons, Qt.KeyboardModifier.NoModifier)
    widget.dropEvent(event)
    assert widget.session.model == classes and "Makes classes: class 0" in widget.wanted.summary.text()


def test_a_person_says_how_large_the_cells_are(viewer: Viewer, qtbot, bright: Path) -> None:
    viewer.add_image(NOISE)
    widget = dock(viewer, bright)
    diameter = widget.wanted.form.editors["tiling.cell_diameter_px"]
    assert widget.wanted.request().recipe.tiling.cell_diameter_px is None
    diameter.switch.click()
    # What is not known of a model starts at the size that networks like best.
    assert widget.wanted.request().recipe.tiling.cell_diameter_px == WORKING_DIAMETER_PX
    diameter.setValue(64)
    qtbot.waitUntil(lambda: "tiles of up to 32 px" in widget.estimate.text(), timeout=WAIT_MS)


def test_classes_with_probabilities(viewer: Viewer, qtbot, tmp_path: Path) -> None:
    image = viewer.add_image(NOISE[0] * 2, name="noise")
    widget = dock(viewer, save(tmp_path / "classes.safetensors", brightness_model(n_classes=3, target="classes")))
    widget.wanted.probabilities.setChecked(True)
    run(widget, qtbot)
    layers = viewer.layers
    assert [layer.name for layer in layers][1:] == [
        "noise_probability_class 1",
        "noise_probability_class 2",
        "noise_unet",
    ]
    labels = result_of(viewer, image).data
    assert labels.dtype == np.uint8 and (labels == 2).any()
    assert np.array_equal(labels == 2, layers["noise_probability_class 2"].data > 0.5)
    assert widget.wanted.image.choices == (image,)


def test_a_painted_result_is_kept(viewer: Viewer, qtbot, noisy: Path) -> None:
    image = viewer.add_image(NOISE, name="noise")
    viewer.dims.set_current_step(0, 0)
    widget = dock(viewer, noisy)
    run(widget, qtbot)
    painted = result_of(viewer, image)
    painted.paint((0, 30, 30), 999)
    before = painted.data.copy()
    run(widget, qtbot)
    assert result_of(viewer, image) is not painted and np.array_equal(painted.data, before)
    assert painted.name in widget.message.text()
    assert np.array_equal(result_of(viewer, image).data[0], expected(noisy, NOISE)[0])


def test_check_tiling_tells_the_numbers_and_shows_the_difference(viewer: Viewer, qtbot, noisy: Path) -> None:
    image = viewer.add_image(NOISE, axis_labels=("z", "y", "x"))
    viewer.dims.set_current_step(0, 2)
    widget = dock(viewer, noisy, STACK)
    qtbot.mouseClick(widget.check_button, Qt.MouseButton.LeftButton)
    wait(widget, qtbot)
    assert "0 of 6300 pixels differ" in widget.message.text()
    shown = find_result(viewer, image, DIFFERENCE)
    assert shown.data.shape == NOISE.shape and np.abs(shown.data).max() < 1e-6
    assert find_result(viewer, image, RESULT) is None


def test_correct_and_continue(viewer: Viewer, qtbot, noisy: Path) -> None:
    image = viewer.add_image(NOISE, axis_labels=("z", "y", "x"))
    widget = dock(viewer, noisy, STACK)
    qtbot.mouseClick(widget.correct_button, Qt.MouseButton.LeftButton)
    assert "no result yet" in widget.message.text()
    run(widget, qtbot)
    right = expected(noisy, NOISE)
    viewer.dims.set_current_step(0, 1)
    qtbot.mouseClick(widget.correct_button, Qt.MouseButton.LeftButton)
    wait(widget, qtbot)
    annotation = find_annotation(widget, image, "ZYX")
    assert np.array_equal(annotation.data[1], right[1] + 1) and not annotation.data[[0, 2]].any()
    assert read_scheme(annotation) == "sparse"
    train = viewer.window.dock_widgets["Train (napari-unet-interactive)"]
    assert train.isVisible() and "This plane is annotation now" in train.message.text()
    assert viewer.layers.selection.active is annotation and annotation.mode == "paint"
    assert widget.session.suggested_pair() == (image, annotation)
    annotation.paint((1, 20, 20), 0)
    annotation.paint((0, 20, 20), 4)
    painted = annotation.data.copy()
    viewer.dims.set_current_step(0, 0)
    qtbot.mouseClick(widget.correct_button, Qt.MouseButton.LeftButton)
    wait(widget, qtbot)
    assert find_annotation(widget, image, "ZYX") is annotation
    assert np.array_equal(annotation.data[painted > 0], painted[painted > 0])
    assert np.array_equal(annotation.data[1:], painted[1:])
    assert (annotation.data[0] > 0).mean() > 0.8


def test_what_is_not_finished_is_not_taken_over(viewer: Viewer, qtbot, noisy: Path) -> None:
    image = viewer.add_image(NOISE[0])
    widget = dock(viewer, noisy, FIELD)
    getattr(viewer, "scene", viewer).camera.zoom *= 3
    qtbot.wait(200)
    box = widget.wanted.request().rectangle
    run(widget, qtbot)
    qtbot.mouseClick(widget.correct_button, Qt.MouseButton.LeftButton)
    wait(widget, qtbot)
    annotated = find_annotation(widget, image, "YX").data
    inside = np.zeros(annotated.shape, bool)
    inside[box] = True
    assert np.array_equal(annotated > 0, inside)
    assert np.array_equal(annotated[inside] - 1, result_of(viewer, image).data[inside])


def test_napari_opens_it_from_the_menu(make_napari_viewer_proxy, qtbot, bright: Path) -> None:
    proxy = make_napari_viewer_proxy(show=True)
    image = proxy.add_image(draw_boxes("YX"))
    _, widget = proxy.window.add_plugin_dock_widget("napari-unet-interactive", "Segment")
    widget.session.set_model(bright)
    run(widget, qtbot)
    assert find_result(proxy, image, RESULT).data.max() > 0
    assert result_axes(widget.wanted.axes.axes) == "YX"
