"""Random warps and grey-value changes: drawn parameters first, then a deterministic function of them.

A warp is applied while a patch is read, in one interpolation of the field: crop, mirroring at the edge, rotation,
flip, scale and elastic deformation cost one pass over the patch. All of it runs where the field lies.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

if TYPE_CHECKING:
    from napari_unet.config.augmentation import AugmentationConfig

#: Points of the elastic grid along an axis (the paper's 3x3).
GRID = 3


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


@dataclass(frozen=True)
class GreyChange:
    """Drawn parameters of one patch's intensities, in the order in which they act.

    Attributes
    ----------
    blur
        (taps,), an odd number of weights along each axis; one tap blurs nothing.
    light
        (C, 3, 3), brightness added at the grid points.
    exposure
        (), factor on the values counted from the darkest, -1.
    gamma
        (C, 1, 1), exponent on the values rescaled to 0 … 1.
    gain, shift
        (C, 1, 1): new value = gain * value + shift, of values normalised to about -1 … 1.
    noise
        (C, 1, 1), standard deviation of the added Gaussian noise.
    seed
        Seed of the noise.
    """

    blur: Tensor
    light: Tensor
    exposure: Tensor
    gain: Tensor
    shift: Tensor
    gamma: Tensor
    noise: Tensor
    seed: int


def draw_warp(config: AugmentationConfig, generator: torch.Generator) -> Warp:
    """Draw the geometry of one patch.

    Parameters
    ----------
    config
        How much of what.
    generator
        Source of randomness; its device is the device of the result.

    Returns
    -------
    Warp
        The drawn parameters.

    Examples
    --------
    >>> from napari_unet.config.augmentation import AugmentationConfig
    >>> still = AugmentationConfig(elastic_px=0, rotation=False, flip=False, scale=0)
    >>> bool((draw_warp(still, torch.Generator()).matrix == torch.eye(2)).all())
    True
    """
    angle, size, mirror = torch.rand(3, generator=generator, device=generator.device)
    angle = angle * (2 * math.pi * config.rotation)
    size = (1 + config.scale) ** (2 * size - 1)
    sign = 1 - 2 * (mirror < 0.5).float() * config.flip
    cosine, sine = torch.cos(angle) * size, torch.sin(angle) * size
    matrix = torch.stack([torch.stack([cosine, -sine * sign]), torch.stack([sine, cosine * sign])])
    displacement = torch.randn(2, GRID, GRID, generator=generator, device=generator.device) * config.elastic_px
    return Warp(matrix, displacement)


def warp_coordinates(warp: Warp, centre: Tensor, size: int) -> Tensor:
    """Give the place in the field of each pixel of a patch.

    Parameters
    ----------
    warp
        Drawn geometry.
    centre
        (2,), place of the patch's centre in the field, px, order (y, x).
    size
        Edge of the patch, px.

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
    basis = _basis(size).to(centre.device)
    core = basis.new_zeros(2, GRID + 2, GRID + 2)
    core[:, :GRID, :GRID] = warp.displacement
    core[:, GRID, -1] = warp.matrix[:, 0]
    core[:, -1, GRID] = warp.matrix[:, 1]
    core[:, -1, -1] = centre
    return basis @ core @ basis.T


@functools.lru_cache(maxsize=8)
def _basis(size: int) -> Tensor:
    """Give the functions along an axis of which every warp is a sum of products.

    Columns: the bicubic weight of each grid point, the place from the middle in px, one. So a warp is a product of
    three small matrices, ten times cheaper than a bicubic interpolation of the displacements to every pixel.
    """
    points = torch.eye(GRID)[None, :, :, None]
    bicubic = functional.interpolate(points, size=(size, 1), mode="bicubic", align_corners=True)[0, :, :, 0].T
    place = torch.arange(size) - (size - 1) / 2
    return torch.cat([bicubic, place[:, None], torch.ones(size, 1)], dim=1)


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
    extent = torch.tensor(image.shape[-2:], device=image.device).sub(1).clamp(min=1)
    grid = (coordinates * (2 / extent)[:, None, None] - 1).flip(0).permute(1, 2, 0)
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


def draw_grey_change(config: AugmentationConfig, channels: int, generator: torch.Generator) -> GreyChange:
    """Draw the intensities of one patch.

    Parameters
    ----------
    config
        How much of what.
    channels
        Channels of the image; each is changed on its own.
    generator
        Source of randomness.

    Returns
    -------
    GreyChange
        The drawn parameters.
    """
    device = generator.device
    drawn = torch.rand(4, channels, 1, 1, generator=generator, device=device)
    gain = (1 + config.contrast) ** (2 * drawn[0] - 1)
    gamma = (1 + config.contrast) ** (2 * drawn[2] - 1)
    sharpness, side, dim = torch.rand(3, generator=generator, device=device)
    if config.invert:
        gain *= torch.sign(side - 0.5)
    light = torch.randn(channels, GRID, GRID, generator=generator, device=device) * config.uneven_light
    seed = int(torch.randint(2**62, (1,), generator=generator, device=device))
    return GreyChange(
        blur=_gaussian(config.blur * sharpness, math.ceil(3 * config.blur)),
        light=light,
        exposure=config.dimming ** -(dim**2),
        gain=gain,
        shift=config.brightness * (2 * drawn[1] - 1),
        gamma=gamma,
        noise=config.noise * drawn[3] ** 2,
        seed=seed,
    )


def _gaussian(sigma: Tensor, radius: int) -> Tensor:
    """Give the weights of a blur, as many for a narrow one as for the widest."""
    distance = torch.arange(-radius, radius + 1, device=sigma.device) / sigma.clamp(min=1e-3)
    weights = torch.exp(-0.5 * distance**2)
    return weights / weights.sum()


def change_grey(image: Tensor, change: GreyChange) -> Tensor:
    """Apply a grey-value change.

    Parameters
    ----------
    image
        (C, Y, X) float32, normalised to about -1 … 1.
    change
        Drawn parameters.

    Returns
    -------
    torch.Tensor
        (C, Y, X) float32.
    """
    generator = torch.Generator(image.device).manual_seed(change.seed)
    noise = torch.randn(image.shape, generator=generator, device=image.device)
    seen = _blurred(image, change.blur)
    lit = seen + (seen + 1) * (change.exposure - 1) + _slow(change.light, image.shape)
    # Gamma bends only what lies between the percentiles that became -1 and 1.
    inside = ((lit + 1) / 2).clamp(0, 1)
    bent = lit + 2 * (inside.pow(change.gamma) - inside)
    return torch.addcmul(change.shift, bent, change.gain).addcmul_(noise, change.noise)


def _blurred(image: Tensor, weights: Tensor) -> Tensor:
    """Blur along both axes, mirrored at the edge."""
    radius = len(weights) // 2
    if not radius:
        return image
    padded = functional.pad(image, (radius,) * 4, mode="reflect")[:, None]
    rows = functional.conv2d(padded, weights[None, None, :, None])
    return functional.conv2d(rows, weights[None, None, None])[:, 0]


def _slow(grid: Tensor, shape: torch.Size) -> Tensor:
    """Spread values at the grid points smoothly over a patch."""
    along_y, along_x = (_basis(size)[:, :GRID].to(grid.device) for size in shape[-2:])
    return along_y @ grid @ along_x.T
