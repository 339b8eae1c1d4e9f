"""Looking at the held-out part: never augmented, never learnt from."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from napari_unet.data.evenly import evenly
from napari_unet.data.sampling import Batch, PatchReader, validation_corners
from napari_unet.models.folding import undo_class_balance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_unet.data.fields import Field
    from napari_unet.training.computation import Computation

#: Patches looked at in a validation; evenly chosen where there are more.
_MOST_PATCHES = 12


def held_out_batches(fields: list[Field], reader: PatchReader) -> list[Batch]:
    """Read the held-out patches.

    Parameters
    ----------
    fields
        Held-out fields.
    reader
        Reads patches of the size used in training.

    Returns
    -------
    list of Batch
        Of one patch each; their predicted parts do not overlap.
    """
    places = [(field, corner) for field in fields for corner in validation_corners(field, reader.output_px)]
    return [reader.still(*place) for place in evenly(places, _MOST_PATCHES)]


@torch.no_grad()
def validate(
    network: nn.Module, batches: list[Batch], computation: Computation, class_balance: Sequence[float]
) -> tuple[float, float]:
    """Compute loss and IoU of patches, as in prediction.

    Parameters
    ----------
    network
        Network to look at; it is not changed.
    batches
        Patches that are not varied, at least one.
    computation
        Where and how precisely the network is computed.
    class_balance
        What prediction takes out, see `undo_class_balance`.

    Returns
    -------
    tuple of float
        Weighted cross-entropy, and the intersection over union of the classes other than background: mean over the
        classes that occur, 1 when none occurs.
    """
    network = _predicting(network, class_balance)
    loss, weight, tables = 0.0, 0.0, []
    for batch in batches:
        logits = _logits(network, batch, computation)
        entropy = nn.functional.cross_entropy(logits, batch.target, reduction="none")
        loss += float((entropy * batch.weights).sum())
        weight += float(batch.weights.sum())
        known = batch.weights > 0
        tables.append(_confusion(batch.target[known], logits.argmax(1)[known], logits.shape[1]))
    return loss / max(weight, 1e-6), _mean_iou(np.sum(tables, axis=0))


@torch.no_grad()
def agreement(
    one: nn.Module, other: nn.Module, batches: list[Batch], computation: Computation, class_balance: Sequence[float]
) -> float:
    """Compute how far two networks find the same, whether it is annotated or not.

    Parameters
    ----------
    one, other
        Networks of the same kind; they are not changed.
    batches, computation, class_balance
        See `validate`.

    Returns
    -------
    float
        Intersection over union of the classes other than background, mean over those that either finds; 1 where
        neither finds any.
    """
    networks = [_predicting(network, class_balance) for network in (one, other)]
    tables = []
    for batch in batches:
        one_found, other_found = (_logits(network, batch, computation) for network in networks)
        tables.append(_confusion(one_found.argmax(1), other_found.argmax(1), one_found.shape[1]))
    return _mean_iou(np.sum(tables, axis=0))


def _predicting(network: nn.Module, class_balance: Sequence[float]) -> nn.Module:
    """Copy a network as it predicts."""
    network = copy.deepcopy(network).eval()
    undo_class_balance(network, class_balance)
    return network


def _logits(network: nn.Module, batch: Batch, computation: Computation) -> torch.Tensor:
    """Compute a network."""
    with computation.autocast():
        logits: torch.Tensor = network(computation.place(batch.image)).float()
    return logits


def _confusion(target: torch.Tensor, found: torch.Tensor, n_classes: int) -> np.ndarray:
    """Count pixels by true and found class."""
    pairs = (target * n_classes + found).flatten()
    return torch.bincount(pairs, minlength=n_classes**2).reshape(n_classes, n_classes).cpu().numpy()


def _mean_iou(table: np.ndarray) -> float:
    """Give the mean IoU of the classes other than background that occur."""
    both = np.diag(table)[1:]
    union = (table.sum(0) + table.sum(1))[1:] - both
    return float((both[union > 0] / union[union > 0]).mean()) if (union > 0).any() else 1.0
