"""Cells that a network is sure of, learnt from as if they were painted: for the cells that nobody had time for."""

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


def label_sure_cells(batch: Batch, logits: Tensor, class_balance: Sequence[float], least: float) -> Batch:
    """Annotate what nobody annotated and a network is sure to be cell.

    A few painted cells do not look like all the others. What a network makes of these is right more often than not, and
    learning from it spreads from the parts of a cell that look like the painted ones to the others. What it takes for
    background is never learnt: a cell that was missed would be missed for good.

    Parameters
    ----------
    batch
        Patches; where the weight is 0, nothing is known.
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
    >>> known = Batch(torch.zeros(1, 1, 1, 3), torch.zeros(1, 1, 3, dtype=torch.int64), torch.tensor([[[1.0, 0, 0]]]))
    >>> logits = torch.tensor([[[[0.0, 9.0, 0.0]], [[9.0, 0.0, 9.0]]]])
    >>> filled = label_sure_cells(known, logits, (0.5, 2.0), 0.9)
    >>> filled.target.tolist(), filled.weights.tolist()
    ([[[0, 0, 1]]], [[[1.0, 0.0, 2.0]]])
    """
    balance = torch.tensor(class_balance or [1.0] * logits.shape[1], device=logits.device)
    cell = (logits.float() - balance.log()[:, None, None]).softmax(1)[:, 1]
    sure = (cell >= least) & (batch.weights == 0)
    return replace(
        batch, target=batch.target.masked_fill(sure, 1), weights=torch.where(sure, balance[1], batch.weights)
    )
