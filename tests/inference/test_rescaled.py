"""Prediction with a network that sees images at another size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_unet.config.execution import ExecutionConfig
from napari_unet.config.tiling import TilingConfig
from napari_unet.inference.predictor import Predictor
from napari_unet.inference.segment import Segmenter
from napari_unet.models.model_file import TrainedModel
from networks import brightness_model, random_model

if TYPE_CHECKING:
    from numpy.typing import NDArray


FLOAT32 = ExecutionConfig(device="cpu", precision="float32")


def at_scale(model: TrainedModel, scale: float) -> TrainedModel:
    return TrainedModel(model.network, model.card.model_copy(update={"scale": scale}))


def noise(height: int, width: int) -> NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 101, (1, 1, 1, height, width), np.uint8)


def squares(height: int, width: int) -> NDArray[np.uint8]:
    image = np.zeros((1, 1, 1, height, width), np.uint8)
    for top in range(10, height - 40, 60):
        for left in range(10, width - 40, 60):
            image[..., top : top + 40, left : left + 40] = 100
    return image


@pytest.mark.parametrize("scale", [0.3, 0.5, 1.7])
@pytest.mark.parametrize("tile_px", [40, 70])
def test_tiled_is_whole(scale: float, tile_px: int) -> None:
    model, image = at_scale(random_model(), scale), noise(150, 131)
    whole, tiled = (
        Predictor(model, TilingConfig(tile_px=edge), FLOAT32).probabilities(image) for edge in (4000, tile_px)
    )
    np.testing.assert_allclose(tiled, whole, rtol=0, atol=1e-6)


def test_a_part_is_predicted_as_in_the_whole() -> None:
    predictor, image = Predictor(at_scale(random_model(), 0.4), execution=FLOAT32), noise(150, 131)
    whole = predictor.probabilities(image)[0, 0]
    scaler = predictor.card.normalization.for_image(image)
    box = slice(33, 90), slice(50, 131)
    found = np.full((2, 150, 131), np.nan, np.float32)
    for tile in predictor.predict_plane(image[0, :, 0], scaler, box):
        found[(slice(None), *tile.inner)] = tile.probabilities
    np.testing.assert_allclose(found[(slice(None), *box)], whole[(slice(None), *box)], rtol=0, atol=1e-6)
    assert np.isnan(found).sum() == 2 * (150 * 131 - 57 * 81)


@pytest.mark.parametrize("scale", [0.5, 0.8, 2.0])
def test_cells_stay_where_they_are(scale: float) -> None:
    model, image = at_scale(brightness_model(), scale), squares(150, 210)
    found = next(Segmenter(model).planes(image))
    assert found.labels.shape == (150, 210)
    assert found.n_cells == 6
    assert ((found.labels > 0) == (image[0, 0, 0] > 50)).mean() > 0.97


def test_probabilities_stay_probabilities() -> None:
    sums = Predictor(at_scale(random_model(), 0.37)).probabilities(noise(90, 77)).sum(2)
    np.testing.assert_allclose(sums, 1, atol=1e-5)


@pytest.mark.parametrize(("scale", "expected"), [(0.25, 8), (1.0, 2), (3.0, 2)])
def test_ridges_are_grown_over_as_wide_as_the_network_sees_them(scale: float, expected: int) -> None:
    assert Segmenter(at_scale(random_model(), scale))._instances.grow_px == expected
