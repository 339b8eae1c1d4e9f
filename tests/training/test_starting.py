from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from drawing import draw_image
from napari_unet.config.recipe import Recipe, parse_recipe
from napari_unet.data.training_image import TrainingImage
from napari_unet.errors import InputError
from napari_unet.models.model_file import save_model
from napari_unet.models.starter import load_starter
from napari_unet.training.starting import choose_start
from napari_unet.training.trainer import Trainer
from networks import equal, make_model

if TYPE_CHECKING:
    from pathlib import Path


def colour(n_channels: int = 3) -> TrainingImage:
    grey = draw_image()
    return TrainingImage("colour", np.repeat(grey.image, n_channels, axis=1), grey.labels)


def recipe(**training: Any) -> Recipe:
    return parse_recipe({"training": {"steps": 1, "patch_px": 20, "batch_size": 1, "rescale": 1} | training})


def test_nothing_is_a_start_too() -> None:
    assert choose_start("none", [draw_image()], Recipe()).model is None


def test_a_file_is_loaded_as_it_is(tmp_path: Path) -> None:
    model = make_model()
    save_model(model, tmp_path / "mine.safetensors")
    start = choose_start(tmp_path / "mine.safetensors", [draw_image()], Recipe())
    assert start.model is not None
    assert equal(start.model, model)
    with pytest.raises(InputError, match="no such model file"):
        choose_start(tmp_path / "other.safetensors", [draw_image()], Recipe())


@pytest.mark.parametrize(
    ("settings", "named"),
    [({"depth": 3}, "depth"), ({"base_channels": 8, "batch_norm": False}, "base_channels, batch")],
)
def test_another_network_starts_from_random_weights_and_says_so(settings: dict[str, Any], named: str) -> None:
    start = choose_start("starter", [draw_image()], parse_recipe({"model": settings}))
    assert start.model is None
    assert named in start.message


def test_settings_without_weights_are_taken_over() -> None:
    wanted = parse_recipe({"model": {"dropout": 0.5}, "normalization": {"over": "training data"}})
    start = choose_start("starter", [draw_image()], wanted)
    assert start.model is not None
    assert start.model.card.recipe.model.dropout == 0.5
    assert len(start.model.card.normalization.intervals) == 1


@pytest.mark.parametrize(("scheme", "n_classes"), [("dense", 6), ("sparse", 5)])
def test_the_starter_fits_any_channels_and_classes(scheme: str, n_classes: int, tmp_path: Path) -> None:
    wanted = recipe(target="classes", scheme=scheme)
    start = choose_start("starter", [colour()], wanted)
    trainer = Trainer([colour()], wanted, tmp_path, start.model)
    assert (trainer.card.in_channels, trainer.card.n_classes) == (3, n_classes)
    assert len(list(trainer.run())) >= 2


def test_a_training_begins_with_the_weights_of_the_starter(tmp_path: Path) -> None:
    start = choose_start("starter", [draw_image()], recipe())
    begun = Trainer([draw_image()], recipe(), tmp_path, start.model).model().network.state_dict()
    expected = load_starter().network.state_dict()
    assert all(torch.equal(begun[name], value) for name, value in expected.items() if name != "head.bias")
