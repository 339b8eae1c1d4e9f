"""Labels of a plane whose probabilities come tile by tile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from napari_unet.data.rectangles import whole
from napari_unet.inference.blockwise import BlockwiseInstances
from napari_unet.inference.instances import find_classes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_unet.config.instances import InstancesConfig
    from napari_unet.data.rectangles import Rectangle


class Collector(Protocol):
    """Takes the tiles of a plane in any order, each part of the plane once, and then gives its labels."""

    def add(self, box: Rectangle, probabilities: NDArray[np.float32]) -> None:
        """Take in a tile.

        Parameters
        ----------
        box
            Where it lies.
        probabilities
            (classes, y, x).
        """

    def finish(self) -> tuple[NDArray[Any], int]:
        """Give the labels, (Y, X), and the number of cells; 0 for classes."""


class CellCollector:
    """Finds the cells of a plane; of the probabilities nothing is kept.

    Parameters
    ----------
    shape
        Of the plane.
    config
        How cells are made.
    """

    def __init__(self, shape: Sequence[int], config: InstancesConfig) -> None:
        self._whole = whole(shape)
        self._cells = BlockwiseInstances(np.zeros(tuple(shape), np.int32), config)

    def add(self, box: Rectangle, probabilities: NDArray[np.float32]) -> None:
        """Take in a tile, see `Collector`."""
        self._cells.add([part.start for part in box], 1 - probabilities[0])

    def finish(self) -> tuple[NDArray[Any], int]:
        """Give int32 cells numbered from 1, 0 is background, and their number."""
        found = self._cells.finish()
        return found.read(self._whole), found.count


class ClassCollector:
    """Gives each pixel of a plane its most probable class.

    Parameters
    ----------
    shape
        Of the plane.
    """

    def __init__(self, shape: Sequence[int]) -> None:
        self._classes = np.empty(tuple(shape), np.uint8)

    def add(self, box: Rectangle, probabilities: NDArray[np.float32]) -> None:
        """Take in a tile, see `Collector`."""
        self._classes[box] = find_classes(probabilities)

    def finish(self) -> tuple[NDArray[Any], int]:
        """Give uint8 classes; there are no cells."""
        return self._classes, 0
