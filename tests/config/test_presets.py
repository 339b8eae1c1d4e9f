from __future__ import annotations

import pytest

from napari_unet.config.presets import PRESETS, preset
from napari_unet.config.recipe import Recipe, walk_settings
from napari_unet.geometry import AxisGeometry


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_changes_exactly_what_it_names(name: str) -> None:
    recipe, default = preset(name), Recipe()
    for section, setting, _ in walk_settings():
        expected = PRESETS[name].get(section, {}).get(setting, getattr(getattr(default, section), setting))
        assert getattr(getattr(recipe, section), setting) == expected


def test_the_default_preset_is_the_default() -> None:
    assert preset("default") == Recipe()


@pytest.mark.parametrize("name", PRESETS)
def test_the_patch_of_a_preset_fits_its_network(name: str) -> None:
    recipe = preset(name)
    assert AxisGeometry(recipe.model.depth).fit_output(recipe.training.patch_px) == recipe.training.patch_px


def test_the_preset_of_the_paper_says_what_the_paper_says() -> None:
    recipe = preset("paper")
    assert (recipe.model.depth, recipe.model.base_channels, recipe.model.max_channels) == (4, 64, 1024)
    assert (recipe.training.optimizer, recipe.training.momentum, recipe.training.batch_size) == ("sgd", 0.99, 1)
    assert AxisGeometry(4).input_size(recipe.training.patch_px) == 572
    assert recipe.weight_map.border == (10, 5)
    assert recipe.augmentation.elastic_px == 10
    assert not recipe.model.batch_norm
    assert recipe.model.dropout > 0


def test_an_unknown_preset_is_an_error() -> None:
    with pytest.raises(KeyError, match="papr"):
        preset("papr")
