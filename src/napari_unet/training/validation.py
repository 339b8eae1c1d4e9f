"""Looking at the held-out part: never augmented, never learnt from."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

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
    chosen = np.unique(np.linspace(0, len(places) - 1, min(len(places), _MOST_PATCHES)).round().astype(int))
    return [reader.still(*places[index]) for index in chosen]


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
    network = copy.deepcopy(network).eval()
    undo_class_balance(network, class_balance)
    loss, weight, tables = 0.0, 0.0, []
    for batch in batches:
        with computation.autocast():
            logits = network(computation.place(batch.image)).float()
        entropy = nn.functional.cross_entropy(logits, batch.target, reduction="none")
        loss += float((entropy * batch.weights).sum())
        weight += float(batch.weights.sum())
        tables.append(_confusion(batch.target, logits.argmax(1), batch.weights > 0, logits.shape[1]))
    return loss / max(weight, 1e-6), _mean_iou(np.sum(tables, axis=0))


def _confusion(target: torch.Tensor, found: torch.Tensor, known: torch.Tensor, n_classes: int) -> np.ndarray:
    """Count pixels by true and found class."""
    pairs = target[known] * n_classes + found[known]
    return torch.bincount(pairs, minlength=n_classes**2).reshape(n_classes, n_classes).cpu().numpy()


def _mean_iou(table: np.ndarray) -> float:
    """Give the mean IoU of the classes other than background that occur."""
    both = np.diag(table)[1:]
    union = (table.sum(0) + table.sum(1))[1:] - both
    return float((both[union > 0] / union[union > 0]).mean()) if (union > 0).any() else 1.0
