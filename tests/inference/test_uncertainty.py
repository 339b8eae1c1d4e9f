"""How unsure a model is: by hand, and whatever the tiles."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_unet.config.execution import ExecutionConfig
from napari_unet.config.tiling import TilingConfig
from napari_unet.inference.uncertainty import UncertaintyPredictor, entropy
from napari_unet.models.model_file import TrainedModel
from networks import random_model

FLOAT32 = ExecutionConfig(device="cpu", precision="float32")


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
