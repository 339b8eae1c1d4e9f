"""One step of a training: what is learnt from, the loss, and the way along its gradient."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

import torch
from torch import nn

from napari_unet.training.losses import weighted_cross_entropy
from napari_unet.training.pseudo_labels import LEARNT_AFTER, is_full_of_cells, label_sure_cells

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_unet.config.recipe import Recipe
    from napari_unet.config.training import TrainingConfig
    from napari_unet.data.sampling import Batch
    from napari_unet.training.computation import Computation
    from napari_unet.training.state import TrainingState


def learn(
    state: TrainingState,
    batch: Batch,
    recipe: Recipe,
    class_balance: Sequence[float],
    computation: Computation,
    teacher: nn.Module | None = None,
) -> float:
    """Take one step along the gradient.

    Parameters
    ----------
    state
        Its network and optimiser are changed.
    batch
        What is learnt from.
    recipe
        Every setting.
    class_balance
        Weight of each class in the loss.
    computation
        Where and how precisely it is computed.
    teacher
        Tells what is surely cell where nobody annotated, see `choose_teacher`; None: nobody does.

    Returns
    -------
    float
        The loss; not finite: no step was taken.
    """
    state.network.train()
    image = computation.place(batch.image)
    with _seeded(state, recipe, computation), computation.autocast():
        logits = state.network(image)
    # Asked only where its answer counts: it takes a fifth of the time of a step.
    if teacher is not None and is_full_of_cells(batch, logits.detach(), class_balance):
        with torch.no_grad(), computation.autocast():
            taught = teacher(image)
        batch = label_sure_cells(batch, taught, class_balance, recipe.training.pseudo_label_from)
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


def choose_teacher(state: TrainingState, config: TrainingConfig, used: float) -> nn.Module | None:
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
