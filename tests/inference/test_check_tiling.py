"""The check compares what it says, and finds a difference where there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_unet.config.recipe import parse_recipe
from napari_unet.inference import predictor
from napari_unet.inference.check_tiling import TileChecked, TilingChecked, check_tiling
from napari_unet.inference.live_events import Request
from napari_unet.models.model_file import save_model
from networks import random_model

if TYPE_CHECKING:
    from pathlib import Path

    from napari_unet.data.rectangles import Rectangle

NOISE = np.random.default_rng(3).integers(0, 100, (1, 1, 2, 90, 70), np.uint8)

#: Tiles of other sizes are summed up in another order, which moves the last bit.
ROUNDING = 1e-6


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "random.safetensors"
    save_model(random_model(), path)
    return path


def check(model: Path, rectangle: Rectangle | None, tile_px: int | None) -> TilingChecked:
    recipe = parse_recipe({"tiling": {"tile_px": tile_px}, "instances": {"min_size_px": 0}})
    *tiles, outcome = check_tiling(model, Request(NOISE, ((0, 1),), rectangle, recipe))
    shares = [tile.share for tile in tiles if isinstance(tile, TileChecked)]
    assert shares == sorted(shares) and shares[-1] == 1
    assert isinstance(outcome, TilingChecked)
    assert len(shares) == outcome.n_tiles + outcome.n_tiles_whole
    return outcome


@pytest.mark.parametrize("rectangle", [None, (slice(7, 66), slice(5, 64))])
@pytest.mark.parametrize("tile_px", [None, 16])
def test_tiled_is_whole(model: Path, rectangle: Rectangle | None, tile_px: int | None) -> None:
    outcome = check(model, rectangle, tile_px)
    assert outcome.n_tiles > 1 and outcome.n_tiles_whole == 1
    assert outcome.difference.shape == ((90, 70) if rectangle is None else (59, 59))
    assert np.abs(outcome.difference).max() < ROUNDING and outcome.n_different == 0
    assert outcome.text.startswith(f"0 of {outcome.difference.size} pixels differ, greatest difference of probability ")
    assert "in one piece" in outcome.text


def test_little_memory_is_told(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predictor, "fitting_tile_px", lambda *_: 40)
    outcome = check(model, None, 16)
    assert 1 < outcome.n_tiles_whole < outcome.n_tiles
    assert f"in {outcome.n_tiles_whole} tiles" in outcome.text


def test_a_difference_is_found(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    true = predictor.Predictor._predict_tile

    def predict(self, tile, plane, scaler):
        probabilities = true(self, tile, plane, scaler)
        return probabilities[::-1] if tile.inner[0].start == 0 and self.tiling.tile_px == 16 else probabilities

    monkeypatch.setattr(predictor.Predictor, "_predict_tile", predict)
    outcome = check(model, None, 16)
    changed = np.abs(outcome.difference) > ROUNDING
    assert outcome.n_different > 0 and changed[:16].any() and not changed[32:].any()
