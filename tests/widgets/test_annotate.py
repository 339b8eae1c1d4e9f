"""Painting with the mouse: counted, soon on the disk, undone in any plane, and back after a kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from napari.utils.action_manager import action_manager
from napari.utils.key_bindings import coerce_keybinding
from napari.utils.shortcuts import default_shortcuts
from npe2 import PluginManager, PluginManifest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import QDockWidget

from napari_unet.data.annotation_note import read_note
from napari_unet.data.annotation_search import find_annotations
from napari_unet.data.annotation_store import AnnotationStore, reopen
from napari_unet.samples import draw_sample
from napari_unet.widgets._dock import open_dock
from napari_unet.widgets._layers import read_scheme, scheme_metadata, show_result
from napari_unet.widgets._project import linked_image
from napari_unet.widgets._session import HOME_VARIABLE, session_of
from napari_unet.widgets.annotate import AnnotateWidget
from napari_unet.widgets.annotating import autosave
from napari_unet.widgets.annotating.rectangle import fill_rest
from napari_unet.widgets.annotating.tools import TOOLS
from napari_unet.widgets.segmenting.result import RESULT
from napari_unet.widgets.training.live import PREVIEW

if TYPE_CHECKING:
    from pathlib import Path

    from napari.layers import Image, Labels
    from napari.viewer import Viewer

    from napari_unet.data.annotation_note import AnnotationNote

SHAPE = (3, 64, 64)
IMAGE = draw_sample("nuclei", SHAPE).image
WAIT_MS = 10_000


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    return tmp_path


@pytest.fixture
def viewer(make_napari_viewer, home) -> Viewer:
    return make_napari_viewer(show=True)


def dock(viewer: Viewer) -> AnnotateWidget:
    widget = AnnotateWidget(viewer)
    viewer.window.add_dock_widget(widget, name="Annotate")
    return widget


@pytest.fixture
def widget(viewer) -> AnnotateWidget:
    """A dock with an empty annotation on a stack."""
    viewer.add_image(IMAGE, name="nuclei", axis_labels=("z", "y", "x"))
    widget = dock(viewer)
    widget.new.click()
    return widget


def layer_of(widget: AnnotateWidget) -> Labels:
    assert widget.annotation is not None
    return widget.annotation.layer


def canvas_point(viewer: Viewer, place: tuple[float, float]) -> QPoint:
    """Where a pixel (Y, X) is on the canvas, in the window's pixels."""
    view = viewer.window._qt_viewer.canvas.view
    x, y = view.scene.transform.map([place[1], place[0], 0, 1])[:2]
    return QPoint(round(x), round(y))


def drag(viewer: Viewer, places: list[tuple[float, float]], qtbot) -> None:
    """Press the mouse at the first place, move over the others, and release it at the last."""
    native = viewer.window._qt_viewer.canvas.native
    points = [canvas_point(viewer, place) for place in places]
    qtbot.wait(50)
    qtbot.mouseMove(native, points[0])
    qtbot.mousePress(native, Qt.MouseButton.LeftButton, pos=points[0])
    for point in points[1:]:
        qtbot.mouseMove(native, point)
        qtbot.wait(10)
    qtbot.mouseRelease(native, Qt.MouseButton.LeftButton, pos=points[-1])
    qtbot.wait(10)


def click(widget: AnnotateWidget, tool: str, qtbot) -> None:
    qtbot.mouseClick(widget.tools.buttons[tool], Qt.MouseButton.LeftButton)


def remove(viewer: Viewer, layer: Labels, qtbot) -> None:
    """Remove a layer; napari 0.9 with Mesa crashes while it draws if the brush was on it."""
    layer.mode = "pan_zoom"
    qtbot.wait(50)
    viewer.layers.remove(layer)


def stored(home: Path) -> np.ndarray | None:
    """What the disk has of the only annotation."""
    folders = [file.parent for file in home.glob("*/annotations/*/annotation.json")]
    return reopen(folders[0]).read()[0] if len(folders) == 1 else None


def wait_until_saved(widget: AnnotateWidget, home: Path, qtbot) -> None:
    wanted = layer_of(widget).data.copy()
    qtbot.waitUntil(lambda: widget.annotation.is_saved and np.array_equal(stored(home), wanted), timeout=WAIT_MS)


def test_a_new_layer_is_ready_for_the_first_cell(widget) -> None:
    layer = layer_of(widget)
    assert (layer.name, layer.data.shape, layer.mode, layer.selected_label) == ("nuclei_painted", SHAPE, "paint", 2)
    assert widget.viewer.layers.selection.active is layer and widget.labels.value is layer
    assert read_scheme(layer) == "sparse"
    assert not np.array_equal(layer.get_color(1), layer.get_color(50))
    assert "cell 2" in widget.brush.text()


def test_a_layer_that_a_training_writes_is_not_painted_in(viewer) -> None:
    image = viewer.add_image(IMAGE[0], name="nuclei")
    preview = show_result(viewer, image, np.zeros((1, 1, 1, 64, 64), np.int32), PREVIEW, "YX")
    painted = viewer.add_labels(np.zeros((64, 64), np.int32), name="painted", metadata=scheme_metadata("sparse"))
    result = show_result(viewer, image, np.zeros((1, 1, 1, 64, 64), np.int32), RESULT, "YX")
    viewer.layers.selection.active = preview
    widget = dock(viewer)
    assert widget.labels.choices == (painted, result) and widget.annotation.layer is painted


def test_an_image_that_comes_later_can_be_trained_with(viewer) -> None:
    viewer.add_labels(np.zeros((64, 64), np.int32), name="painted", metadata=scheme_metadata("sparse"))
    widget = dock(viewer)
    assert widget.annotation is not None and not widget.train.isEnabled()
    viewer.add_image(IMAGE[0], name="nuclei")
    assert widget.train.isEnabled()


def test_nothing_is_painted_before_it_is_known_which_numbers_there_are(viewer, widget, monkeypatch) -> None:
    layer, kind = layer_of(widget), type(widget.annotation)
    with monkeypatch.context() as uncounted:
        uncounted.setattr(kind, "is_counted", property(lambda annotation: False))
        widget.hand.take_new_cell()
        widget.hand.catch_up()
        assert (layer.mode, widget.hand.tool_in_use()) == ("pan_zoom", "")
    widget.hand.catch_up()
    assert (layer.mode, layer.selected_label) == ("paint", 2)


@pytest.mark.parametrize(
    ("data", "options", "shape"),
    [
        (np.zeros((8, 9, 3), np.uint8), {"rgb": True}, (8, 9)),
        (np.zeros((2, 8, 9)), {"axis_labels": ("c", "y", "x")}, (8, 9)),
        (da.zeros((100, 4000, 4000)), {"axis_labels": ("t", "y", "x"), "contrast_limits": (0, 1)}, (100, 4000, 4000)),
        ([np.zeros((8, 8)), np.zeros((4, 4))], {"multiscale": True, "translate": (3, 4), "rotate": 20}, (8, 8)),
    ],
)
def test_a_new_layer_lies_on_any_image(viewer, data, options, shape) -> None:
    image = viewer.add_image(data, **options)
    widget = dock(viewer)
    widget.new.click()
    layer = layer_of(widget)
    assert layer.data.shape == shape and widget.annotation.is_counted
    assert np.allclose(layer.data_to_world((3,) * layer.ndim)[-2:], image.data_to_world((3,) * image.ndim)[-2:])


def test_a_stroke_that_is_counted_before_it_ends_is_counted_once(viewer, widget, home, qtbot) -> None:
    layer, canvas = layer_of(widget), viewer.window._qt_viewer.canvas.native
    qtbot.wait(50)
    points = [canvas_point(viewer, place) for place in ((20, 20), (20, 40), (30, 40))]
    qtbot.mouseMove(canvas, points[0])
    qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, pos=points[0])
    layer.refresh()
    qtbot.waitUntil(lambda: np.array_equal(stored(home), layer.data), timeout=WAIT_MS)
    # Long enough for the window to hear what was counted.
    qtbot.wait(200)
    n_before = (stored(home) == 2).sum()
    qtbot.mouseMove(canvas, points[2])
    qtbot.wait(10)
    qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=points[2])
    assert widget.annotation.tally().cell_px == (layer.data == 2).sum() > n_before
    wait_until_saved(widget, home, qtbot)
    assert widget.annotation.tally().cell_px == (layer.data == 2).sum()


def test_a_stroke_is_counted_and_saved(viewer, widget, home, qtbot) -> None:
    viewer.dims.set_current_step(0, 1)
    drag(viewer, [(20, 20), (20, 40), (30, 40)], qtbot)
    click(widget, "background", qtbot)
    drag(viewer, [(50, 10), (50, 50)], qtbot)
    click(widget, "new_cell", qtbot)
    layer = layer_of(widget)
    assert layer.selected_label == 3 and set(np.unique(layer.data[1])) == {0, 1, 2}
    here, everywhere = widget.annotation.tally((1,)), widget.annotation.tally()
    assert here == everywhere and here.n_cells == 1
    assert (here.cell_px, here.background_px) == ((layer.data == 2).sum(), (layer.data == 1).sum())
    assert widget.annotation.tally((0,)).n_cells == 0
    wait_until_saved(widget, home, qtbot)
    assert "Saved" in widget.saved.text.text()
    for edit in (layer.undo, layer.redo, lambda: layer.fill((1, 0, 0), 7)):
        edit()
        wait_until_saved(widget, home, qtbot)
        assert widget.annotation.tally().cell_px == (layer.data > 1).sum()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a priority belongs to the whole program")
def test_what_was_painted_does_not_wait_for_a_training(viewer, widget, home, qtbot, monkeypatch) -> None:
    """The writer has the rank of the window: behind a training and other programs a stroke would be lost by a kill."""
    ranks, write_plane = [], AnnotationStore.write_plane

    def look(store: AnnotationStore, *arguments: Any) -> dict[int, int]:
        ranks.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
        return write_plane(store, *arguments)

    monkeypatch.setattr(AnnotationStore, "write_plane", look)
    drag(viewer, [(20, 20), (25, 25)], qtbot)
    wait_until_saved(widget, home, qtbot)
    assert set(ranks) == {os.getpriority(os.PRIO_PROCESS, threading.get_native_id())}


def test_data_of_other_programs_is_saved_too(widget, home, qtbot) -> None:
    layer = layer_of(widget)
    layer.data = np.arange(np.prod(SHAPE)).reshape(SHAPE).astype(np.uint16) % 5
    wait_until_saved(widget, home, qtbot)
    assert widget.annotation.tally().n_cells == 3 and not widget.annotation.history.done
    layer.data[1, 3] = 9
    layer.refresh()
    qtbot.waitUntil(lambda: stored(home)[1, 3, 3] == 9, timeout=WAIT_MS)
    layer.data = np.full((5, 6), 2, np.int32)
    qtbot.waitUntil(lambda: len(list(home.glob("*/annotations/*/annotation.json"))) == 2, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: widget.annotation.tally().cell_px == 30, timeout=WAIT_MS)


def test_the_rest_of_a_rectangle_is_background_and_ctrl_z_undoes_it(viewer, widget, qtbot) -> None:
    layer = layer_of(widget)
    drag(viewer, [(20, 20), (25, 25)], qtbot)
    before = layer.data.copy()
    click(widget, "rest", qtbot)
    assert widget.hand.tool_in_use() == "rest"
    drag(viewer, [(10, 10), (30, 25), (40, 50)], qtbot)
    qtbot.waitUntil(lambda: len(viewer.layers) == 2)
    z = viewer.dims.current_step[0]
    filled = np.argwhere(layer.data != before)
    assert set(filled[:, 0]) == {z} and np.abs(filled.min(axis=0)[1:] - 10).max() <= 1
    assert np.abs(filled.max(axis=0)[1:] - (40, 50)).max() <= 1
    low, high = filled.min(axis=0), filled.max(axis=0) + 1
    expected = before.copy()
    region = expected[z, low[1] : high[1], low[2] : high[2]]
    region[region == 0] = 1
    assert np.array_equal(layer.data, expected)
    assert viewer.layers.selection.active is layer and layer.mode == "paint"
    qtbot.keyClick(viewer.window._qt_viewer, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert np.array_equal(layer.data, before)
    assert len(widget.annotation.history.done) == 1


def test_a_dock_closed_amid_a_rectangle_leaves_no_layer(viewer, widget, qtbot) -> None:
    click(widget, "rest", qtbot)
    frame = viewer.layers[-1]
    viewer.window.remove_dock_widget(widget)
    assert frame not in viewer.layers and len(viewer.layers) == 2


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(-5, 20), min_size=4, max_size=4), st.integers(0, 1))
def test_a_rectangle_fills_the_pixels_whose_middle_it_holds(corners, z) -> None:
    from napari.layers import Labels

    layer = Labels(np.random.default_rng(0).integers(0, 3, (2, 12, 14)))
    (top, bottom), (left, right) = sorted(corners[:2]), sorted(corners[2:])
    y, x = np.mgrid[:12, :14]
    inside = (y >= top) & (y <= bottom) & (x >= left) & (x <= right)
    expected = layer.data.copy()
    expected[z][inside & (expected[z] == 0)] = 1
    fill_rest(layer, np.array([[z, top, left], [z, top, right], [z, bottom, right], [z, bottom, left]]))
    assert np.array_equal(layer.data, expected)


def test_undo_goes_to_the_plane_of_the_stroke(viewer, widget, qtbot) -> None:
    layer, states = layer_of(widget), []
    for z in (0, 2):
        viewer.dims.set_current_step(0, z)
        states.append(layer.data.copy())
        drag(viewer, [(20, 20), (30, 30 + z)], qtbot)
    viewer.dims.set_current_step(0, 1)
    for z in (2, 0):
        click(widget, "undo", qtbot)
        assert viewer.dims.current_step[0] == z
        assert np.array_equal(layer.data, states.pop())
    assert not widget.tools.buttons["undo"].isEnabled()
    viewer.dims.set_current_step(0, 1)
    click(widget, "redo", qtbot)
    assert viewer.dims.current_step[0] == 0 and layer.data[0].any() and not layer.data[2].any()


ACTIONS = ["paint", "undo", "redo", "napari undo", "napari redo", "slice", "3D"]


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 63)), max_size=30))
def test_strokes_and_both_undos_replay_like_snapshots(viewer, actions) -> None:
    viewer.layers.clear()
    viewer.dims.ndisplay = 2
    viewer.add_image(IMAGE, axis_labels=("z", "y", "x"))
    widget = dock(viewer)
    widget.new.click()
    layer, snapshots, now = layer_of(widget), [np.zeros(SHAPE)], 0
    for action, number in actions:
        if action == "paint" and viewer.dims.ndisplay == 2:
            before = layer.data.copy()
            layer.paint((viewer.dims.current_step[0], number, 63 - number), 2 + number % 3)
            if not np.array_equal(before, layer.data):
                snapshots[now + 1 :] = [layer.data.copy()]
                now += 1
        elif action == "slice":
            viewer.dims.set_current_step(0, number % 3)
        elif action == "3D":
            viewer.dims.ndisplay = 5 - viewer.dims.ndisplay
        elif action.startswith("napari") and viewer.dims.ndisplay == 2:
            before = layer.data.copy()
            getattr(layer, action.split()[1])()
            if not np.array_equal(before, layer.data):
                now += -1 if action.endswith("undo") else 1
        elif action in ("undo", "redo"):
            getattr(widget.annotation, action)()
            now = max(now - 1, 0) if action == "undo" else min(now + 1, len(snapshots) - 1)
        assert np.array_equal(layer.data, snapshots[now])
    viewer.window.remove_dock_widget(widget)


def test_keys_shadow_none_of_naparis(viewer, widget, qtbot) -> None:
    ours = {coerce_keybinding(tool.key) for tools in TOOLS for tool in tools}
    theirs = {binding for bindings in default_shortcuts.values() for binding in bindings}
    theirs |= {key for layer in viewer.layers for keymap in (layer.keymap, layer.class_keymap) for key in keymap}
    theirs |= {coerce_keybinding(key) for keys in action_manager._shortcuts.values() for key in keys}
    assert len(ours) == sum(map(len, TOOLS)) and not ours & theirs
    assert ours <= set(viewer.keymap)
    for key, tool in ((Qt.Key.Key_B, "background"), (Qt.Key.Key_E, "erase"), (Qt.Key.Key_O, "outline")):
        qtbot.keyClick(viewer.window._qt_viewer, key, Qt.KeyboardModifier.ShiftModifier)
        assert widget.hand.tool_in_use() == tool


def test_a_layer_without_a_scheme_is_asked_about_once(viewer, home, qtbot) -> None:
    viewer.add_image(IMAGE)
    painted = np.zeros(SHAPE, np.int32)
    painted[1, 5:9, 5:9] = 4
    layer = viewer.add_labels(painted.copy())
    widget = dock(viewer)
    assert not widget.question.isHidden() and widget.annotation is None
    assert not widget.tools.buttons["new_cell"].isEnabled()
    widget.question.answers["dense"].click()
    assert read_scheme(layer) == "dense" and widget.question.isHidden()
    wait_until_saved(widget, home, qtbot)
    assert widget.annotation.tally().n_cells == 1 and widget.annotation.tally((1,)).background_px == 64 * 64 - 16
    assert not widget.tools.buttons["rest"].isEnabled()
    widget.tools.buttons["new_cell"].click()
    assert layer.selected_label == 5
    assert np.array_equal(layer.data, painted)
    assert dock(viewer).question.isHidden()


def test_a_layer_on_the_disk_is_refused(viewer) -> None:
    viewer.add_image(IMAGE)
    viewer.add_labels(da.zeros(SHAPE, dtype=int))
    widget = dock(viewer)
    assert widget.annotation is None and "not held in memory" in widget.message.text()


def test_a_full_type_is_told(viewer, qtbot) -> None:
    viewer.add_image(IMAGE)
    viewer.add_labels(np.full(SHAPE, 255, np.uint8))
    widget = dock(viewer)
    widget.question.answers["sparse"].click()
    qtbot.waitUntil(lambda: widget.annotation.is_counted, timeout=WAIT_MS)
    widget.tools.buttons["new_cell"].click()
    assert "no room for cell 256" in widget.message.text()


def test_a_disk_that_cannot_be_written_is_told_and_tried_again(widget, home, qtbot, monkeypatch) -> None:
    monkeypatch.setattr(autosave, "_RETRY_MS", 100)
    write = AnnotationStore.write_plane

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device", "plane.tif")

    monkeypatch.setattr(AnnotationStore, "write_plane", full)
    layer_of(widget).paint((1, 20, 20), 2)
    qtbot.waitUntil(lambda: "No space left" in widget.saved.text.text(), timeout=WAIT_MS)
    layer_of(widget).paint((2, 20, 20), 2)
    monkeypatch.setattr(AnnotationStore, "write_plane", write)
    wait_until_saved(widget, home, qtbot)
    assert "Not saved" not in widget.saved.text.text()


def test_a_deleted_layer_stays_on_the_disk_and_is_offered(viewer, widget, home, qtbot) -> None:
    layer = layer_of(widget)
    drag(viewer, [(20, 20), (30, 30)], qtbot)
    painted = layer.data.copy()
    layer.name = "mine"
    remove(viewer, layer, qtbot)
    qtbot.waitUntil(widget.offer.isVisible, timeout=WAIT_MS)
    assert widget.annotation is None and "1 cell painted in 'mine'" in widget.offer.text.text().replace("&#x27;", "'")
    widget.offer.restore.click()
    qtbot.waitUntil(lambda: widget.annotation is not None, timeout=WAIT_MS)
    assert np.array_equal(layer_of(widget).data, painted) and layer_of(widget).name == "mine"
    assert not widget.offer.isVisible()
    layer_of(widget).paint((0, 40, 40), 5)
    wait_until_saved(widget, home, qtbot)


def test_nothing_is_deleted_without_asking_twice(viewer, widget, home, qtbot) -> None:
    layer_of(widget).paint((1, 20, 20), 2)
    remove(viewer, layer_of(widget), qtbot)
    qtbot.waitUntil(widget.offer.isVisible, timeout=WAIT_MS)
    offer = widget.offer
    offer.delete.click()
    offer.later.click()
    assert offer.isVisible() and offer.restore.isVisible()
    offer.delete.click()
    assert len(find_annotations(home)) == 1
    offer.delete.click()
    assert not offer.isVisible() and find_annotations(home) == []


def test_several_annotations_of_two_viewers(make_napari_viewer, home, qtbot) -> None:
    docks = []
    for _ in range(2):
        viewer = make_napari_viewer()
        viewer.add_image(IMAGE, name="nuclei", axis_labels=("z", "y", "x"))
        docks.append(dock(viewer))
        for number in (2, 3):
            docks[-1].new.click()
            layer_of(docks[-1]).paint((1, 20, 20 * number), number)
    qtbot.waitUntil(lambda: len(list(home.glob("*/annotations/*/annotation.json"))) == 4, timeout=WAIT_MS)
    assert find_annotations(home) == []
    for each in docks:
        each.viewer.close()
    autosave.wait_for_closing()
    assert sorted(note.closed for _, note in find_annotations(home)) == [True] * 4


def test_the_pair_goes_to_the_training_in_a_tab_beside(viewer, home, qtbot) -> None:
    viewer.add_image(IMAGE, axis_labels=("z", "y", "x"))
    widget = open_dock(viewer, "Annotate")
    widget.new.click()
    widget.train.click()
    assert session_of(viewer).suggested_pair() == (widget.image.value, layer_of(widget))
    train = viewer.window.dock_widgets["Train (napari-unet-interactive)"]
    (pair,) = train.setup.pairs.pairs()
    assert (pair.image, pair.labels) == (widget.image.value, layer_of(widget))
    frames = [frame for frame in viewer.window._qt_window.findChildren(QDockWidget) if frame.isAncestorOf(train)]
    assert [frame.isAncestorOf(widget) for frame in viewer.window._qt_window.tabifiedDockWidgets(*frames)] == [True]


def add_painted(viewer: Viewer, name: str, shape: tuple[int, ...] = (64, 64)) -> tuple[Image, Labels]:
    """An image, and labels in the sparse scheme that nobody linked to it."""
    image = viewer.add_image(np.zeros(shape), name=name)
    labels = np.full(shape, 2, np.int32)
    return image, viewer.add_labels(labels, name=f"{name}_painted", metadata=scheme_metadata("sparse"))


def note_of(home: Path, name: str) -> AnnotationNote | None:
    """What the disk says of an annotation."""
    folders = [file.parent for file in home.glob(f"*/annotations/{name}*/annotation.json")]
    return read_note(folders[0]) if folders else None


def test_what_is_shown_is_what_is_trained_on_and_saved(viewer, home, qtbot) -> None:
    first, first_labels = add_painted(viewer, "first")
    second, second_labels = add_painted(viewer, "second")
    third = viewer.add_image(np.zeros((64, 64)), name="third")
    widget = open_dock(viewer, "Annotate")
    train = open_dock(viewer, "Train")
    for layer, image in ((first_labels, first), (second_labels, second)):
        widget.labels.value = layer
        assert widget.image.value is image
    for image in (third, first, third):
        widget.image.value = image
        layer = widget.labels.value
        widget.train.click()
        assert (widget.image.value, widget.labels.value) == (image, layer)
        assert session_of(viewer).suggested_pair() == (image, layer)
        (pair,) = train.setup.pairs.pairs()
        assert (pair.image, pair.labels) == (image, layer)
    assert linked_image(viewer, layer) is third

    def says_third() -> bool:
        note = note_of(home, layer.name)
        return note is not None and note.image_name == "third"

    qtbot.waitUntil(says_third, timeout=WAIT_MS)


def test_an_annotation_that_was_only_seen_beside_another_image_keeps_its_own(viewer) -> None:
    first = viewer.add_image(np.zeros((64, 64)), name="first")
    second = viewer.add_image(np.zeros((64, 64)), name="second")
    widget = dock(viewer)
    widget.image.value = first
    widget.new.click()
    layer = layer_of(widget)
    widget.image.value = second
    assert linked_image(viewer, layer) is second
    widget.new.click()
    assert linked_image(viewer, layer) is first and linked_image(viewer, layer_of(widget)) is second
    viewer.layers.remove(layer_of(widget))
    assert layer_of(widget) is layer and widget.image.value is first
    widget.image.value = second
    layer.paint((5, 5), 3)
    viewer.layers.remove(second)
    # What was painted on it does not go over to an image that nobody chose.
    assert widget.image.value is first and linked_image(viewer, layer) is None


def test_an_annotation_is_linked_to_its_image_that_was_opened_again(viewer) -> None:
    first = viewer.add_image(np.zeros((64, 64)), name="first")
    second = viewer.add_image(np.zeros((64, 64)), name="second")
    widget = dock(viewer)
    layers = []
    for image in (first, second):
        widget.image.value = image
        widget.new.click()
        layers.append(layer_of(widget))
    viewer.layers.remove(first)
    again = viewer.add_image(np.zeros((64, 64)), name="first")
    widget.image.value = again
    widget.labels.value = layers[0]
    layers[0].paint((5, 5), 3)
    widget.image.value = second
    assert layer_of(widget) is layers[1]
    widget.image.value = again
    assert layer_of(widget) is layers[0]
    assert [linked_image(viewer, layer) for layer in layers] == [again, second]


def test_what_is_learnt_from_next_is_shown(viewer) -> None:
    image, labels = add_painted(viewer, "one", (64, 64))
    add_painted(viewer, "two", (64, 64))
    widget = dock(viewer)
    widget.labels.value = viewer.layers["two_painted"]
    session_of(viewer).suggest_pair(image, labels)
    assert widget.image.value is image and layer_of(widget) is labels


def test_only_an_image_that_fits_is_linked(viewer) -> None:
    stack = viewer.add_image(IMAGE, name="stack", axis_labels=("z", "y", "x"))
    plane, labels = add_painted(viewer, "plane", (32, 48))
    widget = dock(viewer)
    assert widget.image.value is plane and linked_image(viewer, labels) is plane
    widget.image.value = stack
    assert "does not fit" in widget.message.text() and not widget.train.isEnabled()
    assert linked_image(viewer, labels) is plane
    widget.image.value = plane
    assert not widget.message.isVisible() and widget.train.isEnabled()


def test_axes_that_are_corrected_remake_an_annotation_only_while_it_is_empty(viewer, widget, qtbot) -> None:
    layer, image = layer_of(widget), viewer.layers["nuclei"]
    choose_axes(widget, "CYX")
    assert layer_of(widget) is layer and layer.data.shape == SHAPE[1:] and widget.train.isEnabled()
    assert np.allclose(layer.data_to_world((3, 5)), image.data_to_world((0, 3, 5))[1:])
    qtbot.waitUntil(lambda: widget.annotation.is_counted, timeout=WAIT_MS)
    choose_axes(widget, "ZYX")
    qtbot.waitUntil(lambda: widget.annotation.is_counted, timeout=WAIT_MS)
    assert layer.data.shape == SHAPE and not widget.message.isVisible()
    layer.paint((1, 20, 20), 2)
    painted = layer.data.copy()
    choose_axes(widget, "CYX")
    assert "does not fit the image" in widget.message.text() and "axes CYX" in widget.message.text()
    assert not widget.train.isEnabled() and np.array_equal(layer.data, painted)
    choose_axes(widget, "ZYX")
    assert not widget.message.isVisible() and widget.train.isEnabled()


def choose_axes(widget: AnnotateWidget, axes: str) -> None:
    """Choose a reading in the box, as a person does."""
    index = widget.axes.findData(axes)
    widget.axes.setCurrentIndex(index)
    widget.axes.activated.emit(index)


def test_it_opens_from_the_menu(viewer, home, qtbot) -> None:
    name, manager = "napari-unet-interactive", PluginManager.instance()
    if name not in manager:
        manager.register(PluginManifest.from_distribution(name))
    viewer.add_image(IMAGE, axis_labels=("z", "y", "x"))
    _, widget = viewer.window.add_plugin_dock_widget(name, "Annotate")
    widget.new.click()
    viewer.layers[-1].paint((1, 20, 20), 2)
    widget.tools.buttons["rest"].click()
    viewer.layers[-1].add(np.array([[1, 5, 5], [1, 5, 9], [1, 9, 9], [1, 9, 5]]), shape_type="rectangle")
    qtbot.waitUntil(lambda: len(viewer.layers) == 2)
    assert (viewer.layers[-1].data == 1).sum() == 25
    widget.tools.buttons["undo"].click()
    widget.tools.buttons["undo"].click()
    assert not viewer.layers[-1].data.any()


SCRIPT = textwrap.dedent(
    """
    import os, signal, sys, napari, tifffile
    from qtpy.QtCore import QTimer
    from napari_unet.widgets.annotate import AnnotateWidget

    viewer = napari.Viewer()
    viewer.open(sys.argv[1], layer_type="image")
    viewer.layers[0].scale = (2, 0.5, 0.5)
    widget = AnnotateWidget(viewer)
    viewer.window.add_dock_widget(widget)
    widget.new.click()
    viewer.layers[-1].paint((1, 20, 20), 2)
    timer = QTimer(interval=10)
    timer.timeout.connect(lambda: widget.annotation.is_saved and os.kill(os.getpid(), signal.SIGKILL))
    timer.start()
    napari.run()
    """
)


def test_after_a_kill_the_next_start_brings_it_back(viewer, home, qtbot) -> None:
    import tifffile

    file = home / "x.tif"
    tifffile.imwrite(file, IMAGE, photometric="minisblack")
    done = subprocess.run([sys.executable, "-c", SCRIPT, str(file)], check=False, timeout=120)
    assert done.returncode == -signal.SIGKILL
    widget = dock(viewer)
    qtbot.waitUntil(widget.offer.isVisible, timeout=WAIT_MS)
    text = widget.offer.text.text()
    assert "1 cell" in text and "x.tif" in text and "not closed properly" in text
    widget.offer.restore.click()
    qtbot.waitUntil(lambda: widget.annotation is not None, timeout=WAIT_MS)
    image, layer = viewer.layers
    assert image.source.path == str(file) and np.array_equal(image.data, IMAGE)
    qtbot.waitUntil(lambda: (layer.mode, layer.selected_label) == ("paint", 3), timeout=WAIT_MS)
    assert widget.train.isEnabled()
    assert widget.image.value is image and layer.data[1, 20, 20] == 2 and np.allclose(layer.scale, (2, 0.5, 0.5))
    (folder,) = home.glob("*/annotations/*")
    assert session_of(viewer).project == folder.parent.parent
    qtbot.waitUntil(lambda: widget.annotation.is_saved, timeout=WAIT_MS)
    assert find_annotations(home) == [] and threading.active_count() < 20
