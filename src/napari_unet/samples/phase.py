"""Cells in phase contrast: dark irregular bodies with a bright halo on a grey, textured background.

The phase ring lets low frequencies of the phase through with the wrong sign, so the image is the phase minus a
smoothed phase: that is where halo and shade-off come from.

References
----------
Yin, Kanade, Chen, "Understanding the phase contrast optics to restore artifact-free microscopy images for
segmentation", Medical Image Analysis 16, 2012, doi:10.1016/j.media.2011.12.006.
"""

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


def _shader(scene: Scene) -> Shader:
    """Make the optical thickness of a cell: a flat ruffled body, a thick nucleus, granules."""
    ndim = len(scene.painted.field.shape)
    granules = noise_tile(ndim, [(0.8, 0.8), (2.0, 0.6)], scene.rng("granules"))
    folds = noise_tile(ndim, [(3.0, 1.0)], scene.rng("folds"))

    def shade(cell: Cell, offsets: npt.NDArray[np.float64], level: Floats) -> npt.NDArray[np.floating]:
        at = scene.tile_coordinates(cell, offsets)
        inside = 1 - np.clip(level, 0, 1)
        rim = np.exp(-((level - 0.93) ** 2) / 0.006) * np.clip(0.7 + 0.6 * folds.at(at), 0, 1.6)
        nucleus = np.clip(inside - 0.45, 0, None) * (2.2 + 0.7 * cell.traits[0])
        body = 0.55 + 0.35 * inside + 0.15 * folds.at(at)
        shaded: Floats = (body + 0.6 * rim + nucleus) * (1 + 0.22 * granules.at(at))
        return shaded

    return shade


def _debris(scene: Scene) -> Floats:
    """Scatter small specks, thicker or thinner than the medium."""
    field, rng = scene.painted.field, scene.rng("debris")
    specks = np.zeros(field.shape, np.float32)
    count = rng.poisson(np.prod(field.extent) / (4 * scene.diameter_px**2) / len(field.shape))
    places = tuple(rng.integers(0, size, count) for size in field.shape)
    specks[places] = rng.normal(0.15, 0.5, count) * scene.px(0.03) ** 2 * 12
    smooth: Floats = gaussian_filter(specks, field.sigma(scene.px(0.022) + 0.4))
    return smooth


def _render(scene: Scene) -> Floats:
    """Turn phase to intensity: grey minus the phase that passes the ring, under uneven light."""
    field, config = scene.painted.field, scene.config
    phase = scene.painted.shade(_shader(scene)) + _debris(scene)
    phase = gaussian_filter(phase, field.sigma(config.blur * (0.5 + scene.px(0.008))))
    near = gaussian_filter(phase, field.sigma(scene.px(0.12)), truncate=3)
    far = gaussian_filter(phase, field.sigma(scene.px(0.3)), truncate=2.5)
    passed = phase - 0.65 * near - 0.3 * far
    medium = slow_field(field.shape, field.sigma(max(1.5, scene.px(0.05))), scene.rng("medium"))
    light = slow_field(field.shape, field.sigma(scene.px(8)), scene.rng("light"))
    signal: Floats = (0.36 - 0.42 * config.contrast * passed + 0.006 * medium) * (1 + 0.04 * light)
    return signal


PHASE = Kind(
    population=Population(
        diameter_px=56, spread=0.2, elongation=1.9, irregularity=0.36, cover=0.16, packing=0.95, clustering=0.35
    ),
    border_share=0,
    render=_render,
    camera=Camera(electrons=2500, gain=0.09, offset=5, read_noise=5, white=255, dtype=np.uint8),
)
