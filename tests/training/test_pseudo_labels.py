"""What a network is sure to be cell is learnt where nobody annotated, and nothing else is."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from drawing import quick_recipe
from napari_unet.data.sampling import Batch
from napari_unet.data.training_image import TrainingImage
from napari_unet.samples.annotation import annotate_sparsely
from napari_unet.training.events import Stepped
from napari_unet.training.pseudo_labels import is_full_of_cells, label_sure_cells
from napari_unet.training.trainer import Trainer
from networks import brightness_model

if TYPE_CHECKING:
    from pathlib import Path

PIXELS = (2, 3, 4)


@given(
    arrays(np.int64, PIXELS, elements=st.integers(0, 1)),
    arrays(np.float32, PIXELS, elements=st.sampled_from([0.0, 0.5, 3.0])),
    arrays(bool, PIXELS),
    arrays(np.float32, (2, 2, 3, 4), elements=st.floats(-20, 20, width=32)),
    st.floats(0.5, 1),
    st.sampled_from([(), (0.25, 4.0), (4.0, 0.25)]),
)
def test_only_sure_cells_are_added(
    target: np.ndarray,
    weights: np.ndarray,
    is_open: np.ndarray,
    logits: np.ndarray,
    least: float,
    balance: tuple[float, ...],
) -> None:
    """What weighs nothing is not open for that: background may weigh nothing, and so does what is to be left out."""
    pixels = torch.from_numpy(target), torch.from_numpy(weights * ~is_open), torch.from_numpy(is_open)
    batch = Batch(torch.zeros(2, 1, 3, 4), *pixels)
    filled = label_sure_cells(batch, torch.from_numpy(logits), balance, least)
    known = ~batch.is_open
    assert torch.equal(filled.target[known], batch.target[known])
    assert torch.equal(filled.weights[known], batch.weights[known])
    added = (filled.weights > 0) & ~known
    assert (filled.target[added] == 1).all()
    background, cell = balance or (1.0, 1.0)
    # Odds as they were before classes weighed differently.
    odds = np.exp(logits[:, 1] - logits[:, 0].astype(np.float64)) * background / cell
    probability = odds / (1 + odds)
    assert (probability[added.numpy()] >= least - 1e-5).all()
    assert (probability[(~added & ~known).numpy()] < least + 1e-5).all()
    assert (filled.weights[added] == cell).all()


@pytest.mark.parametrize(("n_cells", "is_full"), [(0, False), (4, False), (5, True), (8, True)])
def test_it_is_full_of_cells_where_most_of_what_is_open_is_cell(n_cells: int, is_full: bool) -> None:
    cell = np.arange(10) < n_cells + 2
    weights = torch.ones(1, 1, 10)
    weights[..., 2:] = 0  # the first two, which are cell, are annotated
    batch = Batch(torch.zeros(1, 1, 1, 10), torch.ones(1, 1, 10, dtype=torch.int64), weights, weights == 0)
    logits = torch.from_numpy(np.stack([~cell, cell])[None, :, None].astype(np.float32))
    assert is_full_of_cells(batch, logits, ()) == is_full
    # A class that weighs more in the loss is found more often.
    assert is_full_of_cells(batch, logits + torch.tensor([0.0, 2.0])[:, None, None], (1.0, np.exp(2))) == is_full


def test_nothing_is_open_where_all_is_annotated() -> None:
    weights = torch.ones(1, 1, 2)
    batch = Batch(torch.zeros(1, 1, 1, 2), torch.ones(1, 1, 2, dtype=torch.int64), weights, weights == 0)
    assert not is_full_of_cells(batch, torch.tensor([[[[0.0, 0.0]], [[9.0, 9.0]]]]), ())


def tissue() -> np.ndarray:
    """Squares parted by thin lines."""
    squares = np.kron(np.arange(1, 17).reshape(4, 4), np.ones((16, 16), int))
    inside = np.arange(64) % 16 < 15
    return squares * (inside[:, None] & inside)


def lying_apart() -> np.ndarray:
    """The same, most of them left out."""
    squares = tissue()
    return squares * np.isin(squares, [1, 3, 9, 11])


def train(folder: Path, truth: np.ndarray, n_cells: int | None = 2, **training: Any) -> Trainer:
    """Begin to learn two of the cells, or all, from a model that knows bright pixels to be cells."""
    labels = annotate_sparsely(truth, n_cells) if n_cells else truth
    if training.get("target") == "classes":
        labels = np.minimum(labels, 2)
    image = (20 + 60 * (truth > 0) + np.random.default_rng(0).normal(0, 8, truth.shape)).clip(0).astype(np.uint16)
    source = TrainingImage("cells", image[None, None, None], labels[None, None, None])
    recipe = quick_recipe(steps=10, scheme="sparse" if n_cells else "dense", **training)
    return Trainer([source], recipe, folder, brightness_model())


def finish(trainer: Trainer) -> list[float]:
    for _ in trainer.run():
        pass
    return trainer.losses


def test_they_are_learnt_from_once_something_is_known(tmp_path: Path) -> None:
    without, with_them = (
        finish(train(tmp_path / str(least), tissue(), pseudo_label_from=least)) for least in (1.0, 0.5)
    )
    assert with_them[:3] == without[:3]
    assert with_them[3] != without[3]


@pytest.mark.parametrize(
    "settings",
    [{"truth": lying_apart()}, {"n_cells": None}, {"target": "classes"}, {"weight_averaging": 0.0}],
    ids=["apart", "dense", "classes", "without average"],
)
def test_nothing_is_added(tmp_path: Path, settings: dict[str, Any]) -> None:
    settings = {"truth": tissue()} | settings
    losses = [finish(train(tmp_path / str(least), pseudo_label_from=least, **settings)) for least in (0.5, 1.0)]
    assert losses[0] == losses[1]


def test_resumed_equals_uninterrupted(tmp_path: Path) -> None:
    whole = finish(train(tmp_path / "whole", tissue(), pseudo_label_from=0.5))
    with closing(train(tmp_path / "broken", tissue(), pseudo_label_from=0.5).run()) as events:
        next(event for event in events if isinstance(event, Stepped) and event.step == 6)
    resumed = train(tmp_path / "broken", tissue(), pseudo_label_from=0.5)
    resumed.resume()
    assert finish(resumed) == whole
