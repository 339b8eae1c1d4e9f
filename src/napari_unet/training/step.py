"""One step of a training: what is learnt from, the loss, and the way along its gradient."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

import torch
from torch import nn

from napari_unet.training.losses import weighted_cross_entropy
from napari_unet.training.pseudo_labels import LEARNT_AFTER, label_sure_cells

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_unet.config.recipe import Recipe
    from napari_unet.config.training import TrainingConfig
    from napari_unet.data.sampling import Batch
    from napari_unet.training.computation import Computation
    from napari_unet.training.state import TrainingState


def learn(state: TrainingState, batch: Batch, recipe: Recipe, computation: Computation) -> float:
    """Take one step along the gradient.

    Parameters
    ----------
    state
        Its network and optimiser are changed.
    batch
        What is learnt from.
    recipe
        Holds the seed of dropout.
    computation
        Where and how precisely it is computed.

    Returns
    -------
    float
        The loss; not finite: no step was taken.
    """
    state.network.train()
    with _seeded(state, recipe, computation), computation.autocast():
        logits = state.network(computation.place(batch.image))
    loss = weighted_cross_entropy(logits, batch.target, batch.weights)
    state.optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    norm = nn.utils.clip_grad_norm_(state.network.parameters(), 1.0)
    value, size = torch.stack([loss.detach(), norm]).tolist()
    if not math.isfinite(size):
        return math.nan
    state.optimizer.step()
    return float(value)


def _seeded(state: TrainingState, recipe: Recipe, computation: Computation) -> AbstractContextManager[None]:
    """Make the dropout of a step the same in every run with this seed, and leave the caller's randomness alone."""
    if not recipe.model.dropout:
        return nullcontext()
    return computation.seeded(recipe.training.seed * 1_000_003 + state.step)


def teacher(state: TrainingState, config: TrainingConfig, used: float) -> nn.Module | None:
    """Give the network that tells what is surely cell where nobody annotated.

    Parameters
    ----------
    state
        The average of its weights teaches.
    config
        Says whether.
    used
        Share of the budget that is used, 0 … 1.

    Returns
    -------
    torch.nn.Module
        In evaluation mode; None: only what is annotated is learnt.
    """
    wanted = config.scheme == "sparse" and config.target == "instances" and config.pseudo_label_from < 1
    return state.average if wanted and used >= LEARNT_AFTER else None


@torch.no_grad()
def label_batch(
    network: nn.Module, batch: Batch, config: TrainingConfig, class_balance: Sequence[float], computation: Computation
) -> Batch:
    """Annotate what a network is sure of, see `label_sure_cells`.

    Parameters
    ----------
    network
        See `teacher`.
    batch
        As it was annotated.
    config
        Says how sure.
    class_balance
        Weight of each class in the loss.
    computation
        Where and how precisely it is computed.

    Returns
    -------
    Batch
        With what is surely cell.
    """
    with computation.autocast():
        logits = network(computation.place(batch.image))
    return label_sure_cells(batch, logits, class_balance, config.pseudo_label_from)
