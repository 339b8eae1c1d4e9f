"""Settings of the overlap-tile prediction."""

from __future__ import annotations

from typing import Literal

from napari_unet.config._base import Settings, setting


class TilingConfig(Settings):
    """How an image is cut for prediction; the result does not depend on it."""

    tile_px: int | None = setting(
        None,
        title="Tile size",
        help="Largest edge in px of the predicted part of a tile; empty: chosen from the free memory and the cost.",
        ge=4,
    )
    averaging: Literal["none", "rotations", "rotations and mirrors"] = setting(
        "none",
        title="Averaging",
        help="Average the probabilities over 4 rotations, or over 8 rotations and mirrors: slower, a little better.",
        advanced=False,
    )
