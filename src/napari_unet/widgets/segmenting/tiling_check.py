"""The check that the result does not depend on the tiles, shown as a layer: tiled minus whole."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.utils.colormaps import Colormap

from napari_unet.inference.check_tiling import TileChecked, TilingChecked
from napari_unet.widgets._layers import Role, show_result
from napari_unet.widgets.segmenting.work import check

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from napari_unet.widgets._dock import Dock, Level
    from napari_unet.widgets.segmenting.wanted import WantedBox

#: Added to the image, no difference is nothing to see.
_COLORMAP = Colormap(["cyan", "black", "magenta"], name="difference")
DIFFERENCE = Role("tiled_minus_whole", "image", {"colormap": _COLORMAP, "blending": "additive"})
#: Contrast of a difference that is nothing but zeros.
_LEAST_CONTRAST = 1e-6


class TilingCheck:
    """Predicts the plane in view twice, and shows the difference.

    Parameters
    ----------
    dock
        Dock it is part of.
    wanted
        Says what is to be segmented.

    Raises
    ------
    InputError
        If something is missing, or does not fit together.
    """

    title = "U-Net: checking the tiling"

    def __init__(self, dock: Dock, wanted: WantedBox) -> None:
        self._viewer, self._image, self._axes = dock.viewer, wanted.image.value, wanted.axes.axes
        self._request = wanted.request(one_plane=True)
        assert wanted.path is not None
        self.make_events: Callable[[], Generator[Any]] = partial(check, wanted.path, self._request)
        self.share: float | None = None
        self._outcome: TilingChecked | None = None

    @property
    def text(self) -> str:
        """How far it is, see `Task`."""
        return "Loading the model …" if self.share is None else "Predicting in tiles, then in one piece …"

    def take(self, events: Sequence[TileChecked | TilingChecked]) -> None:
        """Take what was compared, see `Task`."""
        for event in events:
            if isinstance(event, TileChecked):
                self.share = event.share
            else:
                self._outcome = event
                self._show(event)

    def close(self, problem: str) -> tuple[str, Level]:
        """Say the outcome in numbers, see `Task`."""
        if self._outcome is None:
            return problem or "The check was cancelled; nothing was changed.", "error" if problem else "warning"
        return self._outcome.text, "warning" if self._outcome.n_different else "info"

    def _show(self, outcome: TilingChecked) -> None:
        """Show the difference in the plane that was compared."""
        if self._image not in self._viewer.layers:
            return
        n_times, _, n_slices, *size = self._request.image.shape
        # The system gives pages of zeros only where something is written.
        difference = np.zeros((n_times, 1, n_slices, *size), np.float32)
        t, z = self._request.places[0]
        difference[t, 0, z][outcome.box] = outcome.difference
        layer = show_result(self._viewer, self._image, difference, DIFFERENCE, self._axes)
        limit = max(float(np.abs(outcome.difference).max()), _LEAST_CONTRAST)
        layer.contrast_limits_range = layer.contrast_limits = (-limit, limit)
