"""What a segmentation will take, said before it starts."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QLabel

from napari_unet.errors import InputError
from napari_unet.widgets._worker import EventRunner
from napari_unet.widgets.segmenting.work import look_ahead

if TYPE_CHECKING:
    from napari_unet.inference.estimate import Estimate
    from napari_unet.widgets.segmenting.wanted import WantedBox

#: Changes within this time are answered at once.
_WAIT_MS = 300
_UNITS = ((2**30, "GB"), (2**20, "MB"))


class EstimateLabel(QLabel):
    """Says how many tiles and how much memory a segmentation will take, or what is missing.

    Parameters
    ----------
    wanted
        Says what is to be segmented.
    """

    def __init__(self, wanted: WantedBox) -> None:
        super().__init__()
        self._wanted = wanted
        self.setWordWrap(True)
        self.setToolTip("<p>What the segmentation will take. The time is told once the first tiles are done.</p>")
        self._runner = EventRunner(self)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_WAIT_MS)
        self._timer.timeout.connect(self._ask)
        self._runner.arrived.connect(self._show)
        self._runner.failed.connect(lambda error: self.setText(str(error)))
        wanted.changed.connect(self._timer.start)
        self._timer.start()

    def _ask(self) -> None:
        """Estimate, once the estimate before is done."""
        if self._runner.is_running:
            self._timer.start()
            return
        try:
            request = self._wanted.request()
        except InputError as error:
            problem = str(error)
            # What is wrong with the model stands below its name already.
            self.setText("" if problem == self._wanted.model.problem else problem)
            return
        if self._wanted.path is not None:
            self.setText("Estimating …")
            self._runner.start(partial(look_ahead, self._wanted.path, request))

    def _show(self, estimates: list[Estimate]) -> None:
        """Say what was estimated."""
        self.setText(describe(estimates[-1]))


def describe(estimate: Estimate) -> str:
    """Say what a segmentation will take.

    Parameters
    ----------
    estimate
        Tiles and memory.

    Examples
    --------
    >>> from napari_unet.inference.estimate import Estimate
    >>> describe(Estimate(1, 4, 512, 2**29, 2**20, "cpu"))
    '4 tiles of up to 512 px on CPU, about 512 MB of memory; the result takes 1 MB.'
    """
    tiles = "1 tile" if estimate.n_tiles == 1 else f"{estimate.n_tiles} tiles"
    planes = f" in {estimate.n_planes} planes" if estimate.n_planes > 1 else ""
    return (
        f"{tiles}{planes} of up to {estimate.tile_px} px on {estimate.device.upper()}, about "
        f"{_size(estimate.working_bytes)} of memory; the result takes {_size(estimate.result_bytes)}."
    )


def _size(n_bytes: int) -> str:
    """Write a number of bytes."""
    unit, name = next(((unit, name) for unit, name in _UNITS if n_bytes >= unit), _UNITS[-1])
    return f"{max(n_bytes / unit, 1):.0f} {name}"
