"""Cells that a network is sure of, learnt from as if they were painted: for tissue, of which nobody paints all."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from napari_unet.data.sampling import Batch

#: Share of the budget after which a network has an opinion worth learning from.
LEARNT_AFTER = 0.3
#: Share of what nobody annotated that cells must fill.
_FULL = 0.5


def is_full_of_cells(batch: Batch, logits: Tensor, class_balance: Sequence[float]) -> bool:
    """Tell whether a network takes most of what nobody annotated for cells, as in tissue or between membranes.

    Where cells lie apart, the few painted ones and the background around them show what there is. In tissue the cells
    beyond the painted ones are what is missing, and a pixel taken for cell is right more often than not.

    Parameters
    ----------
    batch, logits, class_balance
        See `label_sure_cells`.

    Returns
    -------
    bool
        False where all is annotated.
    """
    cell = _cell_probability(logits, class_balance)[batch.is_open]
    return bool((cell > 0.5).sum() > _FULL * cell.numel())


def label_sure_cells(batch: Batch, logits: Tensor, class_balance: Sequence[float], least: float) -> Batch:
    """Annotate what nobody annotated and a network is sure to be cell.

    Learning from it spreads from the parts of a cell that look like the painted ones to the others. What is taken for
    background is never learnt: a cell that was missed would be missed for good.

    Parameters
    ----------
    batch
        Patches.
    logits
        (N, classes, y, x) of the predicted part of the patches, class 1 being the cells.
    class_balance
        Weight of each class in the loss, which is taken out of the logits; empty: all weigh 1.
    least
        Probability of a cell that is sure enough.

    Returns
    -------
    Batch
        What was annotated stays as it was. A pixel that was added weighs what any pixel of a cell does.

    References
    ----------
    Lee, "Pseudo-Label", ICML workshop 2013. The running average of the weights as the teacher: Tarvainen and Valpola,
    "Mean teachers are better role models", NIPS 2017, arXiv:1703.01780.

    Examples
    --------
    Three pixels, the first annotated as background. Of the others only the last is surely cell.

    >>> from napari_unet.data.sampling import Batch
    >>> target, weights = torch.zeros(1, 1, 3, dtype=torch.int64), torch.tensor([[[1.0, 0, 0]]])
    >>> known = Batch(torch.zeros(1, 1, 1, 3), target, weights, weights == 0)
    >>> logits = torch.tensor([[[[0.0, 9.0, 0.0]], [[9.0, 0.0, 9.0]]]])
    >>> filled = label_sure_cells(known, logits, (0.5, 2.0), 0.9)
    >>> filled.target.tolist(), filled.weights.tolist()
    ([[[0, 0, 1]]], [[[1.0, 0.0, 2.0]]])
    """
    sure = (_cell_probability(logits, class_balance) >= least) & batch.is_open
    weight = class_balance[1] if class_balance else 1.0
    return replace(batch, target=batch.target.masked_fill(sure, 1), weights=batch.weights.masked_fill(sure, weight))


def _cell_probability(logits: Tensor, class_balance: Sequence[float]) -> Tensor:
    """Give the probability of cells, the balance of the classes taken out."""
    balance = torch.tensor(class_balance or [1.0] * logits.shape[1], device=logits.device)
    return (logits.float() - balance.log()[:, None, None]).softmax(1)[:, 1]
