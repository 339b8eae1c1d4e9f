"""Prediction with a network that sees images at another size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_unet.config.execution import ExecutionConfig
from napari_unet.config.instances import InstancesConfig
from napari_unet.config.tiling import TilingConfig
from napari_unet.inference.predictor import Predictor
from napari_unet.inference.segment import Segmenter
from napari_unet.models.model_file import TrainedModel
from networks import brightness_model, random_model

if TYPE_CHECKING:
    from numpy.typing import NDArray


FLOAT32 = ExecutionConfig(device="cpu", precision="float32")


def at_scale(model: TrainedModel, scale: float | None, **card: float) -> TrainedModel:
    return TrainedModel(model.network, model.card.model_copy(update={"scale": scale, **card}))


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


@pytest.mark.parametrize("tile_px", [4, 16])
def test_tiles_smaller_than_the_network_can_make_are_made_larger(tile_px: int) -> None:
    model, image = at_scale(random_model(), 0.6), noise(70, 64)
    whole = Predictor(model, TilingConfig(tile_px=4000), FLOAT32).probabilities(image)
    predictor = Predictor(model, TilingConfig(tile_px=tile_px), FLOAT32)
    assert len(list(predictor.predict_image(image))) < 150
    np.testing.assert_allclose(predictor.probabilities(image), whole, rtol=0, atol=1e-6)


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


@pytest.mark.parametrize("scale", [None, 0.5])
def test_cells_of_another_size_are_found_as_if_they_were_as_in_training(scale: float | None) -> None:
    model = at_scale(random_model(), scale, cell_diameter_px=20, small_cell_px=100)
    image = (50 + 50 * np.sin(np.arange(60) / 3)[:, None] * np.sin(np.arange(84) / 4)).astype(np.float32)[
        None, None, None
    ]
    doubled = image.repeat(2, axis=3).repeat(2, axis=4)
    given = Segmenter(model, TilingConfig(cell_diameter_px=40), InstancesConfig(), FLOAT32)
    as_trained = Segmenter(model, None, InstancesConfig(), FLOAT32)
    assert given.predictor.scale == as_trained.predictor.scale / 2
    # The smallest cell grows with the others.
    assert given._instances.min_size_px == 4 * as_trained._instances.min_size_px == 200
    # What was doubled is halved again for the network.
    expected = as_trained.predictor.probabilities(image)[0, 0, 0]
    error, uncorrected = (
        np.abs(segmenter.predictor.probabilities(doubled)[0, 0, 0].reshape(60, 2, 84, 2).mean((1, 3)) - expected).mean()
        for segmenter in (given, as_trained)
    )
    assert error < 0.06 < uncorrected


def test_a_cell_diameter_tiles_as_a_whole() -> None:
    model, image = random_model(), noise(150, 131)
    whole, tiled = (
        Predictor(model, TilingConfig(tile_px=edge, cell_diameter_px=100), FLOAT32).probabilities(image)
        for edge in (4000, 40)
    )
    np.testing.assert_allclose(tiled, whole, rtol=0, atol=1e-6)
