"""Random changes of grey values: drawn parameters first, then a deterministic function of them.

They are drawn on the CPU, and follow the image to its device in one piece.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from napari_unet.data.coarse_grid import GRID, spread

if TYPE_CHECKING:
    from napari_unet.config.augmentation import AugmentationConfig


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


def draw_grey_change(config: AugmentationConfig, channels: int, generator: torch.Generator) -> GreyChange:
    """Draw the intensities of one patch.

    Parameters
    ----------
    config
        How much of what.
    channels
        Channels of the image; each is changed on its own.
    generator
        Source of randomness, on the CPU.

    Returns
    -------
    GreyChange
        The drawn parameters, on the CPU.
    """
    drawn = torch.rand(4, channels, 1, 1, generator=generator)
    gain = (1 + config.contrast) ** (2 * drawn[0] - 1)
    gamma = (1 + config.contrast) ** (2 * drawn[2] - 1)
    sharpness, side, dim = torch.rand(3, generator=generator)
    if config.invert:
        gain *= torch.sign(side - 0.5)
    light = torch.randn(channels, GRID, GRID, generator=generator) * config.uneven_light
    seed = int(torch.randint(2**62, (1,), generator=generator))
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
    distance = torch.arange(-radius, radius + 1) / sigma.clamp(min=1e-3)
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
    change = _moved(change, image.device)
    generator = torch.Generator(image.device).manual_seed(change.seed)
    noise = torch.randn(image.shape, generator=generator, device=image.device)
    seen = _blurred(image, change.blur)
    lit = seen + (seen + 1) * (change.exposure - 1) + spread(change.light, (image.shape[1], image.shape[2]))
    # Gamma bends only what lies between the percentiles that became -1 and 1.
    inside = ((lit + 1) / 2).clamp(0, 1)
    bent = lit + 2 * (inside.pow(change.gamma) - inside)
    return torch.addcmul(change.shift, bent, change.gain).addcmul_(noise, change.noise)


def _moved(change: GreyChange, device: torch.device) -> GreyChange:
    """Give the parameters on a device: one copy that nobody waits for, since each one costs as much as all."""
    if device.type == "cpu":
        return change
    there = {name: value for name, value in vars(change).items() if isinstance(value, Tensor)}
    packed = torch.cat([value.flatten() for value in there.values()]).to(device, non_blocking=True)
    parts = packed.split([value.numel() for value in there.values()])  # type: ignore[no-untyped-call]
    return replace(change, **{name: part.view(there[name].shape) for name, part in zip(there, parts, strict=True)})


def _blurred(image: Tensor, weights: Tensor) -> Tensor:
    """Blur along both axes, mirrored at the edge."""
    radius = len(weights) // 2
    if not radius:
        return image
    padded = functional.pad(image, (radius,) * 4, mode="reflect")[:, None]
    rows = functional.conv2d(padded, weights[None, None, :, None])
    return functional.conv2d(rows, weights[None, None, None])[:, 0]
