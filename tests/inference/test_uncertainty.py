"""How unsure a model is: by hand, and whatever the tiles."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_unet.config.execution import ExecutionConfig
from napari_unet.config.tiling import TilingConfig
from napari_unet.inference.predictor import Predictor
from napari_unet.inference.uncertainty import uncertainty
from networks import random_model

FLOAT32 = ExecutionConfig(device="cpu", precision="float32")


def test_entropy_by_hand() -> None:
    foreground = np.array([0.0, 0.25, 0.5, 1.0], np.float32)
    expected = -(0.25 * np.log2(0.25) + 0.75 * np.log2(0.75))
    found = uncertainty(np.stack([1 - foreground, foreground]))
    np.testing.assert_allclose(found, [0, expected, 1, 0], atol=1e-6)
    assert found.dtype == np.float32
    assert uncertainty(np.full((4, 1), 0.25, np.float32))[0] == pytest.approx(1)


def test_what_views_disagree_about_is_uncertain() -> None:
    sure, other = np.array([[1.0, 1.0], [0.0, 0.0]], np.float32), np.array([[1.0, 0.0], [0.0, 1.0]], np.float32)
    np.testing.assert_allclose(uncertainty((sure + other) / 2), [0, 1], atol=1e-6)


@given(st.integers(1, 3), st.integers(1, 90), st.integers(1, 90), st.integers(4, 60))
@settings(deadline=None, max_examples=8)
def test_tiled_equals_whole(depth: int, height: int, width: int, tile_px: int) -> None:
    image = np.random.default_rng(height).integers(0, 100, (1, 1, 1, height, width), np.uint8)

    def found(edge: int) -> np.ndarray:
        tiling = TilingConfig(tile_px=edge, averaging="rotations and mirrors")
        return uncertainty(Predictor(random_model(depth), tiling, FLOAT32).probabilities(image)[0, 0])

    whole = found(4096)
    np.testing.assert_allclose(found(tile_px), whole, atol=1e-4)
    assert 0 <= whole.min() and whole.max() <= 1.0001
