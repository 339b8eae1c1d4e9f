"""How closely is looked at cells follows what the model to start from knows of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from skimage.draw import disk

from drawing import quick_recipe
from napari_unet.config.execution import ExecutionConfig
from napari_unet.config.training import CROWDED_DIAMETER_PX, UNFAMILIAR_DIAMETER_PX, WORKING_DIAMETER_PX
from napari_unet.data.training_image import TrainingImage
from napari_unet.errors import InputError
from napari_unet.training.computation import Computation
from napari_unet.training.resolution import choose_resolution
from napari_unet.training.trainer import Trainer
from networks import brightness_model

if TYPE_CHECKING:
    from pathlib import Path

DIAMETER_PX, N_PLANES = 80, 4


def discs(gap: int = DIAMETER_PX, *, bright: bool = True, plane: int = 0) -> TrainingImage:
    """Discs in two rows, annotated on one plane of a series alone."""
    labels, step = np.zeros((N_PLANES, 1, 1, 400, 400), np.uint8), DIAMETER_PX + gap
    for number, (row, column) in enumerate(np.ndindex(2, 2), 1):
        centre = (60 + row * step, 60 + column * step)
        labels[plane, 0, 0][disk(centre, DIAMETER_PX / 2, shape=(400, 400))] = number
    return TrainingImage("discs", ((labels > 0) == bright) * np.uint8(100), labels)


def resolution(image: TrainingImage, *, known: bool = True, kept: float | None = None, **training: Any) -> float:
    """Choose it for a model that takes bright pixels for cells, or for none."""
    init = brightness_model()
    init = replace(init, card=init.card.model_copy(update={"scale": kept}))
    recipe = quick_recipe(**{"rescale": None} | training)
    recipe = recipe.model_copy(update={"model": init.card.recipe.model})
    computation = Computation.choose(ExecutionConfig(device="cpu", precision="float32"))
    return choose_resolution([image], recipe, init.card.normalization, init if known else None, computation)


@pytest.mark.parametrize("plane", range(N_PLANES))
@pytest.mark.parametrize(
    ("gap", "bright", "diameter"),
    [
        (DIAMETER_PX, True, WORKING_DIAMETER_PX),
        (DIAMETER_PX, False, UNFAMILIAR_DIAMETER_PX),
        (5, True, CROWDED_DIAMETER_PX),
        (5, False, CROWDED_DIAMETER_PX),
    ],
    ids=["known", "unknown", "crowded", "crowded and unknown"],
)
def test_it_follows_what_is_known_wherever_it_is_painted(gap: int, bright: bool, diameter: int, plane: int) -> None:
    factor = resolution(discs(gap, bright=bright, plane=plane))
    assert factor * DIAMETER_PX == pytest.approx(diameter, rel=0.03)


@pytest.mark.parametrize(("bright", "factor"), [(True, 1.5), (False, 1.0)], ids=["known", "unknown"])
def test_small_cells_are_enlarged_where_they_are_known(bright: bool, factor: float) -> None:
    large = discs(bright=bright)
    small = TrainingImage("small", *(np.asarray(part)[..., ::4, ::4] for part in (large.image, large.labels)))
    assert resolution(small) == pytest.approx(factor, rel=0.05)
    assert resolution(small, known=False) == 1


def test_what_is_not_painted_is_not_asked_for() -> None:
    """The model is right about a disc and would be wrong about the bright ground beside it, if that counted."""
    image = discs()
    painted = np.where(image.labels == 1, 2, 0).astype(np.uint8)
    painted[0, 0, 0, 60:140, 101:115] = 1
    ground = np.asarray(image.image).copy()
    ground[0, 0, 0, 150:] = 100
    assert resolution(TrainingImage("one", ground, painted), scheme="sparse") < 0.45
    assert resolution(TrainingImage("one", 100 - ground, painted), scheme="sparse") > 0.5


def test_random_weights_a_wish_and_a_trained_model_are_not_tried() -> None:
    unknown = discs(bright=False)
    assert resolution(unknown, known=False) * DIAMETER_PX == pytest.approx(WORKING_DIAMETER_PX, rel=0.03)
    assert resolution(unknown, rescale=0.77) == 0.77
    assert resolution(unknown, kept=0.66) == 0.66
    assert resolution(unknown, target="classes") == 1


def test_the_model_stays_as_it_was_and_a_resumed_run_keeps_the_factor(tmp_path: Path) -> None:
    init, image = brightness_model(), discs(bright=False)
    before = {name: tensor.clone() for name, tensor in init.network.state_dict().items()}
    first = Trainer([image], quick_recipe(rescale=None, steps=2), tmp_path, init)
    assert all(torch.equal(tensor, before[name]) for name, tensor in init.network.state_dict().items())
    list(first.run())
    assert first.card.scale == pytest.approx(UNFAMILIAR_DIAMETER_PX / DIAMETER_PX, rel=0.03)
    again = Trainer([discs()], quick_recipe(rescale=None, steps=3), tmp_path, first.model())
    again.resume()
    assert again.card.scale == first.card.scale


def test_what_cannot_be_learnt_from_is_refused_in_words_before_the_model_is_tried(tmp_path: Path) -> None:
    init, image, recipe = brightness_model(), discs(bright=False), quick_recipe(rescale=None)
    ignored = replace(image, ignore=np.ones(image.labels.shape, bool))
    with pytest.raises(InputError, match="the labels are empty"):
        Trainer([ignored], recipe, tmp_path, init)
    cut = replace(image, image=image.image[..., :300])
    with pytest.raises(InputError, match="shape"):
        Trainer([cut], recipe, tmp_path, init)
