"""Stained nuclei in a fluorescence microscope: bright, textured, of uneven brightness, often touching."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter

from napari_unet.samples.cells import Cell, Population
from napari_unet.samples.noise import Camera, Floats, noise_tile, slow_field
from napari_unet.samples.scene import Kind, Scene

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_unet.samples.painting import Shader

#: A point spread function is about this much longer along the optical axis than across.
_AXIAL_STRETCH = 2.5


def _shader(scene: Scene) -> Shader:
    """Make the brightness inside a nucleus: chromatin grains, a few dark nucleoli, thinner towards the rim."""
    ndim = len(scene.painted.field.shape)
    chromatin = noise_tile(ndim, [(1.0, 0.7), (2.5, 1.0)], scene.rng("chromatin"))
    nucleoli = noise_tile(ndim, [(3.5, 1.0)], scene.rng("nucleoli"))

    def shade(cell: Cell, offsets: npt.NDArray[np.float64], level: Floats) -> npt.NDArray[np.floating]:
        at = scene.tile_coordinates(cell, offsets)
        brightness = 0.42 * np.exp(0.35 * cell.traits[0])
        grains = 1 + (0.2 + 0.04 * cell.traits[1]) * chromatin.at(at)
        holes = 1 - 0.45 * np.clip(nucleoli.at(at) - 1.1, 0, 0.6) / 0.6
        thickness = np.sqrt(1 - 0.75 * np.clip(level, 0, 1) ** 3)
        shaded: Floats = brightness * grains * holes * thickness
        return shaded

    return shade


def _render(scene: Scene) -> Floats:
    """Add out-of-focus haze and uneven light to the nuclei, then blur as the objective does."""
    field, config = scene.painted.field, scene.config
    bright = scene.painted.shade(_shader(scene)) * config.contrast
    haze = gaussian_filter(bright, field.sigma(scene.px(0.5)), truncate=2.5)
    width = config.blur * (0.6 + scene.px(0.02))
    sigma = field.sigma(width)
    if len(sigma) == 3:
        sigma[0] *= _AXIAL_STRETCH
    light = slow_field(field.shape, field.sigma(scene.px(12)), scene.rng("light"))
    background = 0.035 + 0.012 * slow_field(field.shape, field.sigma(scene.px(3)), scene.rng("background"))
    signal: Floats = (gaussian_filter(bright, sigma) + 0.1 * haze + background) * (1 + 0.1 * light)
    return signal


NUCLEI = Kind(
    population=Population(
        diameter_px=28, spread=0.18, elongation=1.35, irregularity=0.09, cover=0.3, packing=0.86, clustering=0.6
    ),
    border_share=0,
    render=_render,
    camera=Camera(electrons=400, gain=5, offset=100, read_noise=2, white=4095, dtype=np.uint16),
)
