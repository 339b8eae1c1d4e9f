"""The U-Net of Ronneberger, Fischer and Brox: unpadded, so that every output pixel saw only real input.

References
----------
Ronneberger, Fischer, Brox, "U-Net: Convolutional Networks for Biomedical Image Segmentation", MICCAI 2015,
arXiv:1505.04597.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from torch import Tensor, nn

from napari_unet.geometry import AxisGeometry
from napari_unet.models.blocks import ExpandingLevel, double_convolution

if TYPE_CHECKING:
    from napari_unet.config.model import ModelConfig


class UNet(nn.Module):
    """U-Net of unpadded convolutions.

    Parameters
    ----------
    config
        Depth, channels, normalisation and dropout.
    in_channels
        Channels of the image.
    n_classes
        Classes, the background included.

    Examples
    --------
    >>> from napari_unet.config.presets import preset
    >>> network = UNet(preset("paper").model, in_channels=1, n_classes=2)
    >>> sum(parameter.numel() for parameter in network.parameters())
    31030658
    """

    def __init__(self, config: ModelConfig, in_channels: int, n_classes: int) -> None:
        super().__init__()
        self.geometry = AxisGeometry(config.depth)
        channels = [min(config.base_channels * 2**level, config.max_channels) for level in range(config.depth + 1)]
        self.contracting = nn.ModuleList(
            double_convolution(before, after, config.batch_norm) for before, after in pairwise([in_channels, *channels])
        )
        self.pool = nn.MaxPool2d(2)
        self.dropout = nn.Dropout(config.dropout)
        self.expanding = nn.ModuleList(
            ExpandingLevel(before, after, config.batch_norm) for before, after in pairwise(reversed(channels))
        )
        self.head = nn.Conv2d(channels[0], n_classes, 1)
        self.apply(initialise)

    def forward(self, image: Tensor) -> Tensor:
        """Map an image (N, C, Y, X) to logits (N, classes, Y - 2 halo, X - 2 halo).

        Parameters
        ----------
        image
            Normalised intensities; Y and X must fit `geometry`.

        Returns
        -------
        torch.Tensor
            Logits before the softmax.
        """
        skips: list[Tensor] = []
        features = self.contracting[0](image)
        for level in self.contracting[1:]:
            skips.append(features)
            features = level(self.pool(features))
        features = self.dropout(features)
        for expand, skip in zip(self.expanding, reversed(skips), strict=True):
            features = expand(features, skip)
        logits: Tensor = self.head(features)
        return logits


def initialise(module: nn.Module) -> None:
    """Draw the weights of a convolution from a Gaussian of standard deviation sqrt(2 / N), N its inputs (He 2015).

    Parameters
    ----------
    module
        Any module; only convolutions are changed.
    """
    # Without memory there is nothing to draw, and PyTorch would load its compiler for it, which takes a second.
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d) and not module.weight.is_meta:
        # An up-convolution of stride 2 writes each pixel from one input pixel: N is its channels alone.
        inputs = module.in_channels * (9 if module.kernel_size == (3, 3) else 1)
        nn.init.normal_(module.weight, std=(2 / inputs) ** 0.5)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
