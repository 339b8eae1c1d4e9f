"""Batch normalisation folded into the convolutions before it: the same function, fewer passes over memory."""

from __future__ import annotations

import copy

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


def fold_batch_norm(network: nn.Module) -> nn.Module:
    """Copy a network for prediction, with each batch normalisation folded into its convolution.

    Parameters
    ----------
    network
        The network; it is not changed.

    Returns
    -------
    torch.nn.Module
        Network in evaluation mode, without gradients, whose output is that of ``network`` in evaluation mode.

    Examples
    --------
    >>> from napari_unet.models.blocks import double_convolution
    >>> [type(layer).__name__ for layer in fold_batch_norm(double_convolution(1, 2, batch_norm=True))]
    ['Conv2d', 'ReLU', 'Conv2d', 'ReLU']
    """
    folded = copy.deepcopy(network).eval().requires_grad_(False)
    for module in list(folded.modules()):
        if isinstance(module, nn.Sequential):
            _fold_chain(module)
    return folded


def _fold_chain(chain: nn.Sequential) -> None:
    """Fold every normalisation that directly follows a convolution."""
    # Backwards, because removing a layer moves those behind it.
    for index in range(len(chain) - 1, 0, -1):
        convolution, norm = chain[index - 1], chain[index]
        if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
            chain[index - 1] = fuse_conv_bn_eval(convolution, norm)
            del chain[index]
