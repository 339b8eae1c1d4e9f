"""The dock that compares: numbers of the engine, errors one can jump to, nothing old shown as new."""

from __future__ import annotations

import csv
import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.utils.notifications import notification_manager
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog

from napari_unet.axes import to_canonical
from napari_unet.data.writing import write_labels
from napari_unet.inference.evaluation import compare_stack
from napari_unet.metrics import find_errors, score_pair
from napari_unet.samples import annotate_sparsely, draw_sample
from napari_unet.widgets._layers import Role, find_result, read_scheme, scheme_metadata, show_result
from napari_unet.widgets.evaluate import EvaluateWidget
from napari_unet.widgets.evaluating.error_layer import ERRORS

if TYPE_CHECKING:
    from pathlib import Path

    from napari.layers import Labels
    from napari.viewer import Viewer

WAIT_MS = 20_000
LEFT = Qt.MouseButton.LeftButton
TRUTH = draw_sample("nuclei", (128, 128)).labels.astype(np.int32)
CELLS = np.unique(TRUTH[TRUTH > 0])


def with_errors() -> np.ndarray:
    """Prediction that misses a cell, invents one, and cuts one into halves."""
    predicted = TRUTH.copy()
    predicted[predicted == CELLS[0]] = 0
    rows, columns = np.nonzero(TRUTH == CELLS[1])
    upper = rows < rows.mean()
    predicted[rows[upper], columns[upper]] = 1000
    free = np.argwhere(np.lib.stride_tricks.sliding_window_view(TRUTH == 0, (6, 6)).all(axis=(2, 3)))[0]
    predicted[free[0] + 1 : free[0] + 5, free[1] + 1 : free[1] + 5] = 1001
    return predicted


PREDICTED = with_errors()


@pytest.fixture
def viewer(make_napari_viewer) -> Viewer:
    return make_napari_viewer(show=True)


@pytest.fixture
def dock(viewer: Viewer, qtbot) -> EvaluateWidget:
    widget = EvaluateWidget(viewer)
    viewer.window.add_dock_widget(widget, name="Evaluate")
    qtbot.waitUntil(widget.isVisible)
    return widget


def add_pair(
    viewer: Viewer, predicted: np.ndarray = PREDICTED, truth: np.ndarray = TRUTH, scheme: str = "dense", **options: Any
) -> tuple[Labels, Labels]:
    """Image, its truth and its segmentation, made in the order in which a person makes them."""
    image = viewer.add_image(np.zeros(truth.shape), name="nuclei", **options)
    real = viewer.add_labels(truth.copy(), name="painted", metadata=scheme_metadata(scheme), **options)
    axes = "".join(options.get("axis_labels", "yx")).upper()
    found = show_result(viewer, image, to_canonical(predicted.copy(), axes), Role("unet", "labels"), axes)
    return found, real


def evaluate(dock: EvaluateWidget, qtbot) -> None:
    qtbot.mouseClick(dock.button, LEFT)
    qtbot.waitUntil(lambda: not dock.runner.is_running, timeout=WAIT_MS)


def error_layer(viewer: Viewer, predicted: Labels) -> Labels | None:
    return find_result(viewer, predicted, ERRORS)


def shown_scores(dock: EvaluateWidget) -> dict[str, list[str]]:
    table = dock.scores
    columns = range(table.columnCount())
    return {
        table.verticalHeaderItem(row).text(): [table.item(row, column).text() for column in columns]
        for row in range(table.rowCount())
    }


def shown_kinds(dock: EvaluateWidget) -> list[str]:
    return [dock.errors.model.index(row, 0).data() for row in range(dock.errors.model.rowCount())]


def test_it_suggests_the_result_and_what_was_painted(viewer: Viewer, dock: EvaluateWidget) -> None:
    layers = dock.sources.layers
    assert layers.predicted.value is None and not dock.results.isVisible() and not dock.export.isEnabled()
    found, real = add_pair(viewer)
    assert (layers.predicted.value, layers.truth.value) == (found, real)
    assert layers.axes.axes == layers.axes.currentText() == "YX"


def test_numbers_and_errors_are_those_of_the_engine(viewer: Viewer, dock: EvaluateWidget, qtbot) -> None:
    found, _ = add_pair(viewer)
    viewer.layers.selection.active = found
    evaluate(dock, qtbot)
    scores, errors = score_pair(PREDICTED, TRUTH), find_errors(PREDICTED, TRUTH)
    shown = shown_scores(dock)
    assert shown["F1 ↑"] == [f"{scores.f1:.3f}"] and shown["Rand error ↓"] == [f"{scores.rand_error:.3f}"]
    assert dock.reports[0].errors == errors.found
    layer = error_layer(viewer, found)
    assert np.array_equal(layer.data, errors.error_map) and layer.name == "nuclei_unet_errors"
    assert viewer.layers.selection.active is found
    texts = [button.text() for button in dock.errors.buttons.values()]
    assert texts == ["Missed 1", "Merged 0", "Split 1", "False 1", "Outline 0"]
    assert f"{len(CELLS)} true and {len(CELLS) + 1} predicted cells" in dock.title.text()
    # The layer of the errors is no segmentation to judge.
    assert layer not in dock.sources.layers.predicted.choices
    assert all(dock.scores.verticalHeaderItem(row).toolTip() for row in range(dock.scores.rowCount()))


def test_a_click_on_a_row_and_the_arrow_keys_go_there(viewer: Viewer, dock: EvaluateWidget, qtbot) -> None:
    stack = np.stack([TRUTH, PREDICTED, TRUTH])
    options = {"scale": (3, 0.5, 0.5), "translate": (6, 10, 20), "axis_labels": ("z", "y", "x")}
    found, _ = add_pair(viewer, stack, np.stack([TRUTH] * 3), **options)
    dock.sources.layers.planes.setCurrentText("Whole stack")
    evaluate(dock, qtbot)
    viewer.dims.set_current_step(0, 2)
    view, camera = dock.errors.view, getattr(viewer, "scene", viewer).camera
    camera.zoom = zoom = 20.0
    errors = find_errors(PREDICTED, TRUTH).found
    for row, error in enumerate(errors):
        if row == 0:
            qtbot.mouseClick(view.viewport(), LEFT, pos=view.visualRect(dock.errors.model.index(0, 0)).center())
        else:
            qtbot.keyClick(view, Qt.Key.Key_Down)
        assert viewer.dims.current_step[0] == 1
        expected = np.array([10, 20]) + 0.5 * np.array(error.centre)
        assert np.allclose(camera.center[-2:], expected)
    assert dock.scores.columnCount() == 4
    assert dock.scores.horizontalHeaderItem(2).text() == "z 1"
    assert camera.zoom == zoom
    camera.zoom = 0.01
    qtbot.keyClick(view, Qt.Key.Key_Up)
    assert camera.zoom > 1
    assert np.array_equal(found.data, stack)


def test_only_the_slice_in_view_is_compared_if_wanted(viewer: Viewer, dock: EvaluateWidget, qtbot) -> None:
    add_pair(viewer, np.stack([PREDICTED, TRUTH]), np.stack([TRUTH] * 2), axis_labels=("t", "y", "x"))
    viewer.dims.set_current_step(0, 1)
    evaluate(dock, qtbot)
    assert [report.place for report in dock.reports] == [(1, 0)]
    assert "t 1" in dock.title.text() and shown_scores(dock)["SEG ↑"] == ["1.000"]


def test_kinds_can_be_left_out_and_columns_sort(viewer: Viewer, dock: EvaluateWidget, qtbot) -> None:
    add_pair(viewer)
    evaluate(dock, qtbot)
    sizes = [error.size_px for error in find_errors(PREDICTED, TRUTH).found]
    table = dock.errors
    assert [int(table.model.index(row, 2).data()) for row in range(3)] == sizes
    qtbot.mouseClick(table.buttons["missed"], LEFT)
    assert sorted(shown_kinds(dock)) == ["False", "Split"]
    qtbot.mouseClick(table.buttons["missed"], LEFT)
    table.view.sortByColumn(3, Qt.SortOrder.AscendingOrder)
    assert shown_kinds(dock)[-1] == "Split"


def test_a_sparse_truth_is_taken_for_what_it_is(viewer: Viewer, dock: EvaluateWidget, qtbot) -> None:
    painted = annotate_sparsely(TRUTH, 3)
    add_pair(viewer, TRUTH, painted, "sparse")
    assert dock.sources.layers.note.isVisible()
    evaluate(dock, qtbot)
    (event,) = compare_stack("x", TRUTH[None, None, None], painted[None, None, None], "sparse")
    assert dock.reports[0].scores == event.report.scores and dock.reports[0].errors == ()
    assert event.report.scores.n_truth == 3


EDITS = {
    "paint": lambda layer: layer.paint((5, 5), 7),
    "fill": lambda layer: layer.fill((5, 5), 8),
    "undo": lambda layer: layer.undo(),
    "data": lambda layer: setattr(layer, "data", layer.data.copy()),
}


def test_edited_labels_make_the_numbers_old(viewer: Viewer, dock: EvaluateWidget, qtbot) -> None:
    layers = add_pair(viewer)
    for layer, edit in itertools.product(layers, EDITS):
        evaluate(dock, qtbot)
        qtbot.wait(300)
        assert dock.scores.isEnabled() and not dock.message.isVisible()
        EDITS[edit](layer)
        qtbot.waitUntil(lambda: not dock.scores.isEnabled(), timeout=WAIT_MS)
        assert "Evaluate again" in dock.message.text()


def test_layers_can_be_exchanged_and_another_meaning_makes_the_numbers_old(
    viewer: Viewer, dock: EvaluateWidget, qtbot
) -> None:
    found, real = add_pair(viewer)
    layers = dock.sources.layers
    layers.predicted.value = real
    assert layers.truth.value is real
    layers.truth.value = found
    evaluate(dock, qtbot)
    assert sorted(shown_kinds(dock)) == ["False", "Merged", "Missed"] and dock.scores.isEnabled()
    layers.form.editors["training.scheme"].setValue("sparse")
    assert not dock.scores.isEnabled() and "Evaluate again" in dock.message.text()
    assert read_scheme(found) == "sparse"


def test_looking_around_does_not_make_the_numbers_old(viewer: Viewer, dock: EvaluateWidget, qtbot) -> None:
    found, _ = add_pair(viewer, np.stack([PREDICTED, TRUTH]), np.stack([TRUTH] * 2), axis_labels=("z", "y", "x"))
    evaluate(dock, qtbot)
    for step in (1, 0, 1):
        viewer.dims.set_current_step(0, step)
        qtbot.wait(250)
    found.visible = False
    found.contour = 1
    qtbot.wait(300)
    assert dock.scores.isEnabled()


def refuse_same(viewer: Viewer) -> str:
    viewer.add_labels(TRUTH)
    return "chosen twice"


def refuse_shape(viewer: Viewer) -> str:
    add_pair(viewer, PREDICTED, TRUTH[:100])
    return "different pixels"


def refuse_offset(viewer: Viewer) -> str:
    _, real = add_pair(viewer)
    real.translate = (0, 5)
    return "do not lie on each other"


def refuse_axes(viewer: Viewer) -> str:
    stack = np.stack([TRUTH] * 2)
    _, real = add_pair(viewer, stack, stack, axis_labels=("z", "y", "x"))
    real.axis_labels = ("t", "y", "x")
    return "different pixels"


def refuse_nothing(viewer: Viewer) -> str:
    return "no Labels layer"


def test_what_does_not_fit_is_explained(viewer: Viewer, dock: EvaluateWidget, qtbot) -> None:
    for refuse in (refuse_nothing, refuse_same, refuse_shape, refuse_offset, refuse_axes):
        viewer.layers.clear()
        expected = refuse(viewer)
        qtbot.mouseClick(dock.button, LEFT)
        assert expected in dock.message.text() and not dock.runner.is_running
        assert dock._level == "error"


def test_what_was_chosen_is_compared_also_after_another_comparison(viewer: Viewer, dock: EvaluateWidget, qtbot) -> None:
    found, real = add_pair(viewer)
    viewer.add_labels(TRUTH, name="other")
    evaluate(dock, qtbot)
    dock.sources.layers.predicted.value = real
    evaluate(dock, qtbot)
    assert "chosen twice" in dock.message.text() and not dock.results.isVisible()
    assert error_layer(viewer, found) is None


def test_the_page_of_files_is_no_higher_than_it_must_be(dock: EvaluateWidget, qtbot) -> None:
    heights = []
    for page in (0, 1):
        dock.sources.setCurrentIndex(page)
        qtbot.wait(50)
        heights.append(dock.sources.height())
    assert heights[1] < 0.7 * heights[0]


def test_a_failure_leaves_nothing_old(viewer: Viewer, dock: EvaluateWidget, qtbot) -> None:
    notification_manager.records.clear()
    found, real = add_pair(viewer)
    evaluate(dock, qtbot)
    assert dock.results.isVisible()
    real.data = np.where(TRUTH > 0, TRUTH, -1)
    evaluate(dock, qtbot)
    assert not dock.results.isVisible() and not dock.export.isEnabled()
    assert error_layer(viewer, found) is None and dock._level == "error"
    assert dock.message.isVisible() and not notification_manager.records


def test_stop_keeps_the_planes_that_are_done(viewer: Viewer, dock: EvaluateWidget, qtbot) -> None:
    stack = np.stack([PREDICTED] * 40)
    add_pair(viewer, stack, np.stack([TRUTH] * 40), axis_labels=("z", "y", "x"))
    dock.sources.layers.planes.setCurrentText("Whole stack")
    qtbot.mouseClick(dock.button, LEFT)
    qtbot.waitUntil(lambda: bool(dock.reports), timeout=WAIT_MS)
    assert dock.button.text() == "Stop"
    qtbot.mouseClick(dock.button, LEFT)
    qtbot.waitUntil(lambda: not dock.runner.is_running, timeout=WAIT_MS)
    assert dock.button.text() == "Evaluate" and dock.button.isEnabled()
    assert 0 < len(dock.reports) < 40 and dock.results.isVisible()
    assert "Stopped" in dock.message.text()


def test_a_layer_removed_meanwhile_is_no_accident(viewer: Viewer, dock: EvaluateWidget, qtbot) -> None:
    found, _ = add_pair(viewer)
    qtbot.mouseClick(dock.button, LEFT)
    viewer.layers.remove(found)
    qtbot.waitUntil(lambda: not dock.runner.is_running, timeout=WAIT_MS)
    dock.errors.view.selectRow(0)
    assert "was removed" in dock.message.text()


def test_tables_are_written_where_one_says(
    viewer: Viewer, dock: EvaluateWidget, qtbot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_pair(viewer)
    evaluate(dock, qtbot)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "quality"), ""))
    qtbot.mouseClick(dock.export, LEFT)
    tables = [(tmp_path / name).read_text().splitlines() for name in ("quality.csv", "quality_errors.csv")]
    scores, errors = (list(csv.DictReader(table)) for table in tables)
    assert float(scores[0]["ap"]) == score_pair(PREDICTED, TRUTH).ap
    assert sorted(row["kind"] for row in errors) == ["false", "missed", "split"]
    assert "quality.csv" in dock.message.text()
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "quality.csv" / "in_a_file"), ""))
    qtbot.mouseClick(dock.export, LEFT)
    assert "cannot be written" in dock.message.text()


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Predictions and truth: one with errors, one that does not fit, one without a partner."""
    for name, predicted, truth in (("a", PREDICTED, TRUTH), ("b", TRUTH[1:], TRUTH), ("c", TRUTH, None)):
        write_labels(tmp_path / "found" / f"{name}.tif", predicted, "YX")
        if truth is not None:
            write_labels(tmp_path / "truth" / f"{name}_labels.tif", truth, "YX")
    return tmp_path / "found", tmp_path / "truth"


def test_folders_are_compared_and_opened_at_an_error(
    viewer: Viewer, dock: EvaluateWidget, qtbot, folders: tuple[Path, Path]
) -> None:
    dock.sources.setCurrentIndex(1)
    qtbot.mouseClick(dock.button, LEFT)
    assert "Choose the folder" in dock.message.text()
    files = dock.sources.files
    files.predicted.value, files.truth.value = folders
    evaluate(dock, qtbot)
    assert [report.image for report in dock.reports] == ["a"]
    message = dock.message.text()
    assert "b failed" in message and "differ in Y" in message and "c.tif" in message
    view = dock.errors.view
    view.selectRow(0)
    assert "open a" in dock.message.text() and not viewer.layers
    qtbot.keyClick(view, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: len(viewer.layers) == 3, timeout=WAIT_MS)
    assert [layer.name for layer in viewer.layers] == ["a_truth", "a_predicted", "a_predicted_errors"]
    assert np.array_equal(viewer.layers[2].data, find_errors(PREDICTED, TRUTH).error_map)
    error = find_errors(PREDICTED, TRUTH).found[0]
    qtbot.waitUntil(
        lambda: np.allclose(getattr(viewer, "scene", viewer).camera.center[-2:], error.centre), timeout=WAIT_MS
    )


def test_files_that_are_left_out_are_counted_first(dock: EvaluateWidget, qtbot, tmp_path: Path) -> None:
    """However many there are, their number is in sight, and the window keeps its height."""
    for number in range(40):
        write_labels(tmp_path / "found" / f"experiment_2026_field_{number}.tif", TRUTH, "YX")
        if number < 30:
            write_labels(tmp_path / "truth" / f"experiment_2026_field_{number}.tif", TRUTH[1:], "YX")
    files = dock.sources.files
    dock.sources.setCurrentIndex(1)
    files.predicted.value, files.truth.value = tmp_path / "found", tmp_path / "truth"
    evaluate(dock, qtbot)
    message = dock.message.text()
    assert message.startswith("<p>30 failed, 10 without truth:<br>experiment_2026_field_0 failed: ")
    assert all(f"experiment_2026_field_{number}" in message for number in range(40))
    assert dock.minimumSizeHint().height() < 500


def test_it_opens_from_the_menu_and_goes_with_the_window(make_napari_viewer_proxy, qtbot) -> None:
    viewer = make_napari_viewer_proxy(show=True)
    _, dock = viewer.window.add_plugin_dock_widget("napari-unet-interactive", "Evaluate")
    add_pair(viewer, np.stack([PREDICTED] * 40), np.stack([TRUTH] * 40), axis_labels=("z", "y", "x"))
    dock.sources.layers.planes.setCurrentText("Whole stack")
    qtbot.mouseClick(dock.button, LEFT)
    qtbot.waitUntil(lambda: bool(dock.reports), timeout=WAIT_MS)
    viewer.close()
