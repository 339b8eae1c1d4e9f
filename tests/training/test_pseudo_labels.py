"""What a network is sure to be cell is learnt where nobody annotated, and nothing else is."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from drawing import draw_image, quick_recipe
from napari_unet.data.sampling import Batch
from napari_unet.samples.annotation import annotate_sparsely
from napari_unet.training.events import Stepped
from napari_unet.training.pseudo_labels import label_sure_cells
from napari_unet.training.trainer import Trainer

if TYPE_CHECKING:
    from pathlib import Path

PIXELS = (2, 3, 4)


@given(
    arrays(np.int64, PIXELS, elements=st.integers(0, 1)),
    arrays(np.float32, PIXELS, elements=st.sampled_from([0.0, 0.5, 3.0])),
    arrays(np.float32, (2, 2, 3, 4), elements=st.floats(-20, 20, width=32)),
    st.floats(0.5, 1),
    st.sampled_from([(), (0.25, 4.0), (4.0, 0.25)]),
)
def test_only_sure_cells_are_added(
    target: np.ndarray, weights: np.ndarray, logits: np.ndarray, least: float, balance: tuple[float, ...]
) -> None:
    batch = Batch(torch.zeros(2, 1, 3, 4), torch.from_numpy(target), torch.from_numpy(weights))
    filled = label_sure_cells(batch, torch.from_numpy(logits), balance, least)
    known = batch.weights > 0
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


def train(folder: Path, n_cells: int | None = 2, **training: Any) -> Trainer:
    """Begin to learn two of the discs, or all."""
    image = draw_image()
    if n_cells:
        painted = annotate_sparsely(np.asarray(image.labels[0, 0, 0]), n_cells)
        image = replace(image, labels=painted[None, None, None])
    scheme = "sparse" if n_cells else "dense"
    return Trainer([image], quick_recipe(steps=10, scheme=scheme, **training), folder)


def finish(trainer: Trainer) -> list[float]:
    for _ in trainer.run():
        pass
    return trainer.losses


def test_they_are_learnt_from_once_something_is_known(tmp_path: Path) -> None:
    without = finish(train(tmp_path / "without", pseudo_label_from=1.0))
    with_them = finish(train(tmp_path / "with", pseudo_label_from=0.5))
    assert with_them[:3] == without[:3]
    assert with_them[3] != without[3]


@pytest.mark.parametrize(
    "settings", [{"n_cells": None}, {"target": "classes"}, {"weight_averaging": 0.0}], ids=["dense", "classes", "alone"]
)
def test_nothing_is_added(tmp_path: Path, settings: dict[str, Any]) -> None:
    losses = [finish(train(tmp_path / str(least), pseudo_label_from=least, **settings)) for least in (0.5, 1.0)]
    assert losses[0] == losses[1]


def test_resumed_equals_uninterrupted(tmp_path: Path) -> None:
    whole = finish(train(tmp_path / "whole", pseudo_label_from=0.5))
    with closing(train(tmp_path / "broken", pseudo_label_from=0.5).run()) as events:
        next(event for event in events if isinstance(event, Stepped) and event.step == 6)
    resumed = train(tmp_path / "broken", pseudo_label_from=0.5)
    resumed.resume()
    assert finish(resumed) == whole
