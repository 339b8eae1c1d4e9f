"""What prediction folds into the convolutions: batch normalisation, and the balance of the classes in training."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

if TYPE_CHECKING:
    from collections.abc import Sequence


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


def undo_class_balance(network: nn.Module, class_balance: Sequence[float]) -> None:
    """Take the balance of the classes out of the logits of a network.

    To the network, a class that weighed w times as much in the loss was w times as frequent: its odds are divided by w.
    Without this, boundaries lie too far inside the frequent class.

    Parameters
    ----------
    network
        Network whose last convolution is its ``head``; it is changed.
    class_balance
        Weight of each class in the loss; empty: nothing to undo.

    Examples
    --------
    >>> from napari_unet.config.model import ModelConfig
    >>> from napari_unet.models.unet import UNet
    >>> network = UNet(ModelConfig(), in_channels=1, n_classes=2)
    >>> undo_class_balance(network, (0.5, 2.0))
    >>> network.head.bias.tolist()
    [0.6931471824645996, -0.6931471824645996]
    """
    if class_balance:
        bias = network.get_parameter("head.bias").data
        bias -= torch.tensor(class_balance, device=bias.device).log()
