"""Tissue in an electron microscope: cells fill the field between dark membranes, with vesicles and mitochondria."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter

from napari_unet.samples.cells import Cell, Population
from napari_unet.samples.noise import Camera, Floats, Tile, noise_tile, slow_field, vesicle_tile
from napari_unet.samples.scene import Kind, Scene

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_unet.samples.painting import Shader

    Vectors = npt.NDArray[np.float64]

_CYTOPLASM = 0.62
_MEMBRANE = 0.27


def _shader(scene: Scene) -> Shader:
    """Make the inside of a cell: cloudy cytoplasm, more or fewer vesicles, in some a mitochondrion."""
    ndim = len(scene.painted.field.shape)
    clouds = noise_tile(ndim, [(1.2, 0.5), (4.0, 1.0)], scene.rng("clouds"))
    vesicles = vesicle_tile(ndim, scene.rng("vesicles"))

    def shade(cell: Cell, offsets: Vectors, level: Floats) -> npt.NDArray[np.floating]:
        at = scene.tile_coordinates(cell, offsets)
        crowd = np.clip(0.35 + 0.35 * cell.traits[0], 0, 1)
        inside: Floats = _CYTOPLASM + 0.04 * cell.traits[1] + 0.05 * clouds.at(at) + 0.3 * crowd * vesicles.at(at)
        roomy = 2 * cell.radii.min() > scene.diameter_px
        if roomy and cell.traits[2] > -0.2:
            return _with_mitochondrion(inside, cell, offsets, clouds)
        return inside

    return shade


def _with_mitochondrion(inside: Floats, cell: Cell, offsets: Vectors, wobble: Tile) -> Floats:
    """Put a dark ellipsoid with a darker shell and folded inner membranes into a cell."""
    half_axes = cell.radii * (0.36 + 0.06 * np.tanh(cell.traits[3]))
    along = cell.rotation @ offsets - 0.3 * cell.radii[:, None] * np.tanh(cell.traits[: cell.radii.size, None])
    unit = along / half_axes[:, None]
    bend = wobble.at(unit * 5 + cell.phase[:, None])
    depth = np.sqrt((unit**2).sum(axis=0)) + 0.08 * bend
    thickness = 0.12
    folds = 0.4 - 0.1 * np.sin(2 * np.pi * (unit[0] * 3.5 + 0.35 * bend))
    organelle = np.where(depth > 1 - thickness, _MEMBRANE, folds)
    return np.where(depth < 1, organelle, inside).astype(np.float32)


def _render(scene: Scene) -> Floats:
    """Draw membranes of uneven darkness around the cells, and blur a little."""
    field, config = scene.painted.field, scene.config
    signal = scene.painted.shade(_shader(scene))
    stain = slow_field(field.shape, field.sigma(scene.px(0.5)), scene.rng("stain"))
    between = scene.painted.labels == 0
    signal[between] = (_MEMBRANE + 0.06 * stain)[between]
    signal = 0.5 + config.contrast * (signal - 0.5)
    light = slow_field(field.shape, field.sigma(scene.px(6)), scene.rng("light"))
    blurred: Floats = gaussian_filter(signal, field.sigma(config.blur * (0.5 + scene.px(0.015))))
    return blurred * (1 + 0.04 * light)


MEMBRANES = Kind(
    population=Population(
        diameter_px=44,
        spread=0.45,
        elongation=1.6,
        irregularity=0.18,
        cover=5.0,
        packing=0.62,
        clustering=0,
        limit=2.0,
    ),
    border_share=0.12,
    render=_render,
    camera=Camera(electrons=90, gain=2.65, offset=0, read_noise=1, white=255, dtype=np.uint8),
)
