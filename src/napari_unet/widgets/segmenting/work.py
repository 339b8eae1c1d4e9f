"""What happens beside the window: estimating, segmenting, checking. Knows nothing of Qt."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet.data.correction import take_over
from napari_unet.inference.check_tiling import check_tiling
from napari_unet.inference.estimate import estimate
from napari_unet.inference.live import segment_live
from napari_unet.widgets._preload import load_torch

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_unet.inference.check_tiling import TileChecked, TilingChecked
    from napari_unet.inference.estimate import Estimate
    from napari_unet.inference.live_events import Canvas, LiveEvent, Request
    from napari_unet.models.giving_way import GivingWay


@dataclass(frozen=True, eq=False)
class TakenOver:
    """A plane with what was annotated, and the result where nothing was.

    Attributes
    ----------
    plane
        (Y, X) in the sparse scheme.
    """

    plane: NDArray[Any]


def look_ahead(model: Path, request: Request) -> Generator[Estimate]:
    """Estimate what a segmentation will take, as the one event."""
    _load()
    yield estimate(model, request)


def segment(model: Path, request: Request, old: Canvas | None, folder: Path, way: GivingWay) -> Generator[LiveEvent]:
    """Segment, see `napari_unet.inference.live.segment_live`."""
    _load()
    yield from segment_live(model, request, old, folder, way)


def check(model: Path, request: Request) -> Generator[TileChecked | TilingChecked]:
    """Check the tiling, see `napari_unet.inference.check_tiling.check_tiling`."""
    _load()
    yield from check_tiling(model, request)


def correct(
    result: NDArray[Any], finished: NDArray[np.bool_], painted: NDArray[Any], *, instances: bool
) -> Generator[TakenOver]:
    """Annotate a plane with its result where that is finished, as the one event."""
    before = painted.copy()
    yield TakenOver(np.where(finished, take_over(result, before, instances=instances), before))


def _load() -> None:
    """Load what takes long, beside the window."""
    load_torch()
    # napari loads it when it makes the first Labels layer, and the window would stand still for half a second.
    import_module("pandas")
