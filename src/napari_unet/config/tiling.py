"""Settings of the prediction: at what size, in what parts and how often the network sees an image."""

from __future__ import annotations

from typing import Literal

from napari_unet.config._base import Settings, setting
from napari_unet.config.training import WORKING_DIAMETER_PX


class TilingConfig(Settings):
    """How an image is given to the network; the size of the tiles does not change the result."""

    cell_diameter_px: float | None = setting(
        None,
        title="Cell diameter",
        help="Typical diameter in px of the cells in your images, where they are of another size than those the model "
        "learnt from: images are resampled to suit. Empty: as in training.",
        step=1,
        start=WORKING_DIAMETER_PX,
        advanced=False,
        ge=2,
        le=2000,
    )

    tile_px: int | None = setting(
        None,
        title="Tile size",
        help="Largest edge in px of the predicted part of a tile; empty: chosen from the free memory and the cost.",
        start=512,
        ge=4,
    )
    averaging: Literal["none", "rotations", "rotations and mirrors"] = setting(
        "none",
        title="Averaging",
        help="Average the probabilities over 4 rotations, or over 8 rotations and mirrors: slower, a little better.",
        advanced=False,
    )
