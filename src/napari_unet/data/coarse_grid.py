"""Functions that change slowly over a patch: a coarse grid of values, bicubic in between."""

from __future__ import annotations

import functools

import torch
from torch import Tensor
from torch.nn import functional

#: Points of the grid along an axis (the paper's 3x3).
GRID = 3


@functools.lru_cache(maxsize=8)
def bicubic_weights(size: int, device: torch.device | None = None) -> Tensor:
    """Give what each grid point adds to each pixel of an axis.

    Parameters
    ----------
    size
        Pixels of the axis; the first and the last grid point lie on the first and the last pixel.
    device
        Where they are wanted; None: the CPU.

    Returns
    -------
    torch.Tensor
        (size, 3) float32; to be read only.

    Examples
    --------
    >>> bicubic_weights(3).tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    points = torch.eye(GRID)[None, :, :, None]
    return functional.interpolate(points, size=(size, 1), mode="bicubic", align_corners=True)[0, :, :, 0].T.to(device)


def spread(grid: Tensor, shape: tuple[int, int]) -> Tensor:
    """Spread values at the grid points smoothly over a patch.

    Parameters
    ----------
    grid
        (C, 3, 3).
    shape
        Shape of the patch, (y, x).

    Returns
    -------
    torch.Tensor
        (C, y, x) float32, where the grid lies.
    """
    along_y, along_x = (bicubic_weights(size, grid.device) for size in shape)
    return along_y @ grid @ along_x.T
