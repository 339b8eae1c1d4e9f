"""Draw a labelled sample image of a kind, in a plane, a stack or a series."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet.config.samples import SamplesConfig
from napari_unet.errors import InputError
from napari_unet.samples.cells import Cell, Field, scatter
from napari_unet.samples.membranes import MEMBRANES
from napari_unet.samples.noise import Tile, noise_tile
from napari_unet.samples.nuclei import NUCLEI
from napari_unet.samples.painting import Labels, Painted, carve_borders, keep_largest_pieces, paint
from napari_unet.samples.phase import PHASE
from napari_unet.samples.scene import Kind, Scene, stream_rng

if TYPE_CHECKING:
    from collections.abc import Sequence

_KINDS = {"nuclei": NUCLEI, "phase": PHASE, "membranes": MEMBRANES}
#: Kinds of microscopy that can be drawn.
KINDS: tuple[str, ...] = tuple(_KINDS)

_AXES = ("YX", "ZYX", "TYX", "TZYX")
_USUAL_AXES = {2: "YX", 3: "ZYX", 4: "TZYX"}
#: A typical cell is this large, whatever its size in px.
_DIAMETER_UM = 12.0
_SMALLEST_EDGE = 8
#: Pieces of cells below this share of a typical cell are not labelled.
_SMALLEST_PIECE = 0.01


@dataclass(frozen=True)
class Sample:
    """A drawn image with its truth.

    Attributes
    ----------
    image
        Grey values, uint8 or uint16.
    labels
        Instances, int32, shape of the image: 0 is background, 1, 2, … are cells, each one piece in every frame.
        A cell keeps its number over time.
    axes
        Names of the axes, such as ``"TYX"``.
    spacing
        Distance of pixels in µm, one number a spatial axis.
    """

    image: np.ndarray[Any, np.dtype[np.uint8 | np.uint16]]
    labels: Labels
    axes: str
    spacing: tuple[float, ...]


def draw_sample(
    kind: str,
    shape: tuple[int, ...] = (512, 512),
    *,
    seed: int = 0,
    axes: str | None = None,
    config: SamplesConfig | None = None,
) -> Sample:
    """Draw microscopy whose labels are known exactly.

    Parameters
    ----------
    kind
        One of `KINDS`: touching fluorescent ``"nuclei"``, cells in ``"phase"`` contrast, ``"membranes"`` in an
        electron microscope.
    shape
        Pixels along every axis; at least 8 along Y and X.
    seed
        The same seed draws the same sample; not negative.
    axes
        ``"YX"``, ``"ZYX"``, ``"TYX"`` or ``"TZYX"``; ``None``: the first of these with as many axes as ``shape``.
    config
        What varies: cell size, density, blur, noise, contrast, polarity; ``None``: typical of the kind.

    Returns
    -------
    Sample
        Image, labels, axes and spacing.

    Raises
    ------
    InputError
        When the kind, the axes or the shape cannot be drawn.

    Examples
    --------
    >>> sample = draw_sample("nuclei", (96, 128), seed=1)
    >>> sample.image.shape, sample.image.dtype.name, sample.axes
    ((96, 128), 'uint16', 'YX')
    >>> bool(sample.image[sample.labels > 0].mean() > sample.image[sample.labels == 0].mean())
    True
    """
    axes = _checked_axes(kind, shape, axes)
    drawing = _drawing(_KINDS[kind], shape, axes, seed, config or SamplesConfig())
    frames = shape[0] if axes[0] == "T" else 1
    pairs = [drawing.frame(number) for number in range(frames)]
    image, labels = (np.stack(part) if axes[0] == "T" else part[0] for part in zip(*pairs, strict=True))
    px_um = _DIAMETER_UM / drawing.diameter_px
    return Sample(image, _consecutive(labels), axes, tuple(step * px_um for step in drawing.field.step))


@dataclass(frozen=True)
class _Drawing:
    """Everything that the frames of a sample share."""

    kind: Kind
    field: Field
    cells: Sequence[Cell]
    shape_noise: Tile
    config: SamplesConfig
    seed: int

    @property
    def diameter_px(self) -> float:
        """Median diameter, px."""
        return self.kind.population.diameter_px

    def frame(self, number: int) -> tuple[np.ndarray[Any, Any], Labels]:
        """Draw image and labels of one frame."""
        painted = self._paint(number)
        signal = self.kind.render(Scene(painted, self.diameter_px, self.config, self.seed))
        return self.kind.camera.record(signal, self.config, (self.seed, number)), painted.labels

    def _paint(self, number: int) -> Painted:
        """Paint the cells where they are in a frame, each as one piece."""
        cells = [cell.moved(number, self.config.motion) for cell in self.cells]
        painted = paint(cells, self.field, self.kind.population, self.shape_noise)
        if self.kind.border_share:
            carve_borders(painted.labels, self.field, self.kind.border_share * self.diameter_px)
        typical_area = min(self.diameter_px**2, painted.labels.size)
        keep_largest_pieces(painted.labels, max(4, round(_SMALLEST_PIECE * typical_area)))
        return painted


def _drawing(kind: Kind, shape: tuple[int, ...], axes: str, seed: int, config: SamplesConfig) -> _Drawing:
    """Scatter the cells of a sample."""
    diameter = config.object_px or kind.population.diameter_px
    kind = replace(kind, population=replace(kind.population, diameter_px=diameter))
    step = {"Z": config.anisotropy, "Y": 1.0, "X": 1.0}
    spatial = axes.removeprefix("T")
    field = Field(shape[-len(spatial) :], tuple(step[axis] for axis in spatial))
    cells = scatter(field, kind.population, config.density, stream_rng(seed, "cells"))
    shape_noise = noise_tile(len(spatial), [(4.0, 1.0), (1.5, 0.25)], stream_rng(seed, "shape"))
    return _Drawing(kind, field, cells, shape_noise, config, seed)


def _checked_axes(kind: str, shape: tuple[int, ...], axes: str | None) -> str:
    """Refuse what cannot be drawn, and name the axes."""
    if kind not in _KINDS:
        raise InputError(f"Unknown kind of sample {kind!r}: choose one of {', '.join(KINDS)}.")
    named = _USUAL_AXES.get(len(shape), "") if axes is None else axes
    if named not in _AXES or len(named) != len(shape):
        raise InputError(
            f"Axes {axes!r} do not fit the shape {shape}: give as many numbers as axes, axes one of {', '.join(_AXES)}."
        )
    if min(shape[-2:]) < _SMALLEST_EDGE or min(shape) < 1:
        raise InputError(f"The shape {shape} is too small: Y and X need at least {_SMALLEST_EDGE} px, other axes 1.")
    return named


def _consecutive(labels: Labels) -> Labels:
    """Give the labels that occur the numbers 1, 2, …, the same in all frames."""
    present = np.bincount(labels.ravel()) > 0
    present[0] = False
    numbers = np.cumsum(present, dtype=np.int32) * present
    renumbered: Labels = numbers.astype(np.int32)[labels]
    return renumbered
