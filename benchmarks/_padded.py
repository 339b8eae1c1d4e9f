"""The U-Net as most programs have it: each convolution puts zeros around what it reads, and nothing else is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

from napari_unet.models.unet import UNet

if TYPE_CHECKING:
    from napari_unet.config.model import ModelConfig


class PaddedUNet(UNet):
    """Takes the inputs of the unpadded U-Net and gives outputs of the same size, but sees nothing beyond the output.

    So what is learnt from a patch, or predicted in a tile, is computed without what lies around it. Where the output is
    no multiple of ``2 ** depth``, the few pixels that are missing are read.
    """

    def __init__(self, config: ModelConfig, in_channels: int, n_classes: int) -> None:
        super().__init__(config, in_channels, n_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d) and module.kernel_size == (3, 3):
                module.padding = (1, 1)

    def forward(self, image: Tensor) -> Tensor:
        """Map an image (N, C, Y, X) to logits (N, classes, Y - 2 halo, X - 2 halo)."""
        rows, columns = (size - 2 * self.geometry.halo for size in image.shape[2:])
        top, left = (-size % self.geometry.alignment // 2 for size in (rows, columns))
        seen = [size + -size % self.geometry.alignment for size in (rows, columns)]
        y, x = self.geometry.halo - top, self.geometry.halo - left
        logits = super().forward(image[..., y : y + seen[0], x : x + seen[1]])
        return logits[..., top : top + rows, left : left + columns]
