"""Files that were compared, opened as layers where a person wants to look at an error."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QObject, Signal

from napari_unet.axes import from_canonical, spatial_axes
from napari_unet.inference.evaluation import PROBABILITY_CUT, compare_stack, open_pair
from napari_unet.widgets._layers import show_result
from napari_unet.widgets._worker import EventRunner
from napari_unet.widgets.evaluating.error_layer import ERRORS

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    import napari
    from napari.layers import Labels
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class _Opened:
    """A pair of files, read: arrays of shape (T, 1, Z, Y, X), and how to show them."""

    image: str
    axes: str
    scale: list[float]
    found: NDArray[Any]
    real: NDArray[Any]
    errors: NDArray[np.uint8]


class OpenedFiles(QObject):
    """Opens compared files as layers, beside the window.

    Parameters
    ----------
    viewer
        Gets the layers.
    parent
        Object it belongs to.

    Attributes
    ----------
    pairs
        Prediction and truth of each image.
    failed
        Signal with the error: files cannot be opened.
    """

    failed = Signal(object)

    def __init__(self, viewer: napari.viewer.Viewer, parent: QObject) -> None:
        super().__init__(parent)
        self.pairs: dict[str, tuple[Path, Path]] = {}
        self._viewer = viewer
        self._layers: dict[str, Labels] = {}
        self._then: Callable[[], None] | None = None
        self._runner = EventRunner(self)
        self._runner.arrived.connect(self._show)
        self._runner.failed.connect(self.failed)

    def forget(self) -> None:
        """Forget the files; layers stay."""
        self.pairs, self._layers = {}, {}

    def layer(self, image: str) -> Labels | None:
        """Give the layer of the prediction; None: it is not open."""
        layer = self._layers.get(image)
        return layer if layer in self._viewer.layers else None

    def open(self, image: str, then: Callable[[], None]) -> None:
        """Open the files of an image.

        Parameters
        ----------
        image
            Its name.
        then
            Called when the layers are there.
        """
        if not self._runner.is_running:
            self._then = then
            self._runner.start(partial(_read, image, *self.pairs[image]))

    def _show(self, events: list[_Opened]) -> None:
        """Add the layers."""
        for opened in events:
            names = [f"{opened.image}_truth", f"{opened.image}_predicted"]
            _, predicted = (
                self._viewer.add_labels(
                    from_canonical(labels, opened.axes),
                    name=name,
                    axis_labels=tuple(opened.axes.lower()),
                    scale=opened.scale,
                )
                for name, labels in zip(names, (opened.real, opened.found), strict=True)
            )
            show_result(self._viewer, predicted, opened.errors, ERRORS, opened.axes)
            self._layers[opened.image] = predicted
        if self._then is not None:
            self._then()


def _read(image: str, predicted: Path, truth: Path) -> Generator[_Opened]:
    """Read a pair and find its errors again; keeping the maps of all images would need too much memory."""
    files = open_pair(predicted, truth)
    found, real = (np.asarray(file.data) for file in files)
    errors = np.zeros(real.shape, np.uint8)
    for event in compare_stack(image, found, real):
        time, z = event.report.place
        errors[time, 0, z] = event.error_map
    axes = spatial_axes(files[0].axes)
    scale = [files[0].spacing.get(axis, 1.0) for axis in axes]
    # Of probabilities one sees what was compared.
    found = (found >= PROBABILITY_CUT).astype(np.uint8) if found.dtype.kind == "f" else found
    yield _Opened(image, axes, scale, found, real, errors)
