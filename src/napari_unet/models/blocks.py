"""Building blocks of the U-Net. Shapes are (N, C, Y, X)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def double_convolution(in_channels: int, out_channels: int, batch_norm: bool) -> nn.Sequential:
    """Make two unpadded 3x3 convolutions, each followed by a ReLU.

    Parameters
    ----------
    in_channels, out_channels
        Channels read and written.
    batch_norm
        Whether each convolution is followed by batch normalisation (and then has no bias).

    Returns
    -------
    torch.nn.Sequential
        Maps (N, in_channels, Y, X) to (N, out_channels, Y - 4, X - 4).
    """
    layers: list[nn.Module] = []
    for channels in (in_channels, out_channels):
        layers.append(nn.Conv2d(channels, out_channels, 3, bias=not batch_norm))
        layers += [nn.BatchNorm2d(out_channels)] if batch_norm else []
        layers.append(nn.ReLU(inplace=True))
    return nn.Sequential(*layers)


def crop_and_concatenate(skip: Tensor, upsampled: Tensor) -> Tensor:
    """Crop the middle of the skip connection and put the upsampled features behind it.

    Parameters
    ----------
    skip
        Features of the contracting path, (N, C, Y, X).
    upsampled
        Features of the expanding path, (N, D, y, x) with y <= Y and x <= X.

    Returns
    -------
    torch.Tensor
        (N, C + D, y, x).
    """
    height, width = upsampled.shape[-2:]
    top, left = (skip.shape[-2] - height) // 2, (skip.shape[-1] - width) // 2
    return torch.cat([skip[..., top : top + height, left : left + width], upsampled], dim=1)


class ExpandingLevel(nn.Module):
    """Up-convolution, crop-and-concatenate, double convolution."""

    def __init__(self, in_channels: int, out_channels: int, batch_norm: bool) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(in_channels, out_channels, 2, stride=2)
        self.convolutions = double_convolution(2 * out_channels, out_channels, batch_norm)

    def forward(self, features: Tensor, skip: Tensor) -> Tensor:
        """Map (N, in, y, x) and the skip (N, out, Y, X) to (N, out, 2y - 4, 2x - 4)."""
        merged: Tensor = self.convolutions(crop_and_concatenate(skip, self.up(features)))
        return merged
