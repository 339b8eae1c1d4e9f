"""A biologist's first hour, in a minute: paint, look at the weights, train, stop, segment, evaluate, many files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile

from napari_unet.samples import draw_sample
from napari_unet.widgets._session import HOME_VARIABLE
from person import Person

if TYPE_CHECKING:
    from pathlib import Path

SAMPLE = draw_sample("nuclei", (160, 160))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))


def largest_cells(count: int) -> list[np.ndarray]:
    """Masks of the largest cells that the border does not cut."""
    inside = np.unique(SAMPLE.labels[3:-3, 3:-3])[1:]
    inside = np.setdiff1d(inside, np.concatenate([SAMPLE.labels[[0, -1]].ravel(), SAMPLE.labels[:, [0, -1]].ravel()]))
    sizes = [(SAMPLE.labels == number).sum() for number in inside]
    return [SAMPLE.labels == inside[place] for place in np.argsort(sizes)[::-1][:count]]


def test_from_an_image_to_scored_cells_in_files(make_napari_viewer, qtbot, tmp_path: Path) -> None:
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1366, 768)
    person = Person(viewer, qtbot)
    viewer.add_image(SAMPLE.image, name="nuclei")

    annotate = person.open("Annotate")
    person.click(annotate.new)
    painted = viewer.layers.selection.active
    painted.brush_size = 4
    for mask in largest_cells(3):
        person.click_named(annotate, "New cell")
        person.paint(mask)
    person.click_named(annotate, "Rest of")
    person.drag((4, 4), (80, 80), (156, 156))
    person.wait(lambda: set(np.unique(painted.data)) == {0, 1, 2, 3, 4})
    person.wait(lambda: "Saved" in annotate.saved.text.text())

    weights = person.open("Weight map")
    person.click(weights.button)
    person.wait(lambda: any(layer.name.endswith("_weights") for layer in viewer.layers))
    person.click(weights.button)

    person.open("Annotate")
    person.click(annotate.train)
    train = person.open_quick()
    person.click(train.button)
    person.wait(lambda: any(layer.name == "nuclei_preview" for layer in viewer.layers))
    viewer.layers.selection.active = painted
    person.open("Annotate")
    person.click_named(annotate, "New cell")
    person.paint(largest_cells(4)[3])
    person.wait(lambda: "4 cells" in train.status.text())
    person.wait(lambda: train.running is None or train.running.step > 10)
    person.click(train.button)
    person.wait(lambda: not train.runner.is_running)
    assert train.session.model is not None and train.session.model.exists()

    segment = person.open("Segment")
    main = segment.button
    person.wait(main.isEnabled)
    person.click(main)
    person.wait(lambda: not segment.runner.is_running and "nuclei_unet" in viewer.layers)
    assert viewer.layers["nuclei_unet"].data.shape == SAMPLE.image.shape and "found" in segment.message.text()

    viewer.add_labels(SAMPLE.labels, name="truth")
    evaluate = person.open("Evaluate")
    evaluate.sources.layers.predicted.value = viewer.layers["nuclei_unet"]
    evaluate.sources.layers.truth.value = viewer.layers["truth"]
    person.click(evaluate.button)
    person.wait(lambda: not evaluate.runner.is_running)
    assert "true" in evaluate.title.text()

    files = []
    for number in range(2):
        files.append(tmp_path / "files" / f"field_{number}.tif")
        files[-1].parent.mkdir(exist_ok=True)
        tifffile.imwrite(files[-1], draw_sample("nuclei", (64, 64), seed=number).image)
    batch = person.open("Batch")
    batch.files.add([str(files[0].parent)])
    person.wait(lambda: len(batch.files.files) == 2)
    person.click(batch.button)
    person.wait(lambda: not batch.runner.is_running)
    assert batch.message.text().startswith("<p>2 done")
    assert {path.name for path in files} <= {path.name for path in tmp_path.rglob("unet/*.tif")}
