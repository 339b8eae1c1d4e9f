"""How unsure a model is: by hand, whatever the tiles, and as the annotation is now."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_unet.config.execution import ExecutionConfig
from napari_unet.config.tiling import TilingConfig
from napari_unet.errors import InputError
from napari_unet.inference.places import Found, Search, Searching
from napari_unet.inference.uncertainty import PlaceFinder, UncertaintyPredictor, entropy
from napari_unet.models.model_file import TrainedModel
from networks import make_model, random_model

FLOAT32 = ExecutionConfig(device="cpu", precision="float32")
WHOLE = slice(0, 60), slice(0, 80)


def views(*foreground: float) -> list[torch.Tensor]:
    """Two classes at one pixel, as seen from each side."""
    return [torch.tensor([1 - p, p]).reshape(1, 2, 1, 1) for p in foreground]


def test_entropy_by_hand() -> None:
    values = [float(entropy(view)) for view in views(0.0, 0.25, 0.5, 1.0)]
    expected = -(0.25 * np.log2(0.25) + 0.75 * np.log2(0.75))
    np.testing.assert_allclose(values, [0, expected, 1, 0], atol=1e-6)
    assert float(entropy(torch.full((1, 4, 1, 1), 0.25))) == pytest.approx(1)


def uncertainty(model: TrainedModel, image: np.ndarray, tile_px: int) -> np.ndarray:
    predictor = UncertaintyPredictor(model, TilingConfig(tile_px=tile_px), FLOAT32)
    filled = np.full(image.shape, np.nan, np.float32)
    for t, z, tile in predictor.predict_image(image):
        filled[(t, 0, z, *tile.inner)] = tile.probabilities[0]
    return filled


@given(st.integers(1, 3), st.integers(1, 90), st.integers(1, 90), st.integers(4, 60), st.sampled_from([1.0, 0.5, 1.5]))
@settings(deadline=None, max_examples=15)
def test_tiled_equals_whole(depth: int, height: int, width: int, tile_px: int, scale: float) -> None:
    model = random_model(depth)
    model = TrainedModel(model.network, model.card.model_copy(update={"scale": scale}))
    image = np.random.default_rng(height).integers(0, 100, (1, 1, 1, height, width), np.uint8)
    tiled, whole = (uncertainty(model, image, edge) for edge in (tile_px, 4096))
    np.testing.assert_allclose(tiled, whole, atol=1e-5)
    assert 0 <= whole.min() and whole.max() <= 1


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
    whole = uncertainty(random_model(), image, 4096)
    for (t, z), made in found.uncertainty.items():
        np.testing.assert_allclose(made, whole[t, 0, z], atol=0.02)  # in half precision
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
