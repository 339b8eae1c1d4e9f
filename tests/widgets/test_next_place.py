"""One click leads to where painting helps most: after a training, in the midst of one, in any geometry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_unet.models.model_file import save_model
from napari_unet.samples import annotate_sparsely, draw_sample
from napari_unet.widgets._layers import find_result, result_geometry, scheme_metadata
from napari_unet.widgets._session import HOME_VARIABLE
from napari_unet.widgets._view import plane_in_view
from napari_unet.widgets.training.next_place import UNCERTAINTY, next_place_of
from networks import make_model
from person import Person, make_quick

if TYPE_CHECKING:
    from pathlib import Path

    from napari.layers import Labels
    from napari.viewer import Viewer

SAMPLE = draw_sample("nuclei", (96, 96))
PAINTED = annotate_sparsely(SAMPLE.labels, 3)
TURNED = {"scale": (0.5, 0.25), "translate": (7, -3), "rotate": 20}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    return tmp_path


@pytest.fixture
def viewer(make_napari_viewer) -> Viewer:
    return make_napari_viewer(show=True)


@pytest.fixture
def person(viewer: Viewer, qtbot) -> Person:
    return Person(viewer, qtbot)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Untrained: it is unsure of everything."""
    save_model(make_model(), tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


def add_pair(viewer: Viewer, image: np.ndarray = SAMPLE.image, painted: np.ndarray = PAINTED, **options: Any) -> Labels:
    viewer.add_image(image, name="cells", **options)
    return viewer.add_labels(painted.copy(), name="cells_painted", metadata=scheme_metadata("sparse"), **options)


def middle(viewer: Viewer) -> tuple[float, ...]:
    """Give the world coordinates in the middle of the canvas."""
    camera = getattr(viewer, "scene", viewer).camera
    return tuple(camera.center[-2:])


def pixel_in_the_middle(viewer: Viewer, layer: Labels) -> tuple[int, ...]:
    point = (*viewer.dims.point[:-2], *middle(viewer))
    return tuple(np.round(layer.world_to_data(point)).astype(int).tolist())


def go(person: Person, dock: Any) -> None:
    """Click, and wait until it is there."""
    before = middle(person.viewer)
    person.click(dock.next_button)
    assert not dock.next_button.isEnabled() and dock.next_button.text().startswith("Looking")
    person.wait(lambda: dock.next_button.isEnabled())
    assert middle(person.viewer) != before, dock.message.text()
    person.wait(lambda: any(layer.name == "cells_uncertainty" for layer in person.viewer.layers))


@pytest.mark.parametrize("geometry", [{}, TURNED])
def test_clicks_lead_from_place_to_place(viewer: Viewer, person: Person, model: Path, geometry: dict[str, Any]) -> None:
    labels = add_pair(viewer, **geometry)
    image = viewer.layers["cells"]
    dock = person.open("Train")
    assert not dock.next_button.isEnabled() and "Train for a moment" in dock.next_button.toolTip()
    dock.session.set_model(model)
    labels.mode = "paint"
    seen: list[tuple[int, ...]] = []
    for _ in range(3):
        go(person, dock)
        place = pixel_in_the_middle(viewer, labels)
        assert labels.data[place] == 0
        assert all(np.hypot(*np.subtract(place, other)) > 8 for other in seen)
        seen.append(place)
    shown = find_result(viewer, image, UNCERTAINTY)
    expected = result_geometry(image, "YX")
    assert all(np.allclose(getattr(shown, key), expected[key]) for key in ("scale", "translate", "rotate"))
    assert shown.data.shape == image.data.shape and 0 < shown.data.max() <= 1
    assert viewer.layers.selection.active is labels and labels.mode == "paint"


def test_a_cell_is_seen_at_a_good_size(viewer: Viewer, person: Person, model: Path) -> None:
    add_pair(viewer, scale=(0.01, 0.01))
    dock = person.open("Train")
    dock.session.set_model(model)
    go(person, dock)
    sizes = np.unique(PAINTED[PAINTED > 1], return_counts=True)[1]
    diameter = np.sqrt(np.median(sizes) * 4 / np.pi)
    assert 60 <= diameter * 0.01 * getattr(viewer, "scene", viewer).camera.zoom <= 220


def test_in_a_stack_it_goes_to_the_slice(viewer: Viewer, person: Person, model: Path) -> None:
    """Only one slice has anything to be unsure of that is not annotated."""
    stack = np.stack([SAMPLE.image] * 4)
    painted = np.ones(stack.shape, np.int32)
    painted[2] = PAINTED
    labels = add_pair(viewer, stack, painted, scale=(2, 1, 1), translate=(5, 0, 0))
    dock = person.open("Train")
    dock.session.set_model(model)
    viewer.dims.set_current_step(0, 0)
    go(person, dock)
    assert plane_in_view(viewer, viewer.layers["cells"], "ZYX") == (0, 2)
    assert labels.data[pixel_in_the_middle(viewer, labels)] == 0
    shown = find_result(viewer, viewer.layers["cells"], UNCERTAINTY)
    assert shown.data.shape == stack.shape and all(plane.any() for plane in shown.data)


def test_where_all_is_annotated_there_is_no_place(viewer: Viewer, person: Person, model: Path) -> None:
    add_pair(viewer, painted=np.ones_like(PAINTED))
    dock = person.open("Train")
    dock.session.set_model(model)
    person.click(dock.next_button)
    person.wait(lambda: "sure of all" in dock.message.text())
    assert dock.next_button.isEnabled()


def test_what_is_painted_meanwhile_is_not_visited_again(viewer: Viewer, person: Person, model: Path) -> None:
    labels = add_pair(viewer)
    dock = person.open("Annotate")
    dock.session.set_model(model)
    go(person, dock)
    y, x = pixel_in_the_middle(viewer, labels)
    painted = np.zeros(labels.data.shape, bool)
    painted[max(y - 9, 0) : y + 10, max(x - 9, 0) : x + 10] = True
    labels.data[painted] = 1
    labels.refresh()
    go(person, dock)
    assert not painted[pixel_in_the_middle(viewer, labels)]


def test_the_key_does_what_the_button_does(viewer: Viewer, person: Person, qtbot, model: Path) -> None:
    add_pair(viewer)
    dock = person.open("Annotate")
    dock.session.set_model(model)
    before = middle(viewer)
    canvas = viewer.window._qt_viewer.canvas.native
    qtbot.keyClick(canvas, Qt.Key.Key_G, Qt.KeyboardModifier.ShiftModifier)
    person.wait(lambda: dock.next_button.isEnabled())
    assert middle(viewer) != before


def test_nothing_old_stays(viewer: Viewer, person: Person, model: Path, tmp_path: Path) -> None:
    add_pair(viewer)
    image = viewer.layers["cells"]
    dock = person.open("Train")
    dock.session.set_model(model)
    go(person, dock)
    assert find_result(viewer, image, UNCERTAINTY) is not None
    image.data = 255 - image.data
    assert find_result(viewer, image, UNCERTAINTY) is None
    go(person, dock)
    other = tmp_path / "other.safetensors"
    save_model(make_model(seed=3), other)
    dock.session.set_model(other)
    assert find_result(viewer, image, UNCERTAINTY) is None


def test_in_the_midst_of_a_training(viewer: Viewer, person: Person) -> None:
    labels = add_pair(viewer)
    image = viewer.layers["cells"]
    dock = person.open("Train")
    make_quick(dock)
    person.click(dock.button)
    person.wait(lambda: dock.running is not None and dock.running.step >= 3)
    go(person, dock)
    assert dock.runner.is_running
    step = dock.running.step
    first = pixel_in_the_middle(viewer, labels)
    go(person, dock)
    assert np.hypot(*np.subtract(first, pixel_in_the_middle(viewer, labels))) > 8
    person.wait(lambda: dock.running.step > step)
    assert find_result(viewer, image, UNCERTAINTY) is not None
    person.click(dock.button)
    person.wait(lambda: not dock.runner.is_running)
    assert find_result(viewer, image, UNCERTAINTY) is None
    assert dock.next_button.isEnabled()
    go(person, dock)


@pytest.mark.parametrize("what", ["cells", "cells_painted"])
def test_layers_may_go_while_it_looks(viewer: Viewer, person: Person, model: Path, what: str) -> None:
    add_pair(viewer)
    dock = person.open("Train")
    dock.session.set_model(model)
    person.click(dock.next_button)
    viewer.layers.remove(what)
    places = next_place_of(viewer)
    person.wait(lambda: places.can_be_asked)
    assert [layer.name for layer in viewer.layers] == [name for name in ("cells", "cells_painted") if name != what]
    person.click(dock.next_button)
    assert "Choose an image" in dock.message.text()


def test_a_model_that_does_not_fit_is_told(viewer: Viewer, person: Person, tmp_path: Path) -> None:
    add_pair(viewer)
    save_model(make_model(in_channels=2), tmp_path / "colours.safetensors")
    dock = person.open("Train")
    dock.session.set_model(tmp_path / "colours.safetensors")
    person.click(dock.next_button)
    person.wait(lambda: "channels" in dock.message.text())
    person.wait(lambda: dock.next_button.isEnabled())
    assert find_result(viewer, viewer.layers["cells"], UNCERTAINTY) is None
