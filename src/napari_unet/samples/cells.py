"""Where cells lie, which shape they have, and how they move: geometry without pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import KDTree

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Vectors = npt.NDArray[np.float64]

#: Frames in which a cell sways once to and fro.
_SWAY_FRAMES = 24
_DEFORM_PER_MOTION = 6.0
#: Largest cell, in typical radii: bounds the box that a cell is painted in.
_LARGEST = 2.8


@dataclass(frozen=True)
class Population:
    """Statistics of the cells of a kind.

    Attributes
    ----------
    diameter_px
        Median diameter, px.
    spread
        Standard deviation of the logarithm of the diameter.
    elongation
        Mean ratio of the long axis to the others.
    irregularity
        Depth of dents and bulges, in radii.
    cover
        Share of the field that cells cover.
    packing
        Smallest distance of two centres, in sums of radii; below 1 cells touch.
    clustering
        Share of cells that are put beside another.
    limit
        Distance from the centre at which a cell ends for want of a neighbour, in radii.
    """

    diameter_px: float
    spread: float
    elongation: float
    irregularity: float
    cover: float
    packing: float
    clustering: float
    limit: float = 1.0


@dataclass(frozen=True)
class Field:
    """The pixel grid: its shape, and the distance of neighbours along every axis in px of the plane."""

    shape: tuple[int, ...]
    step: tuple[float, ...]

    @property
    def extent(self) -> Vectors:
        """Edge lengths in px of the plane."""
        return np.multiply(self.shape, self.step)

    def sigma(self, width: float) -> list[float]:
        """Give the standard deviation of a Gaussian of ``width`` px of the plane in pixels of every axis."""
        return [width / step for step in self.step]


@dataclass(frozen=True)
class Cell:
    """One cell; lengths in px of the plane.

    Attributes
    ----------
    centre
        Position, shape (axes,).
    radii
        Half axes, shape (axes,).
    rotation
        Rows are the directions of the half axes, shape (axes, axes).
    phase
        Where in the noise tiles its shape and texture are read, tile px, shape (axes,).
    traits
        Four standard normal numbers: what a kind makes of brightness, content and so on.
    """

    centre: Vectors
    radii: Vectors
    rotation: Vectors
    phase: Vectors
    traits: Vectors

    def reach(self, limit: float) -> Vectors:
        """Half edges of the box that holds the cell's ellipsoid, ``limit`` times enlarged; shape (axes,)."""
        half: Vectors = limit * np.sqrt(((self.rotation * self.radii[:, None]) ** 2).sum(axis=0))
        return half

    def moved(self, frame: int, motion: float) -> Cell:
        """Sway around the place of frame 0, and deform, at up to ``motion`` diameters a frame."""
        turn = 2 * np.pi * frame / _SWAY_FRAMES
        amplitude = motion * 2 * self.radii.min() * _SWAY_FRAMES / (2 * np.pi)
        sway = amplitude * (np.sin(turn + self.phase) - np.sin(self.phase))
        deformed = self.phase + frame * motion * _DEFORM_PER_MOTION * np.sign(self.traits[: self.phase.size])
        return replace(self, centre=self.centre + sway, phase=deformed)


def scatter(field: Field, population: Population, density: float, rng: np.random.Generator) -> list[Cell]:
    """Fill a field with cells, some alone and some in clusters.

    Parameters
    ----------
    field
        The pixel grid.
    population
        Statistics of the cells.
    density
        Factor on the covered area.
    rng
        Source of randomness.

    Returns
    -------
    list of Cell
        At least one; those whose centre lies a little outside are cut by the border.
    """
    ndim, typical = len(field.shape), population.diameter_px / 2
    margin = np.minimum(typical, field.extent / 2)
    ball = np.pi * typical**2 if ndim == 2 else 4 / 3 * np.pi * typical**3
    wanted = density * population.cover * np.prod(field.extent + 2 * margin) / ball
    wanted /= np.exp((ndim * population.spread) ** 2 / 2)
    centres, radii = _candidates(field.extent, margin, population, max(1, round(wanted)), rng)
    return [_cell(centres[i], radii[i], population.elongation, rng) for i in _thin(centres, radii, population.packing)]


def _candidates(
    extent: Vectors, margin: Vectors, population: Population, wanted: int, rng: np.random.Generator
) -> tuple[Vectors, Vectors]:
    """Draw centres (n, axes) and radii (n,): first cells alone, then two rounds of cells beside those."""
    alone = max(1, round(wanted * (1 - population.clustering)))
    sizes = np.exp(population.spread * rng.standard_normal(wanted + 1))
    radii = population.diameter_px / 2 * np.clip(sizes, 1 / _LARGEST, _LARGEST)
    centres = rng.uniform(-margin, extent + margin, (alone, extent.size))
    # The first cell lies inside the field, so that no image is empty.
    centres[0] = rng.uniform(0.3 * extent, 0.7 * extent)
    for count in ((wanted - alone) // 2, wanted - alone - (wanted - alone) // 2):
        parents = rng.integers(0, len(centres), count)
        direction = rng.standard_normal((count, extent.size))
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        distance = radii[parents] + radii[len(centres) : len(centres) + count]
        beside = centres[parents] + direction * (population.packing * 1.02 * distance)[:, None]
        centres = np.concatenate([centres, beside])
    return centres, radii[: len(centres)]


def _thin(centres: Vectors, radii: Vectors, packing: float) -> Sequence[int]:
    """Keep the cells that are not too near to one kept before."""
    pairs = KDTree(centres).query_pairs(2 * packing * radii.max(), output_type="ndarray")
    distance = np.linalg.norm(centres[pairs[:, 0]] - centres[pairs[:, 1]], axis=1)
    pairs = pairs[distance < packing * radii[pairs].sum(axis=1)]
    pairs = pairs[np.argsort(pairs[:, 0], kind="stable")]
    starts = np.searchsorted(pairs[:, 0], np.arange(len(centres) + 1))
    keep = np.ones(len(centres), bool)
    for i in range(len(centres)):
        if keep[i]:
            keep[pairs[starts[i] : starts[i + 1], 1]] = False
    return [int(i) for i in np.flatnonzero(keep)]


def _cell(centre: Vectors, radius: float, elongation: float, rng: np.random.Generator) -> Cell:
    """Draw the rest of a cell; elongating keeps its area or volume."""
    ndim = centre.size
    ratio = 1 + (elongation - 1) * rng.uniform(0.3, 1.7)
    radii = np.full(ndim, radius * ratio ** (-1 / ndim))
    radii[0] *= ratio
    rotation = np.linalg.qr(rng.standard_normal((ndim, ndim)))[0]
    return Cell(centre, radii, rotation, rng.uniform(0, 1000, ndim), rng.standard_normal(4))
