"""Random warps: drawn parameters first, then a deterministic function of them.

A warp is applied while a patch is read, in one interpolation of the field: crop, mirroring at the edge, rotation,
flip, scale and elastic deformation cost one pass over the patch. It runs where the field lies; what is drawn are a few
numbers, drawn on the CPU, so that every device sees the same patches, and none is waited for.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from napari_unet.data.coarse_grid import GRID, bicubic_weights

if TYPE_CHECKING:
    from napari_unet.config.augmentation import AugmentationConfig


@dataclass(frozen=True)
class Warp:
    """Drawn parameters of one patch's geometry.

    Attributes
    ----------
    matrix
        (2, 2), from patch px to field px, rows and columns in the order (y, x).
    displacement
        (2, 3, 3), elastic displacement in px at the grid points, order (y, x).
    """

    matrix: Tensor
    displacement: Tensor


def draw_warp(config: AugmentationConfig, generator: torch.Generator) -> Warp:
    """Draw the geometry of one patch.

    Parameters
    ----------
    config
        How much of what.
    generator
        Source of randomness, on the CPU.

    Returns
    -------
    Warp
        The drawn parameters, on the CPU.

    Examples
    --------
    >>> from napari_unet.config.augmentation import AugmentationConfig
    >>> still = AugmentationConfig(elastic_px=0, rotation=False, flip=False, scale=0)
    >>> bool((draw_warp(still, torch.Generator()).matrix == torch.eye(2)).all())
    True
    """
    angle, size, mirror = torch.rand(3, generator=generator)
    angle = angle * (2 * math.pi * config.rotation)
    size = (1 + config.scale) ** (2 * size - 1)
    sign = 1 - 2 * (mirror < 0.5).float() * config.flip
    cosine, sine = torch.cos(angle) * size, torch.sin(angle) * size
    matrix = torch.stack([torch.stack([cosine, -sine * sign]), torch.stack([sine, cosine * sign])])
    displacement = torch.randn(2, GRID, GRID, generator=generator) * config.elastic_px
    return Warp(matrix, displacement)


def warp_coordinates(warp: Warp, centre: Tensor, size: int, device: torch.device | None = None) -> Tensor:
    """Give the place in the field of each pixel of a patch.

    Parameters
    ----------
    warp
        Drawn geometry.
    centre
        (2,), place of the patch's centre in the field, px, order (y, x); on the CPU.
    size
        Edge of the patch, px.
    device
        Where the result is wanted; None: the CPU.

    Returns
    -------
    torch.Tensor
        (2, size, size) float32, order (y, x), px; may lie outside the field.

    Examples
    --------
    >>> still = Warp(torch.eye(2), torch.zeros(2, 3, 3))
    >>> warp_coordinates(still, torch.tensor([5.0, 7.0]), 3)[0, :, 0].tolist()
    [4.0, 5.0, 6.0]
    """
    basis = _basis(size, device or centre.device)
    core = torch.zeros(2, GRID + 2, GRID + 2)
    core[:, :GRID, :GRID] = warp.displacement
    core[:, GRID, -1] = warp.matrix[:, 0]
    core[:, -1, GRID] = warp.matrix[:, 1]
    core[:, -1, -1] = centre
    return basis @ core.to(basis.device, non_blocking=True) @ basis.T


@functools.lru_cache(maxsize=8)
def _basis(size: int, device: torch.device) -> Tensor:
    """Give the functions along an axis of which every warp is a sum of products.

    Columns: the bicubic weight of each grid point, the place from the middle in px, one. So a warp is a product of
    three small matrices, ten times cheaper than a bicubic interpolation of the displacements to every pixel.
    """
    place = torch.arange(size) - (size - 1) / 2
    return torch.cat([bicubic_weights(size), place[:, None], torch.ones(size, 1)], dim=1).to(device)


def sample_image(image: Tensor, coordinates: Tensor) -> Tensor:
    """Read an image at any place, linearly between pixels, mirrored beyond its edge.

    Parameters
    ----------
    image
        (C, Y, X) float32.
    coordinates
        (2, y, x), px, order (y, x).

    Returns
    -------
    torch.Tensor
        (C, y, x) float32.
    """
    rows, columns = (
        axis * (2 / max(size - 1, 1)) - 1 for axis, size in zip(coordinates, image.shape[-2:], strict=True)
    )
    grid = torch.stack([columns, rows], dim=-1)
    return functional.grid_sample(
        image[None], grid[None], mode="bilinear", padding_mode="reflection", align_corners=True
    ).squeeze(0)


def nearest_index(coordinates: Tensor, shape: tuple[int, int]) -> Tensor:
    """Give the flat index of the pixel nearest to each place, mirrored beyond the edge.

    Parameters
    ----------
    coordinates
        (2, y, x), px, order (y, x).
    shape
        Shape of the field, (Y, X).

    Returns
    -------
    torch.Tensor
        (y, x) int64, into the flattened field.

    Examples
    --------
    >>> nearest_index(torch.tensor([[[-1.0, 0.0]], [[2.0, 4.0]]]), (3, 4)).tolist()
    [[6, 2]]
    """
    rows, columns = (reflect(axis.round(), size) for axis, size in zip(coordinates, shape, strict=True))
    return (rows * shape[1] + columns).long()


def reflect(position: Tensor, size: int) -> Tensor:
    """Fold positions into 0 … size - 1 by mirroring at the first and last pixel, which are not repeated.

    Parameters
    ----------
    position
        Positions, px.
    size
        Pixels of the axis.

    Returns
    -------
    torch.Tensor
        Positions inside the axis.

    Examples
    --------
    >>> reflect(torch.arange(-2, 6), 4).tolist()
    [2, 1, 0, 1, 2, 3, 2, 1]
    """
    last = size - 1
    return position * 0 if last == 0 else last - (position.abs() % (2 * last) - last).abs()
