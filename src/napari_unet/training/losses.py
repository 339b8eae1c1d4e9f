"""The loss of the paper: softmax and cross-entropy, each pixel with its own weight."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch.nn import functional

if TYPE_CHECKING:
    from torch import Tensor


def weighted_cross_entropy(logits: Tensor, target: Tensor, weights: Tensor) -> Tensor:
    """Mean cross-entropy over the pixels, weighted.

    Parameters
    ----------
    logits
        (N, classes, Y, X), before the softmax; computed in float32 whatever their type.
    target
        (N, Y, X) int64, class of each pixel; any valid class where the weight is 0.
    weights
        (N, Y, X) float32, not negative; 0 where nothing is known.

    Returns
    -------
    torch.Tensor
        Scalar: sum of weight times cross-entropy, over the sum of the weights; 0 where all weights are 0.

    References
    ----------
    Ronneberger et al. 2015, eq. 1, divided by the sum of the weights so that it does not depend on how much of a
    patch is annotated.

    Examples
    --------
    >>> import torch
    >>> logits = torch.zeros(1, 2, 1, 2)
    >>> round(weighted_cross_entropy(logits, torch.tensor([[[0, 1]]]), torch.tensor([[[1.0, 3.0]]])).item(), 4)
    0.6931
    """
    entropy = functional.cross_entropy(logits.float(), target, reduction="none")
    return (entropy * weights).sum() / weights.sum().clamp(min=1e-6)
