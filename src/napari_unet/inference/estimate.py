"""What a segmentation will take, before it starts. Needs no torch until it runs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from napari_unet.inference.live_events import Request

#: Bytes of a pixel of the result: labels, and each array of probabilities.
_PX_BYTES = 4


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a segmentation will take.

    Attributes
    ----------
    n_planes, n_tiles
        Planes, and tiles in all of them.
    tile_px
        Largest edge of a tile in the image, px.
    working_bytes
        Memory that a tile takes on the device.
    result_bytes
        Size of the result of all planes of the image.
    device
        Where it is computed.
    """

    n_planes: int
    n_tiles: int
    tile_px: int
    working_bytes: int
    result_bytes: int
    device: str


def estimate(model: Path, request: Request) -> Estimate:
    """Estimate what a segmentation will take; nothing of the image is read.

    Parameters
    ----------
    model
        Model file.
    request
        What to segment.

    Returns
    -------
    Estimate
        Tiles and memory.

    Raises
    ------
    InputError
        If the model cannot be read, or its device is not there.
    """
    from napari_unet.inference.predictor import Predictor
    from napari_unet.inference.tiling import cover
    from napari_unet.models.model_file import load_model

    trained = load_model(model)
    predictor = Predictor(trained, request.recipe.tiling, request.recipe.execution)
    scale = predictor.scale
    box = [slice(math.floor(part.start * scale), math.ceil(part.stop * scale)) for part in request.box]
    edge = min(predictor.tile_limits_px()[0], max(part.stop - part.start for part in box))
    n_arrays = 1 + (trained.card.n_classes - 1) * request.probabilities
    n_times, _, *size = request.image.shape
    return Estimate(
        n_planes=len(request.places),
        n_tiles=len(request.places) * len(cover(box, predictor.geometry, edge)),
        tile_px=min(math.ceil(edge / scale), max(part.stop - part.start for part in request.box)),
        working_bytes=predictor.tile_bytes(edge),
        result_bytes=math.prod((n_times, *size, n_arrays, _PX_BYTES)),
        device=str(predictor.device),
    )
