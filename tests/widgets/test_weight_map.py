"""The weight map in the viewer equals the one of the engine, whatever a person does to the labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.utils.notifications import notification_manager
from qtpy.QtCore import Qt

from napari_unet.config.weight_map import WeightMapConfig
from napari_unet.data.weight_map import weight_map
from napari_unet.samples import annotate_sparsely, draw_sample
from napari_unet.widgets._followed import WEIGHTS
from napari_unet.widgets._layers import find_result, scheme_metadata
from napari_unet.widgets.weight_map import WeightMapWidget

if TYPE_CHECKING:
    from napari.layers import Labels
    from napari.viewer import Viewer

WAIT_MS = 20_000
SAMPLE = draw_sample("nuclei", (96, 96))
PAINTED = annotate_sparsely(SAMPLE.labels, 3)


@pytest.fixture
def viewer(make_napari_viewer) -> Viewer:
    return make_napari_viewer(show=True)


def dock(viewer: Viewer) -> WeightMapWidget:
    widget = WeightMapWidget(viewer)
    viewer.window.add_dock_widget(widget, name="Weight map")
    return widget


def add_painted(viewer: Viewer, labels: np.ndarray = PAINTED, **options: Any) -> Labels:
    return viewer.add_labels(labels.copy(), name="painted", metadata=scheme_metadata("sparse"), **options)


def wait_for_weights(viewer: Viewer, layer: Labels, expected: np.ndarray, qtbot, place: tuple[int, ...] = ()) -> None:
    def agree() -> bool:
        shown = find_result(viewer, layer, WEIGHTS)
        return shown is not None and np.array_equal(np.asarray(shown.data[place]), expected)

    qtbot.waitUntil(agree, timeout=WAIT_MS)


def sparse_weights(labels: np.ndarray, **settings: Any) -> np.ndarray:
    return weight_map(labels, WeightMapConfig(**settings), scheme="sparse")


def test_it_starts_with_the_layer_that_is_there_and_its_scheme(viewer: Viewer, qtbot) -> None:
    layer = add_painted(viewer)
    widget = dock(viewer)
    assert widget.labels.value is layer
    assert widget.form.recipe().training.scheme == "sparse"
    assert find_result(viewer, layer, WEIGHTS) is None
    qtbot.mouseClick(widget.button, Qt.MouseButton.LeftButton)
    wait_for_weights(viewer, layer, sparse_weights(PAINTED), qtbot)
    shown = find_result(viewer, layer, WEIGHTS)
    assert shown.name == "painted_weights"
    assert shown.contrast_limits == pytest.approx([0, shown.data.max()])
    assert widget.axes.axes == widget.axes.currentText() == "YX"


def test_it_follows_brush_bucket_eraser_and_undo(viewer: Viewer, qtbot) -> None:
    layer = add_painted(viewer)
    widget = dock(viewer)
    widget.button.setChecked(True)
    wait_for_weights(viewer, layer, sparse_weights(PAINTED), qtbot)
    states = []
    for edit in (lambda: layer.paint((40, 40), 9), lambda: layer.fill((40, 40), 10), lambda: layer.paint((40, 42), 0)):
        edit()
        states.append(layer.data.copy())
        wait_for_weights(viewer, layer, sparse_weights(states[-1]), qtbot)
    layer.undo()
    assert np.array_equal(layer.data, states[1])
    wait_for_weights(viewer, layer, sparse_weights(states[1]), qtbot)
    assert viewer.layers.selection.active is layer


def test_settings_change_the_map(viewer: Viewer, qtbot) -> None:
    layer = add_painted(viewer)
    widget = dock(viewer)
    widget.button.setChecked(True)
    editors = widget.form.editors
    assert editors["weight_map.border_weight"].editor.value() == 10
    editors["weight_map.formula"].setValue("falk2019")
    assert editors["weight_map.border_weight"].editor.value() == 50
    wait_for_weights(viewer, layer, sparse_weights(PAINTED, formula="falk2019"), qtbot)
    editors["weight_map.border_width_px"].setValue(3.0)
    wait_for_weights(viewer, layer, sparse_weights(PAINTED, formula="falk2019", border_width_px=3.0), qtbot)


def test_the_scheme_is_asked_once_and_stored(viewer: Viewer, qtbot) -> None:
    layer = viewer.add_labels(SAMPLE.labels)
    widget = dock(viewer)
    widget.button.setChecked(True)
    wait_for_weights(viewer, layer, weight_map(SAMPLE.labels), qtbot)
    widget.form.editors["training.scheme"].setValue("sparse")
    wait_for_weights(viewer, layer, sparse_weights(SAMPLE.labels), qtbot)
    assert layer.metadata == scheme_metadata("sparse")


def test_each_plane_of_a_stack_has_its_map(viewer: Viewer, qtbot) -> None:
    stack = np.stack([PAINTED, PAINTED[::-1], PAINTED[:, ::-1]])
    layer = add_painted(viewer, stack, scale=(3, 1, 1), axis_labels=("z", "y", "x"))
    widget = dock(viewer)
    widget.button.setChecked(True)
    for z in (0, 2, 1):
        viewer.dims.set_current_step(0, z)
        wait_for_weights(viewer, layer, sparse_weights(stack[z]), qtbot, (z,))
    layer.paint((1, 30, 30), 12)
    wait_for_weights(viewer, layer, sparse_weights(layer.data[1]), qtbot, (1,))
    assert np.allclose(find_result(viewer, layer, WEIGHTS).scale, layer.scale)


def test_stop_leaves_the_layer_and_follows_no_longer(viewer: Viewer, qtbot) -> None:
    layer = add_painted(viewer)
    widget = dock(viewer)
    widget.button.setChecked(True)
    before = sparse_weights(PAINTED)
    wait_for_weights(viewer, layer, before, qtbot)
    widget.button.setChecked(False)
    layer.paint((40, 40), 9)
    qtbot.wait(200)
    assert np.array_equal(find_result(viewer, layer, WEIGHTS).data, before)


def test_a_deleted_layer_ends_it(viewer: Viewer, qtbot) -> None:
    layer = add_painted(viewer)
    widget = dock(viewer)
    widget.button.setChecked(True)
    viewer.layers.remove(layer)
    qtbot.wait(200)
    assert widget.labels.value is None and "no Labels layer yet" in widget.message.text()
    other = add_painted(viewer, PAINTED[:64])
    wait_for_weights(viewer, other, sparse_weights(PAINTED[:64]), qtbot)
    assert not widget.message.isVisibleTo(widget)


def test_other_pixels_in_the_layer_are_followed_too(viewer: Viewer, qtbot) -> None:
    notification_manager.records.clear()
    layer = add_painted(viewer)
    widget = dock(viewer)
    widget.button.setChecked(True)
    wait_for_weights(viewer, layer, sparse_weights(PAINTED), qtbot)
    for painted in (PAINTED[:64], PAINTED):
        layer.data = painted.copy()
        wait_for_weights(viewer, layer, sparse_weights(painted), qtbot)
    assert widget.button.isChecked() and not notification_manager.records


def test_deleting_the_weights_ends_it(viewer: Viewer, qtbot) -> None:
    layer = add_painted(viewer)
    widget = dock(viewer)
    widget.button.setChecked(True)
    wait_for_weights(viewer, layer, sparse_weights(PAINTED), qtbot)
    viewer.layers.remove(find_result(viewer, layer, WEIGHTS))
    assert not widget.button.isChecked() and widget.button.text() == "Show weight map"
    layer.paint((40, 40), 9)
    qtbot.wait(200)
    assert find_result(viewer, layer, WEIGHTS) is None


@pytest.mark.parametrize("already_followed", [False, True])
def test_labels_that_cannot_be_used_are_refused_with_a_message(viewer: Viewer, qtbot, already_followed: bool) -> None:
    notification_manager.records.clear()
    layer = add_painted(viewer)
    widget = dock(viewer)
    if already_followed:
        widget.button.setChecked(True)
        wait_for_weights(viewer, layer, sparse_weights(PAINTED), qtbot)
    layer.data = np.where(PAINTED > 0, PAINTED, -1)
    widget.button.setChecked(True)
    qtbot.waitUntil(lambda: not widget.button.isChecked(), timeout=WAIT_MS)
    assert widget.message.isVisible() and not notification_manager.records


def test_labels_with_channels_are_refused_with_a_message(viewer: Viewer) -> None:
    notification_manager.records.clear()
    add_painted(viewer, np.stack([PAINTED] * 2), axis_labels=("c", "y", "x"))
    widget = dock(viewer)
    widget.button.setChecked(True)
    assert not widget.button.isChecked()
    assert "without C" in widget.message.text()


def test_removing_the_dock_ends_it(viewer: Viewer, qtbot) -> None:
    layer = add_painted(viewer)
    widget = WeightMapWidget(viewer)
    docked = viewer.window.add_dock_widget(widget, name="Weight map")
    widget.button.setChecked(True)
    wait_for_weights(viewer, layer, sparse_weights(PAINTED), qtbot)
    viewer.window.remove_dock_widget(docked)
    del widget, docked
    qtbot.wait(50)
    layer.paint((40, 40), 9)
    viewer.add_labels(PAINTED)
    qtbot.wait(200)
