"""Random fields and the camera: everything that is noise, made so that large images cost little."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.ndimage import affine_transform, gaussian_filter, map_coordinates

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from napari_unet.config.samples import SamplesConfig

Floats = np.ndarray[Any, np.dtype[np.float32]]

#: Edge of a periodic tile by number of axes: large enough that nobody sees it repeat.
_TILE_EDGE = {2: 256, 3: 64}
_SLAB_PIXELS = 2**20
#: Radius of a vesicle, tile px.
_VESICLE_RADIUS = 1.4


@dataclass(frozen=True)
class Tile:
    """A small periodic field that is sampled anywhere, so that a texture can move and turn with its cell."""

    values: Floats

    def at(self, coordinates: npt.NDArray[np.floating]) -> Floats:
        """Sample the field at ``coordinates`` (axes, ...) in tile pixels; float32 of shape (...)."""
        sampled: Floats = map_coordinates(self.values, coordinates, order=1, mode="grid-wrap", output=np.float32)
        return sampled


def noise_tile(ndim: int, scales: Sequence[tuple[float, float]], rng: np.random.Generator) -> Tile:
    """Draw a periodic tile of smooth noise, standard deviation 1, clipped to [-2, 2].

    Parameters
    ----------
    ndim
        Number of axes, 2 or 3.
    scales
        Pairs of grain (standard deviation of the smoothing, tile px) and amount.
    rng
        Source of randomness.

    Returns
    -------
    Tile
        The field.
    """
    shape = (_TILE_EDGE[ndim],) * ndim
    total = np.zeros(shape, np.float32)
    for grain, amount in scales:
        total += amount * _standard(gaussian_filter(rng.standard_normal(shape, np.float32), grain, mode="wrap"))
    return Tile(np.clip(_standard(total), -2, 2))


def vesicle_tile(ndim: int, rng: np.random.Generator) -> Tile:
    """Draw a periodic tile of small hollow spheres: about -1 in the shell, about 0 inside and between them."""
    shape = (_TILE_EDGE[ndim],) * ndim
    spots = (rng.random(shape, np.float32) < (6.5 * _VESICLE_RADIUS) ** -ndim).astype(np.float32)
    inner, outer = (gaussian_filter(spots, _VESICLE_RADIUS * width, mode="wrap") for width in (0.8, 1.1))
    # With these amounts both Gaussians are equally high at the centre and cancel there.
    shells = inner * 0.8**ndim - outer * 1.1**ndim
    return Tile(np.clip(-shells / np.quantile(shells, 0.02), -1.3, 0))


def slow_field(shape: tuple[int, ...], period: Sequence[float], rng: np.random.Generator) -> Floats:
    """Draw a field of standard deviation about 1 that varies over ``period`` px an axis, such as uneven light."""
    coarse = [int(np.ceil(size / step)) + 3 for size, step in zip(shape, period, strict=True)]
    grid = rng.standard_normal(coarse, np.float32)
    field: Floats = affine_transform(grid, np.reciprocal(period), 1, shape, output=np.float32)
    return field


def slabs(shape: tuple[int, ...], halo: int = 0) -> Iterator[tuple[slice, slice]]:
    """Cut the first axis into slabs of bounded size: pairs of what to read, with halo, and what to keep."""
    thickness = max(1, _SLAB_PIXELS // int(np.prod(shape[1:])))
    for start, stop in pairwise([*range(0, shape[0], thickness), shape[0]]):
        yield slice(max(0, start - halo), min(shape[0], stop + halo)), slice(start, stop)


@dataclass(frozen=True)
class Camera:
    """A detector: signal 1 gives ``electrons``, each worth ``gain`` grey values above ``offset``.

    Attributes
    ----------
    electrons
        Electrons that signal 1 sets free: the fewer, the noisier.
    gain
        Grey values an electron.
    offset
        Grey value without light.
    read_noise
        Standard deviation of reading a pixel, electrons.
    white
        Largest grey value.
    dtype
        Type of the image.
    """

    electrons: float
    gain: float
    offset: float
    read_noise: float
    white: int
    dtype: type[np.uint8] | type[np.uint16]

    def record(self, signal: Floats, config: SamplesConfig, seeds: Sequence[int]) -> npt.NDArray[np.integer]:
        """Take the picture of ``signal`` (any shape) slab by slab: shot noise, read noise, saturation."""
        image = np.empty(signal.shape, self.dtype)
        for number, (_, keep) in enumerate(slabs(signal.shape)):
            rng = np.random.default_rng([*seeds, number])
            grey = self.offset + self.gain * self._electrons(signal[keep], config.noise, rng)
            grey = np.clip(np.rint(grey), 0, self.white)
            image[keep] = self.white - grey if config.inverted else grey
        return image

    def _electrons(self, signal: Floats, noise: float, rng: np.random.Generator) -> npt.NDArray[np.floating]:
        """Count electrons; noise ``n`` times as strong is what ``1 / n**2`` of the light gives."""
        expected = np.maximum(signal, 0).astype(np.float64) * self.electrons
        if noise == 0:
            return expected
        read = rng.normal(0, self.read_noise * noise, signal.shape)
        return rng.poisson(expected / noise**2) * noise**2 + read


def _standard(field: Floats) -> Floats:
    """Scale to mean 0 and standard deviation 1."""
    scaled: Floats = (field - field.mean()) / field.std()
    return scaled
