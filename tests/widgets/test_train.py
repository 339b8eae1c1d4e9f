"""A person trains in the window: one button, live previews, strokes, stop, resume; nothing is lost."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication, QFileDialog

from napari_unet.config.recipe import load_recipe, parse_recipe
from napari_unet.errors import InputError
from napari_unet.samples import annotate_sparsely, draw_sample
from napari_unet.training.record import read_run
from napari_unet.widgets import train as train_module
from napari_unet.widgets._layers import find_result, result_geometry, scheme_metadata, store_scheme
from napari_unet.widgets._session import HOME_VARIABLE, session_of
from napari_unet.widgets.training import live as live_module
from napari_unet.widgets.training.live import PREVIEW, PROBABILITY
from person import Person

if TYPE_CHECKING:
    from pathlib import Path

    from napari.layers import Labels
    from napari.viewer import Viewer

    from napari_unet.widgets.train import TrainWidget

WAIT_MS = 60_000
SAMPLE = draw_sample("nuclei", (96, 96))
PAINTED = annotate_sparsely(SAMPLE.labels, 4)
QUICK: dict[str, dict[str, Any]] = {
    "model": {"depth": 1, "base_channels": 2},
    "training": {"patch_px": 36, "batch_size": 1, "scheme": "sparse", "seconds": 600.0, "rescale": 1.0},
    "execution": {"device": "cpu", "precision": "float32"},
}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def viewer(make_napari_viewer) -> Viewer:
    return make_napari_viewer(show=True)


def add_pair(viewer: Viewer, name: str = "cells", labels: np.ndarray = PAINTED, **options: Any) -> Labels:
    viewer.add_image(SAMPLE.image, name=name, **options)
    return viewer.add_labels(labels.copy(), name=f"{name}_painted", metadata=scheme_metadata("sparse"), **options)


def open_dock(viewer: Viewer, **training: Any) -> TrainWidget:
    """Open the dock as a person does, with a quick recipe."""
    _, widget = viewer.window.add_plugin_dock_widget("napari-unet-interactive", "Train")
    widget.setup.show_recipe(parse_recipe(QUICK | {"training": QUICK["training"] | training}))
    return widget


def click(qtbot, button) -> None:
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def train_until(widget: TrainWidget, qtbot, step: int) -> None:
    """Click Train, and wait for a step."""
    click(qtbot, widget.button)
    wait_for_step(widget, qtbot, step)


def wait_for_step(widget: TrainWidget, qtbot, step: int) -> None:
    def reached() -> bool:
        assert widget.runner.is_running, widget.message.text() + widget.findings.text()
        return widget.running is not None and widget.running.step >= step

    qtbot.waitUntil(reached, timeout=WAIT_MS)


def wait_for_end(widget: TrainWidget, qtbot) -> None:
    qtbot.waitUntil(lambda: not widget.runner.is_running, timeout=WAIT_MS)


def stop(widget: TrainWidget, qtbot) -> None:
    click(qtbot, widget.button)
    assert widget.button.text().startswith("Stopping") and not widget.button.isEnabled()
    wait_for_end(widget, qtbot)


def is_training() -> bool:
    return any(thread.name == "napari-unet" for thread in threading.enumerate())


def test_one_click_trains_previews_and_stop_keeps_the_model(viewer: Viewer, qtbot) -> None:
    labels = add_pair(viewer, scale=(0.5, 0.5), translate=(3, 4))
    image = viewer.layers["cells"]
    widget = open_dock(viewer)
    pair = widget.setup.pairs.pairs()[0]
    assert (pair.image, pair.labels, pair.axes) == (image, labels, "YX")
    assert widget.setup.scheme.value() == "sparse"
    labels.mode = "paint"
    train_until(widget, qtbot, 5)
    roles = (PREVIEW, PROBABILITY)
    qtbot.waitUntil(lambda: all(find_result(viewer, image, role) is not None for role in roles), timeout=WAIT_MS)
    for role in roles:
        shown = find_result(viewer, image, role)
        geometry = result_geometry(image, "YX")
        assert all(np.allclose(getattr(shown, key), geometry[key]) for key in ("scale", "translate"))
    assert 0 < find_result(viewer, image, PROBABILITY).data.max() <= 1
    assert viewer.layers.selection.active is labels and labels.mode == "paint"
    assert viewer.layers.index(labels) > viewer.layers.index(find_result(viewer, image, PREVIEW))
    qtbot.waitUntil(lambda: "Preview of step" in widget.status.text(), timeout=WAIT_MS)
    assert not widget.setup.isVisible() and len(widget.curves.raw.getData()[0]) > 0
    stop(widget, qtbot)
    assert widget.session.model is not None and widget.session.model.exists()
    assert widget.session.model.parent.parent == widget.session.project / "runs"
    assert widget.button.text() == "Train" and widget.setup.isVisible()
    assert (
        f"stopped at step {read_run(widget.session.model.parent).step};" in widget.message.text()
        and widget.model.isVisible()
    )


def test_a_finished_run_is_trained_on(viewer: Viewer, qtbot) -> None:
    add_pair(viewer)
    widget = open_dock(viewer, steps=3, validation="regions")
    widget.preview_switch.setChecked(False)
    click(qtbot, widget.button)
    wait_for_end(widget, qtbot)
    assert "used its time at step 3" in widget.message.text()
    assert find_result(viewer, viewer.layers["cells"], PREVIEW) is None
    assert widget.resume_button.text() == "Train on from step 3"
    click(qtbot, widget.resume_button)
    wait_for_end(widget, qtbot)
    assert "at step 6" in widget.message.text()
    qtbot.waitUntil(lambda: len(widget.curves.raw.getData()[0]) == 6, timeout=WAIT_MS)
    assert widget.curves.iou.getData()[0].tolist() == [3, 6]
    assert len(list((widget.session.project / "runs").iterdir())) == 1


@pytest.mark.parametrize("folder_was_made", [False, True])
def test_a_stop_before_the_first_step_says_so_and_leaves_nothing(
    viewer: Viewer, qtbot, monkeypatch: pytest.MonkeyPatch, folder_was_made: bool
) -> None:
    from napari_unet.training.trainer import Trainer

    add_pair(viewer)
    widget = open_dock(viewer)
    started = Trainer._started

    def stop_then(trainer: Trainer) -> Any:
        assert trainer.folder.recipe.exists()
        widget.runner.stop()
        return started(trainer)

    monkeypatch.setattr(Trainer, "_started", stop_then)
    click(qtbot, widget.button)
    if not folder_was_made:
        click(qtbot, widget.button)
    wait_for_end(widget, qtbot)
    assert "Stopped before the first step" in widget.message.text() and widget.message.isVisible()
    assert not list(widget.session.project.glob("runs/*"))
    assert widget.session.model is None and not widget.resume_button.isVisible()


def test_pause_rests(viewer: Viewer, qtbot) -> None:
    add_pair(viewer)
    widget = open_dock(viewer)
    train_until(widget, qtbot, 2)
    click(qtbot, widget.pause_button)
    assert widget.pause_button.text() == "Resume" and "paused" in widget.progress.text.text()

    def rests() -> bool:
        before = widget.running.step
        qtbot.wait(500)
        return widget.running.step == before

    qtbot.waitUntil(rests, timeout=WAIT_MS)
    step = widget.running.step
    assert "paused" in widget.progress.text.text()
    click(qtbot, widget.pause_button)
    wait_for_step(widget, qtbot, step + 2)
    click(qtbot, widget.pause_button)
    stop(widget, qtbot)
    assert widget.session.model is not None


def test_strokes_are_learnt_while_it_trains(viewer: Viewer, qtbot) -> None:
    labels = add_pair(viewer)
    widget = open_dock(viewer)
    train_until(widget, qtbot, 2)
    labels.paint((50, 50), 77)
    qtbot.waitUntil(lambda: "last stroke" in widget.status.text(), timeout=WAIT_MS)
    wait_for_step(widget, qtbot, widget.running.step + 20)
    folder = widget.running.job.folder
    stop(widget, qtbot)
    kept = tifffile.imread(folder / "annotations" / "cells.tif")
    assert np.array_equal(kept.reshape(labels.data.shape), labels.data)


def test_only_changed_pixels_count_as_a_stroke(viewer: Viewer, qtbot) -> None:
    """napari tells of another slice as it tells of pixels that a program changed."""
    viewer.add_image(np.stack([SAMPLE.image] * 3), name="stack", axis_labels=("z", "y", "x"))
    painted = np.stack([PAINTED, PAINTED, np.zeros_like(PAINTED)])
    labels = viewer.add_labels(painted, metadata=scheme_metadata("sparse"))
    widget = open_dock(viewer)
    train_until(widget, qtbot, 2)
    for look in (lambda: viewer.dims.set_point(0, 0), lambda: setattr(viewer.dims, "order", (1, 0, 2)), labels.refresh):
        look()
        qtbot.wait(400)
        wait_for_step(widget, qtbot, widget.running.step + 2)
    status = widget.running.status()
    assert "2 annotated planes" in status and "last stroke" not in status
    labels.data[2] = PAINTED
    labels.refresh()
    qtbot.waitUntil(lambda: "3 annotated planes" in widget.status.text(), timeout=WAIT_MS)
    assert "last stroke" in widget.status.text()
    stop(widget, qtbot)


def test_a_path_can_be_copied(viewer: Viewer, qtbot) -> None:
    widget = open_dock(viewer)
    model = widget.session.project / "runs" / "a run" / "last.safetensors"
    widget.model.show_model(model)
    widget.model.place.selectAll()
    widget.model.place.copy()
    assert QApplication.clipboard().text() == str(model)


def test_the_training_rests_while_somebody_paints(viewer: Viewer, qtbot, monkeypatch: pytest.MonkeyPatch) -> None:
    add_pair(viewer).mode = "paint"
    widget = open_dock(viewer)
    before = list(viewer.mouse_drag_callbacks)
    train_until(widget, qtbot, 2)
    way, held = widget.running.live.way, []
    monkeypatch.setattr(way, "hold", held.append)
    Person(viewer, qtbot).drag((50, 50), (50, 60))
    assert held
    wait_for_step(widget, qtbot, widget.running.step + 2)
    stop(widget, qtbot)
    assert viewer.mouse_drag_callbacks == before


def test_labels_and_probabilities_end_alike(viewer: Viewer, qtbot, monkeypatch: pytest.MonkeyPatch) -> None:
    """However late the probabilities are drawn, those of the last preview are not left out."""
    written: dict[str, list[int]] = {PREVIEW.suffix: [], PROBABILITY.suffix: []}
    write = live_module._Pictures.write

    def note(pictures: Any, event: Any, role: Any) -> None:
        written[role.suffix].append(event.step)
        write(pictures, event, role)

    monkeypatch.setattr(live_module, "_LATER_MS", 600_000)
    monkeypatch.setattr(live_module._Pictures, "write", note)
    add_pair(viewer)
    widget = open_dock(viewer)
    train_until(widget, qtbot, 2)
    qtbot.waitUntil(lambda: len(written[PREVIEW.suffix]) > 1, timeout=WAIT_MS)
    stop(widget, qtbot)
    assert written[PROBABILITY.suffix] == written[PREVIEW.suffix]


def test_another_slice_is_previewed_and_the_old_one_stays(viewer: Viewer, qtbot) -> None:
    stack, painted = np.stack([SAMPLE.image] * 3), np.stack([PAINTED, np.zeros_like(PAINTED), PAINTED])
    image = viewer.add_image(stack, name="stack", axis_labels=("z", "y", "x"))
    viewer.add_labels(painted, metadata=scheme_metadata("sparse"))
    widget = open_dock(viewer)
    viewer.dims.set_current_step(0, 0)
    train_until(widget, qtbot, 1)

    def seen(z: int) -> bool:
        shown = find_result(viewer, image, PROBABILITY)
        return shown is not None and bool(shown.data[z].any())

    for z in (0, 1):
        viewer.dims.set_current_step(0, z)
        qtbot.waitUntil(lambda z=z: seen(z), timeout=WAIT_MS)
    assert seen(0) and not seen(2)
    assert viewer.dims.current_step[0] == 1
    stop(widget, qtbot)


@pytest.mark.parametrize("button", ["button", "check_button"])
def test_what_is_wrong_is_listed_before_anything_starts(viewer: Viewer, qtbot, button: str) -> None:
    add_pair(viewer, labels=np.zeros_like(PAINTED))
    widget = open_dock(viewer)
    click(qtbot, getattr(widget, button))
    wait_for_end(widget, qtbot)
    assert widget.findings.isVisible() and "Nothing is annotated" in widget.findings.text()
    assert widget.session.model is None and not (widget.session.project / "runs").exists()
    assert widget.setup.isVisible() and widget.button.text() == "Train"
    assert widget._level == "error" and "listed above" in widget.message.text()
    assert not widget.curves.isVisible() and not widget.progress.isVisible()


def test_warnings_do_not_stop_it(viewer: Viewer, qtbot) -> None:
    viewer.add_image(SAMPLE.image[None], name="cells", scale=(1, 2, 2))
    viewer.add_labels(PAINTED[None], metadata=scheme_metadata("sparse"))
    widget = open_dock(viewer)
    train_until(widget, qtbot, 1)
    assert "do not lie on the image" in widget.findings.text() and "guessed" in widget.findings.text()
    stop(widget, qtbot)
    assert widget.session.model is not None


def test_without_layers_it_says_what_to_do(viewer: Viewer, qtbot) -> None:
    widget = open_dock(viewer)
    click(qtbot, widget.button)
    assert "dock Annotate" in widget.message.text() and not widget.runner.is_running
    labels = add_pair(viewer)
    assert widget.setup.pairs.pairs()[0].labels is labels


def test_pairs_must_be_annotated_in_one_way(viewer: Viewer, qtbot) -> None:
    add_pair(viewer)
    store_scheme(add_pair(viewer, "others", PAINTED[::-1]), "dense")
    widget = open_dock(viewer)
    click(qtbot, widget.setup.pairs.add_button)
    assert {pair.image.name for pair in widget.setup.pairs.pairs()} == {"cells", "others"}
    click(qtbot, widget.button)
    assert "annotated in different ways" in widget.message.text() and not widget.runner.is_running
    click(qtbot, widget.setup.pairs.rows[1].remove)
    assert len(widget.setup.pairs.pairs()) == 1


def test_no_pair_is_offered_twice(viewer: Viewer, qtbot) -> None:
    widget = open_dock(viewer)
    button, rows = widget.setup.pairs.add_button, widget.setup.pairs
    assert not button.isEnabled()
    labels = add_pair(viewer)
    assert not button.isEnabled()
    other = viewer.add_image(SAMPLE.image[::-1], name="other")
    assert button.isEnabled()
    click(qtbot, button)
    assert [(pair.image, pair.labels) for pair in rows.pairs()] == [(viewer.layers["cells"], labels), (other, labels)]
    assert not button.isEnabled()
    click(qtbot, rows.rows[1].remove)
    assert button.isEnabled()
    viewer.layers.remove(other)
    assert not button.isEnabled()


@pytest.mark.parametrize("labels_are_gone", [False, True])
def test_a_run_that_was_broken_off_is_resumed(make_napari_viewer, qtbot, labels_are_gone: bool) -> None:
    first = make_napari_viewer(show=True)
    add_pair(first)
    widget = open_dock(first)
    train_until(widget, qtbot, 5)
    stop(widget, qtbot)
    run = read_run(widget.session.model.parent)
    second = make_napari_viewer(show=True)
    add_pair(second)
    if labels_are_gone:
        second.layers.remove("cells_painted")
    widget = open_dock(second)
    qtbot.waitUntil(widget.resume_button.isVisible, timeout=WAIT_MS)
    assert f"step {run.step}" in widget.resume_button.text()
    click(qtbot, widget.resume_button)
    wait_for_step(widget, qtbot, run.step + 1)
    assert widget.running.job.folder == run.folder
    assert np.array_equal(second.layers["cells_painted"].data, PAINTED)
    assert widget.message.isVisible() == ("were not open" in widget.message.text()) == labels_are_gone
    assert len(widget.curves.raw.getData()[0]) >= run.step
    stop(widget, qtbot)
    assert read_run(run.folder).step > run.step


def test_layers_that_are_renamed_are_still_those_of_the_run(viewer: Viewer, qtbot) -> None:
    labels, image = add_pair(viewer), viewer.layers["cells"]
    widget = open_dock(viewer)
    widget.preview_switch.setChecked(False)
    train_until(widget, qtbot, 2)
    folder = widget.running.job.folder
    stop(widget, qtbot)
    labels.name, image.name = "mine", "field"
    # What bears the name now is another layer.
    viewer.add_labels(np.zeros_like(PAINTED), name="cells_painted", metadata=scheme_metadata("sparse"))
    labels.paint((50, 50), 77)
    click(qtbot, widget.resume_button)
    wait_for_step(widget, qtbot, 4)
    assert [(pair.image, pair.labels) for pair in widget.setup.pairs.pairs()] == [(image, labels)]
    assert len(viewer.layers) == 3 and not widget.message.isVisible()
    stop(widget, qtbot)
    kept = tifffile.imread(folder / "annotations" / "cells.tif")
    assert np.array_equal(kept.reshape(labels.data.shape), labels.data)


def test_a_layer_stands_for_one_image_of_the_run_only(viewer: Viewer, qtbot) -> None:
    labels, image = add_pair(viewer), viewer.layers["cells"]
    other = viewer.add_labels(PAINTED.copy(), name="other", metadata=scheme_metadata("sparse"))
    widget = open_dock(viewer)
    widget.preview_switch.setChecked(False)
    widget.setup.pairs.choose([(image, labels), (image, other)])
    train_until(widget, qtbot, 2)
    stop(widget, qtbot)
    viewer.layers.remove(labels)
    other.name = "cells_painted"
    click(qtbot, widget.resume_button)
    wait_for_step(widget, qtbot, 4)
    (_, copy), (_, known) = [(pair.image, pair.labels) for pair in widget.setup.pairs.pairs()]
    assert known is other and copy is not other and "were not open" in widget.message.text()
    stop(widget, qtbot)


def test_a_run_whose_window_is_gone_can_be_resumed_in_another(make_napari_viewer, qtbot) -> None:
    first, second = make_napari_viewer(show=True), make_napari_viewer(show=True)
    add_pair(first)
    widget = open_dock(first)
    train_until(widget, qtbot, 2)
    folder, stream = widget.running.job.folder, widget.runner._streams[0]
    first.close()
    del widget
    qtbot.waitUntil(lambda: not stream.is_alive and folder not in train_module._busy, timeout=WAIT_MS)
    add_pair(second)
    other = open_dock(second)
    session_of(second).suggest_run(folder)
    qtbot.waitUntil(other.resume_button.isVisible, timeout=WAIT_MS)
    click(qtbot, other.resume_button)
    wait_for_step(other, qtbot, 4)
    assert other.running.job.folder == folder
    stop(other, qtbot)


@pytest.mark.parametrize("dock_is_open", [False, True])
def test_a_run_dropped_on_the_window_is_offered(make_napari_viewer, qtbot, tmp_path: Path, dock_is_open: bool) -> None:
    first = make_napari_viewer(show=True)
    add_pair(first)
    widget = open_dock(first)
    train_until(widget, qtbot, 2)
    stop(widget, qtbot)
    run = widget.session.model.parent.rename(tmp_path / "elsewhere")
    second = make_napari_viewer(show=True)
    widget = open_dock(second) if dock_is_open else None
    session_of(second).suggest_run(run)
    widget = widget or open_dock(second)
    qtbot.waitUntil(widget.resume_button.isVisible, timeout=WAIT_MS)
    assert f"step {read_run(run).step}" in widget.resume_button.text()


def test_a_run_whose_image_is_gone_says_what_is_missing(make_napari_viewer, qtbot) -> None:
    first = make_napari_viewer(show=True)
    add_pair(first)
    widget = open_dock(first)
    train_until(widget, qtbot, 1)
    stop(widget, qtbot)
    widget = open_dock(make_napari_viewer(show=True))
    qtbot.waitUntil(widget.resume_button.isVisible, timeout=WAIT_MS)
    click(qtbot, widget.resume_button)
    assert "&#x27;cells&#x27; of this run is not open" in widget.message.text() and not widget.runner.is_running


def test_a_layer_that_is_deleted_is_still_learnt_from(viewer: Viewer, qtbot) -> None:
    labels = add_pair(viewer)
    widget = open_dock(viewer)
    train_until(widget, qtbot, 2)
    viewer.layers.remove(labels)
    viewer.layers.remove("cells")
    step = widget.running.step
    wait_for_step(widget, qtbot, step + 5)
    qtbot.waitUntil(lambda: "was deleted" in widget.status.text(), timeout=WAIT_MS)
    stop(widget, qtbot)
    assert widget.session.model is not None


def test_an_error_removes_the_previews_and_is_said(viewer: Viewer, qtbot, monkeypatch) -> None:
    from napari_unet.training.trainer import Trainer

    add_pair(viewer)
    widget = open_dock(viewer)
    train_until(widget, qtbot, 1)
    qtbot.waitUntil(lambda: find_result(viewer, viewer.layers["cells"], PREVIEW) is not None, timeout=WAIT_MS)

    def break_off(*_: object) -> None:
        raise InputError("the disk is full; make room")

    monkeypatch.setattr(Trainer, "_step", break_off)
    wait_for_end(widget, qtbot)
    assert "the disk is full" in widget.message.text()
    assert find_result(viewer, viewer.layers["cells"], PREVIEW) is None
    assert widget.button.text() == "Train" and widget.button.isEnabled() and widget.setup.isVisible()


def test_a_deleted_preview_is_not_made_again(viewer: Viewer, qtbot) -> None:
    add_pair(viewer)
    widget = open_dock(viewer)
    train_until(widget, qtbot, 1)
    qtbot.waitUntil(lambda: find_result(viewer, viewer.layers["cells"], PREVIEW) is not None, timeout=WAIT_MS)
    viewer.layers.remove(find_result(viewer, viewer.layers["cells"], PREVIEW))
    qtbot.waitUntil(lambda: not widget.preview_switch.isChecked(), timeout=WAIT_MS)
    stop(widget, qtbot)
    assert find_result(viewer, viewer.layers["cells"], PREVIEW) is None


def test_a_preview_deleted_in_a_pause_is_missed_at_once(viewer: Viewer, qtbot) -> None:
    add_pair(viewer)
    widget = open_dock(viewer)
    train_until(widget, qtbot, 1)
    qtbot.waitUntil(lambda: find_result(viewer, viewer.layers["cells"], PROBABILITY) is not None, timeout=WAIT_MS)
    click(qtbot, widget.pause_button)
    viewer.layers.remove(find_result(viewer, viewer.layers["cells"], PREVIEW))
    assert not widget.preview_switch.isChecked() and "review" not in widget.running.status()
    stop(widget, qtbot)
    assert find_result(viewer, viewer.layers["cells"], PREVIEW) is None


def test_closing_the_dock_saves_and_ends(viewer: Viewer, qtbot) -> None:
    add_pair(viewer)
    widget = open_dock(viewer)
    train_until(widget, qtbot, 3)
    folder = widget.running.job.folder
    viewer.window.remove_dock_widget(widget)
    del widget
    qtbot.waitUntil(lambda: not is_training(), timeout=WAIT_MS)
    assert read_run(folder).step >= 3
    viewer.layers["cells_painted"].paint((50, 50), 77)
    qtbot.wait(300)


def test_two_viewers_train_at_once(make_napari_viewer, qtbot) -> None:
    widgets = []
    for name in ("one", "two"):
        viewer = make_napari_viewer(show=True)
        add_pair(viewer, name)
        widgets.append(open_dock(viewer))
    for widget in widgets:
        click(qtbot, widget.button)
    for widget in widgets:
        wait_for_step(widget, qtbot, 3)
    for widget in widgets:
        stop(widget, qtbot)
    assert len({widget.session.model for widget in widgets}) == 2
    assert not is_training()


def test_a_model_is_saved_elsewhere_and_recipes_are_kept(viewer: Viewer, qtbot, tmp_path: Path, monkeypatch) -> None:
    add_pair(viewer)
    widget = open_dock(viewer, steps=2)
    widget.preview_switch.setChecked(False)
    click(qtbot, widget.button)
    wait_for_end(widget, qtbot)
    chosen = iter([tmp_path / "mine.safetensors", tmp_path / "mine.toml"])
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, **__: (str(next(chosen)), ""))
    click(qtbot, widget.model.save_button)
    qtbot.waitUntil(lambda: widget.session.model == tmp_path / "mine.safetensors", timeout=WAIT_MS)
    assert widget.session.model.exists() and "mine" in widget.setup.start.itemText(2 + 1)
    widget.setup.save_button.click()
    assert load_recipe(tmp_path / "mine.toml") == widget.setup.form.recipe()
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_, **__: (str(tmp_path / "mine.toml"), ""))
    widget.setup.show_recipe(parse_recipe({}))
    widget.setup.load_button.click()
    assert widget.setup.form.recipe().training.steps == 2


def test_a_result_is_not_learnt_from(viewer: Viewer, qtbot) -> None:
    labels = add_pair(viewer)
    widget = open_dock(viewer)
    result = viewer.add_image(SAMPLE.image, name="shown", metadata={"napari_unet": {"source": "", "role": "weights"}})
    widget.session.suggest_pair(result, labels)
    assert "is a result" in widget.message.text()
    assert [pair.image for pair in widget.setup.pairs.pairs()] == [viewer.layers["cells"]]
