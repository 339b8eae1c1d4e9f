"""The search for the next place: where it looks, what it remembers, and as the annotation is now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_unet.config.tiling import TilingConfig
from napari_unet.errors import InputError
from napari_unet.inference.place_search import Found, PlaceFinder, Search, Searching, choose_planes, plan_search
from napari_unet.inference.predictor import Predictor
from napari_unet.inference.uncertainty import uncertainty
from networks import make_model, random_model

if TYPE_CHECKING:
    from napari_unet.models.model_file import TrainedModel

WHOLE = slice(0, 60), slice(0, 80)


@given(st.integers(1, 5), st.integers(1, 40), st.integers(1, 10), st.data())
@settings(deadline=None, max_examples=40)
def test_planes_are_spread_and_that_in_view_is_first(n_times: int, n_slices: int, n: int, data: st.DataObject) -> None:
    in_view = data.draw(st.integers(0, n_times - 1)), data.draw(st.integers(0, n_slices - 1))
    planes = choose_planes((n_times, 1, n_slices, 8, 8), in_view, n)
    assert planes[0] == in_view and len(set(planes)) == len(planes) <= max(n, 1)
    assert all(0 <= t < n_times and 0 <= z < n_slices for t, z in planes)
    if n >= n_times * n_slices:
        assert len(planes) == n_times * n_slices
    elsewhere = choose_planes((n_times, 1, n_slices, 8, 8), planes[-1], n)
    assert set(elsewhere) <= set(planes)


@pytest.mark.parametrize(
    ("shape", "rectangle", "scale", "expected", "n_planes"),
    [
        ((1, 1, 50, 512, 512), (slice(0, 9), slice(0, 9)), 1.0, (slice(0, 512), slice(0, 512)), 4),
        ((1, 1, 50, 2048, 2048), (slice(0, 9), slice(0, 9)), 0.25, (slice(0, 2048), slice(0, 2048)), 4),
        ((1, 1, 1, 9000, 9000), (slice(50, 450), slice(0, 500)), 1.0, (slice(50, 450), slice(0, 500)), 1),
    ],
)
def test_a_search_takes_seconds(shape, rectangle, scale, expected, n_planes) -> None:
    search = Search(np.broadcast_to(np.uint8(0), shape), "a", None, "sparse", (0, 0), rectangle)
    planes, box = plan_search(search, scale)
    assert (box, len(planes)) == (expected, n_planes)


def test_of_a_huge_view_the_middle_is_searched() -> None:
    view = slice(1000, 9000), slice(2000, 8000)
    search = Search(np.broadcast_to(np.uint8(0), (1, 1, 3, 9000, 9000)), "a", None, "sparse", (0, 2), view)
    planes, (rows, columns) = plan_search(search, 1.0)
    assert planes == ((0, 2),)
    assert 2.9e6 < (rows.stop - rows.start) * (columns.stop - columns.start) <= 3e6
    assert (rows.start + rows.stop, columns.start + columns.stop) == (10_000, 10_000)


def search(image: np.ndarray, labels: np.ndarray, **changes: object) -> Search:
    options = {"source": "a", "scheme": "sparse", "plane": (0, 0), "rectangle": WHOLE} | changes
    return Search(image=image, labels=labels, **options)


def find(finder: PlaceFinder, wanted: Search, version: int = 0, loaded: list[int] | None = None) -> Found:
    def load() -> TrainedModel:
        if loaded is not None:
            loaded.append(version)
        return random_model()

    *shares, found = finder.find(wanted, version, load)
    assert isinstance(found, Found)
    assert all(isinstance(event, Searching) for event in shares)
    assert [event.share for event in shares] == sorted(event.share for event in shares)
    return found


@pytest.fixture
def stack() -> tuple[np.ndarray, np.ndarray]:
    image = np.random.default_rng(0).integers(0, 100, (1, 1, 3, 60, 80), np.uint8)
    return image, np.zeros((1, 1, 3, 60, 80), np.int32)


def test_a_search_looks_at_every_plane_of_a_small_stack(stack) -> None:
    image, labels = stack
    labels[0, 0, 1, 5:15, 5:15] = 2
    found = find(PlaceFinder(), search(image, labels))
    assert set(found.uncertainty) == {(0, 0), (0, 1), (0, 2)}
    for _, z, tile in Predictor(random_model(), TilingConfig(averaging="rotations and mirrors")).predict_image(image):
        np.testing.assert_array_equal(found.uncertainty[0, z][tile.inner], uncertainty(tile.probabilities))
    assert found.cell_diameter_px == pytest.approx(np.sqrt(100 * 4 / np.pi))


def test_what_is_painted_meanwhile_counts_no_more(stack) -> None:
    """The same finder, without another look at the image."""
    image, labels = stack
    finder, loaded = PlaceFinder(), []
    labels[0, 0, 0, :10, :10] = 2
    t, z, y, x = find(finder, search(image, labels), loaded=loaded).place
    labels[t, 0, z, y - 8 : y + 9, x - 8 : x + 9] = 1
    again = find(finder, search(image, labels), loaded=loaded)
    assert labels[again.place[0], 0, again.place[1], again.place[2], again.place[3]] == 0
    assert loaded == [0]
    visited = find(finder, search(image, labels, visited=((again.place[2], again.place[3]),)))
    distance = np.hypot(visited.place[2] - again.place[2], visited.place[3] - again.place[3])
    assert distance > visited.cell_diameter_px
    labels[:] = 1
    assert find(finder, search(image, labels)).place is None


@pytest.mark.parametrize(("z", "corner"), [(0, (2, 2)), (1, (40, 60)), (2, (20, 40))])
def test_it_stays_beside_the_painted_cell(stack, z: int, corner: tuple[int, int]) -> None:
    """Painted background draws it nowhere."""
    image, labels = stack
    labels[0, 0, :, 48:58, 2:12] = 1
    labels[0, 0, z, corner[0] : corner[0] + 10, corner[1] : corner[1] + 10] = 7
    found = find(PlaceFinder(), search(image, labels))
    assert found.place is not None and found.place[1] == z
    assert np.hypot(*np.subtract(found.place[2:], np.add(corner, 5))) < 2.5 * found.cell_diameter_px


def test_another_model_or_image_is_looked_at_anew(stack) -> None:
    image, labels = stack
    finder, loaded = PlaceFinder(), []
    first = find(finder, search(image, labels), 0, loaded).uncertainty[0, 0]
    assert find(finder, search(image, labels), 0, loaded).uncertainty[0, 0] is first
    assert find(finder, search(255 - image, labels, source="b"), 0, loaded).uncertainty[0, 0] is not first
    find(finder, search(image, labels), 1, loaded)
    assert loaded == [0, 1]


def test_dense_planes_with_cells_are_done(stack) -> None:
    image, labels = stack
    labels[0, 0, :2, 30:40, 30:40] = 1
    found = find(PlaceFinder(), search(image, labels, scheme="dense"))
    assert found.place is not None and found.place[1] == 2


def test_an_image_that_does_not_fit_is_refused(stack) -> None:
    image, labels = stack
    with pytest.raises(InputError, match="channels"):
        list(PlaceFinder().find(search(image, labels), 0, lambda: make_model(in_channels=2)))
