"""Architectures by name, as they stand in settings and model files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_unet.models.unet import UNet

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import nn

    from napari_unet.config.model import ModelConfig

#: Makers of networks: settings, channels of the image and classes to a module.
ARCHITECTURES: dict[str, Callable[[ModelConfig, int, int], nn.Module]] = {"unet": UNet}


def build_network(config: ModelConfig, in_channels: int, n_classes: int) -> nn.Module:
    """Make an untrained network.

    Parameters
    ----------
    config
        Shape of the network.
    in_channels
        Channels of the image, at least 1.
    n_classes
        Classes, the background included, at least 2.

    Returns
    -------
    torch.nn.Module
        Maps (N, in_channels, Y, X) to logits (N, n_classes, Y - 2 halo, X - 2 halo).
    """
    return ARCHITECTURES[config.architecture](config, in_channels, n_classes)
