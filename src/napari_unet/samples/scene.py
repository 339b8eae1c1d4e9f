"""What the kinds of microscopy have in common: a painted frame with its settings and its sources of randomness."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from napari_unet.config.samples import SamplesConfig
    from napari_unet.samples.cells import Cell, Population
    from napari_unet.samples.noise import Camera, Floats
    from napari_unet.samples.painting import Painted

#: Diameter in px at which one px of a texture tile is one px of the image.
_TILE_DIAMETER = 40.0


@dataclass(frozen=True)
class Scene:
    """One frame before the microscope looks at it.

    Attributes
    ----------
    painted
        Cells and their pixels.
    diameter_px
        Median diameter of the cells, px.
    config
        Settings of the drawing.
    seed
        Seed of the drawing; the same for all frames, so that what does not move stays.
    """

    painted: Painted
    diameter_px: float
    config: SamplesConfig
    seed: int

    def rng(self, stream: str) -> np.random.Generator:
        """Give the source of randomness for one purpose, independent of what else is drawn."""
        return stream_rng(self.seed, stream)

    def px(self, share: float) -> float:
        """Convert a share of the median diameter to px."""
        return share * self.diameter_px

    def tile_coordinates(self, cell: Cell, offsets: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Convert offsets (axes, n) from a cell's centre to where its texture is read in a tile."""
        along = cell.rotation @ offsets * (_TILE_DIAMETER / self.diameter_px)
        return along + cell.phase[:, None]


@dataclass(frozen=True)
class Kind:
    """One kind of microscopy: cells, what is between them, how they shine, and the detector.

    Attributes
    ----------
    population
        Statistics of the cells.
    border_share
        Width of the border carved between cells, in median diameters.
    render
        Makes the noise-free signal of a scene, about 0 to 1.
    camera
        The detector.
    """

    population: Population
    border_share: float
    render: Callable[[Scene], Floats]
    camera: Camera


def stream_rng(seed: int, stream: str) -> np.random.Generator:
    """Give an independent source of randomness for a seed and a purpose."""
    return np.random.default_rng([seed, *stream.encode()])
