"""Whether a result depends on the tiles: a plane predicted twice, cut differently. Needs no torch until it runs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_unet.data.rectangles import Rectangle, within

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_unet.inference.live_events import Request
    from napari_unet.inference.segment import Segmenter


@dataclass(frozen=True, slots=True)
class TileChecked:
    """A tile of one of the two predictions is done.

    Attributes
    ----------
    share
        Part of all the work that is done, 0 … 1.
    """

    share: float


@dataclass(frozen=True, slots=True, eq=False)
class TilingChecked:
    """What the two predictions have in common.

    Attributes
    ----------
    box
        Part of the plane that was compared.
    difference
        Foreground probability, tiled minus whole, float32 of the shape of the box.
    n_different
        Pixels whose label differs.
    n_tiles, n_tiles_whole
        In how many tiles the part was cut; the second number is 1 where memory allows.
    """

    box: Rectangle
    difference: NDArray[np.float32]
    n_different: int
    n_tiles: int
    n_tiles_whole: int

    @property
    def text(self) -> str:
        """The outcome in words."""
        greatest = float(np.abs(self.difference).max())
        written = f"{greatest:.1e}" if greatest else "0.0"
        whole = "in one piece" if self.n_tiles_whole == 1 else f"in {self.n_tiles_whole} tiles (memory allows no less)"
        return (
            f"{self.n_different} of {self.difference.size} pixels differ, greatest difference of probability "
            f"{written}: predicted in {self.n_tiles} tiles, and {whole}."
        )


def check_tiling(model: Path, request: Request) -> Generator[TileChecked | TilingChecked, None, None]:
    """Predict a plane in tiles and in one piece, and compare.

    Parameters
    ----------
    model
        Model file.
    request
        The first of its planes is taken, and the rectangle. Tiles are at most half as long as that; only a rectangle
        of a few pixels may lie in one all the same.

    Yields
    ------
    TileChecked, TilingChecked
        The second one once, as the last.

    Raises
    ------
    InputError
        If the model cannot be read or does not fit the image.
    MemoryError
        If memory is not enough for the smallest tile.
    """
    from napari_unet.inference.segment import Segmenter
    from napari_unet.models.model_file import load_model

    trained = load_model(model)
    recipe = request.recipe
    segmenters = [
        Segmenter(trained, recipe.tiling.model_copy(update={"tile_px": edge}), recipe.instances, recipe.execution)
        for edge in _edges(Segmenter(trained, recipe.tiling, recipe.instances, recipe.execution), request)
    ]
    passes = [_Pass(request, segmenter) for segmenter in segmenters]
    for number, one in enumerate(passes):
        for share in one.predict():
            yield TileChecked((number + share) / len(passes))
    tiled, whole = passes
    labels = [one.segmenter.label(one.probabilities) for one in passes]
    yield TilingChecked(
        request.box,
        whole.probabilities[0] - tiled.probabilities[0],
        int(np.count_nonzero(labels[0] != labels[1])),
        tiled.n_tiles,
        whole.n_tiles,
    )


def _edges(segmenter: Segmenter, request: Request) -> tuple[int, int]:
    """Choose two sizes of tiles: one that cuts the box, one that does not if memory allows."""
    usual, fitting = segmenter.predictor.tile_limits_px()
    alignment = segmenter.predictor.geometry[0].alignment
    longest = max(part.stop - part.start for part in request.box) * segmenter.predictor.scale
    # Tiles start on multiples of the alignment, so a box may need one more at either end.
    return min(usual, math.ceil(longest / 2)), min(fitting, math.ceil(longest) + 3 * alignment)


class _Pass:
    """One prediction of the box."""

    def __init__(self, request: Request, segmenter: Segmenter) -> None:
        self.segmenter, self.n_tiles = segmenter, 0
        self._request = request
        size = (part.stop - part.start for part in request.box)
        self.probabilities = np.empty((segmenter.card.n_classes, *size), np.float32)

    def predict(self) -> Generator[float]:
        """Predict, and tell the share that is done."""
        request, done = self._request, 0
        t, z = request.places[0]
        scaler = self.segmenter.card.normalization.for_image(request.image)
        for tile in self.segmenter.predictor.predict_plane(request.image[t, :, z], scaler, request.box):
            self.probabilities[(slice(None), *within(tile.inner, request.box))] = tile.probabilities
            self.n_tiles, done = self.n_tiles + 1, done + tile.probabilities.size
            yield done / self.probabilities.size
