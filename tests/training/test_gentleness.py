"""Starting from a model: what it knows is kept, what it does not know is learnt freely."""

from __future__ import annotations

import copy
import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.utils import parameters_to_vector

from drawing import draw_image, quick_recipe
from napari_unet.config.execution import ExecutionConfig
from napari_unet.config.training import TrainingConfig
from napari_unet.data.sampling import Batch
from napari_unet.data.training_image import TrainingImage
from napari_unet.training.computation import Computation
from napari_unet.training.events import Stepped
from napari_unet.training.gentleness import gentleness, worth_keeping
from napari_unet.training.trainer import Trainer
from napari_unet.training.validation import agreement
from networks import brightness_model

if TYPE_CHECKING:
    from pathlib import Path

    from napari_unet.models.model_file import TrainedModel


def discs(*, swapped: bool = False) -> TrainingImage:
    """Bright discs that are cells, or else the ground around them."""
    inside = np.asarray(draw_image().labels) > 0
    return TrainingImage("discs", inside * np.uint8(100), (inside != swapped).astype(np.uint8))


@pytest.fixture
def expert() -> TrainedModel:
    """A model to which bright pixels are cells."""
    return brightness_model()


def weights(model: TrainedModel) -> torch.Tensor:
    return vector(model.network)


def vector(network: torch.nn.Module) -> torch.Tensor:
    return parameters_to_vector(parameter.contiguous() for parameter in network.parameters())


def test_the_better_it_knows_the_cells_the_gentler_it_is_taught() -> None:
    taught = [gentleness(TrainingConfig(), iou) for iou in np.linspace(0, 1, 21)]
    rates, kept = zip(*taught, strict=True)
    assert list(rates) == sorted(rates, reverse=True)
    assert list(kept) == sorted(kept)
    assert taught[0] == (1, 0)
    assert taught[-1] == pytest.approx((TrainingConfig().gentle_rate, TrainingConfig().kept_share))


@pytest.mark.parametrize(("image", "factor"), [(discs(), 0.1), (discs(swapped=True), 1.0)], ids=["known", "unknown"])
def test_the_learning_rate_follows_what_is_known(
    expert: TrainedModel, tmp_path: Path, image: TrainingImage, factor: float
) -> None:
    recipe = quick_recipe(steps=1, gentle_rate=0.1)
    plain = Trainer([image], recipe, tmp_path / "plain")
    started = Trainer([image], recipe, tmp_path / "started", expert)
    rates = [next(e.learning_rate for e in t.run() if isinstance(e, Stepped)) for t in (plain, started)]
    assert rates[1] == pytest.approx(factor * rates[0])


def test_the_result_lies_between_old_and_new_weights(expert: TrainedModel, tmp_path: Path) -> None:
    found = []
    for share in (0.0, 0.25, 0.5):
        recipe = quick_recipe(kept_share=share, gentle_rate=0.5, weight_averaging=0.0)
        trainer = Trainer([discs()], recipe, tmp_path / str(share), expert)
        list(trainer.run())
        found.append(weights(trainer.model()))
    begun = weights(Trainer([discs()], quick_recipe(), tmp_path / "begun", expert).model())
    assert (found[0] - begun).norm() > 1e-3
    for share, mixed in zip((0.25, 0.5), found[1:], strict=True):
        torch.testing.assert_close(mixed, torch.lerp(found[0], begun, share), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("begins_trained", [True, False])
@pytest.mark.parametrize("steps_per_image", [1, 60])
def test_what_is_kept_and_averaged_survives_a_resume(
    expert: TrainedModel, tmp_path: Path, steps_per_image: int, begins_trained: bool
) -> None:
    """With one step an image, the average is long if it begins trained; what is resumed has a model in any case."""
    recipe, init = quick_recipe(steps=8, steps_per_image=steps_per_image), expert if begins_trained else None
    whole = Trainer([discs()], recipe, tmp_path / "whole", init)
    list(whole.run())
    first = Trainer([discs()], recipe, tmp_path / "parts", init)
    events = first.run()
    while first.step < 5:
        next(events)
    events.close()
    second = Trainer([discs()], recipe, tmp_path / "parts", first.model())
    second.resume()
    list(second.run())
    assert torch.equal(weights(second.model()), weights(whole.model()))


def test_the_model_is_the_mean_of_a_long_training(expert: TrainedModel, tmp_path: Path) -> None:
    recipe = quick_recipe(steps=12, steps_per_image=1, kept_share=0.0)
    trainer, passed = Trainer([discs()], recipe, tmp_path, expert), []
    for event in trainer.run():
        if isinstance(event, Stepped):
            passed.append((vector(trainer._state.network), vector(trainer._state.trained)))
    # From the third step on, each renews by one over its number, and over the logarithm of what is passed since 0.6.
    mean = passed[1][1]
    for number, (weights_now, _) in enumerate(passed[2:], 3):
        mean = torch.lerp(mean, weights_now, 1 / (number * math.log(0.6 * number)))
    torch.testing.assert_close(weights(trainer.model()), mean)


@pytest.mark.parametrize("kept", [0.0, 0.3])
def test_what_is_kept_is_asked_again_half_way_and_at_the_end(
    expert: TrainedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: float
) -> None:
    """The last answer counts; before the first, it is what is known of the annotated cells."""
    asked: list[tuple[int, float]] = []

    def answer(config: TrainingConfig, old: torch.nn.Module, new: torch.nn.Module, *_: object) -> float:
        assert (old, new) == (trainer._state.beginning, trainer._state.trained)
        asked.append((trainer.step, trainer._state.kept))
        return kept

    monkeypatch.setattr("napari_unet.training.trainer.worth_keeping", answer)
    trainer = Trainer([discs()], quick_recipe(steps=8), tmp_path, expert)
    list(trainer.run())
    assert asked == [(4, TrainingConfig().kept_share), (8, kept)]
    state = trainer._state
    assert state.beginning is not None
    mixed = torch.lerp(vector(state.trained), vector(state.beginning), kept)
    torch.testing.assert_close(weights(trainer.model()), mixed)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1), st.floats(-30, 30))
def test_what_is_worth_keeping_follows_the_annotation_and_the_new_network(seed: int, offset: float) -> None:
    """One row is annotated, by the old network itself: all of it is known. The new one may contradict."""
    old = brightness_model().network
    new = answers(old, offset)
    image = torch.tensor(np.random.default_rng(seed).normal(size=(1, 1, 24, 24)), dtype=torch.float32)
    found = [network(image).argmax(1) for network in (old, new)]
    row = torch.zeros(found[0].shape)
    row[:, 0] = 1
    both, either = [(op(found[0] == 1, found[1] == 1)).sum() for op in (torch.logical_and, torch.logical_or)]
    expected = float(both / either) if either else 1.0
    batch = Batch(image, found[0], row, row == 0)
    how = Computation.choose(ExecutionConfig(device="cpu", precision="float32")), ()
    assert agreement(old, new, [batch], *how) == pytest.approx(expected)
    assert agreement(new, old, [batch], *how) == pytest.approx(expected)
    most = TrainingConfig().kept_share
    kept = worth_keeping(TrainingConfig(), old, new, [batch], *how)
    assert kept == pytest.approx(min(most, expected**2))
    # A truth that says the opposite of what the old network finds: nothing of it is worth keeping.
    if found[0].any() and not found[0].all():
        other = replace(batch, target=1 - found[0], weights=torch.ones_like(row))
        assert worth_keeping(TrainingConfig(), old, new, [other], *how) == 0


def answers(network: torch.nn.Module, offset: float) -> torch.nn.Module:
    """A network that takes more or less for cells, by so much."""
    moved = copy.deepcopy(network)
    with torch.no_grad():
        moved.head.bias[1] += offset
    return moved


def test_random_weights_are_not_kept(tmp_path: Path) -> None:
    trainer = Trainer([discs()], quick_recipe(), tmp_path)
    assert not any(name.startswith("beginning") for name in trainer._state.tensors())
