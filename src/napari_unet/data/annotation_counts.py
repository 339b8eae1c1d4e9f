"""How much is annotated: pixels of each label, in each plane and in all, kept up with the brush."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

Plane: TypeAlias = tuple[int, ...]
"""Index of a plane along all axes but the last two."""


@dataclass(frozen=True)
class Tally:
    """How much is annotated in a plane or in all.

    Attributes
    ----------
    n_cells
        Number of cells.
    cell_px, background_px
        Pixels of cells and of background.
    """

    n_cells: int
    cell_px: int
    background_px: int


def count_labels(labels: NDArray[Any]) -> dict[int, int]:
    """Count the pixels of each label but 0.

    Examples
    --------
    >>> count_labels(np.array([[0, 0, 2], [1, 2, 2]]))
    {1: 1, 2: 3}
    """
    numbers, pixels = np.unique(labels[labels != 0], return_counts=True)
    return dict(zip(numbers.tolist(), pixels.tolist(), strict=True))


class AnnotationCounts:
    """Pixels of each label of an annotation.

    Examples
    --------
    >>> counts = AnnotationCounts()
    >>> counts.change((3,), np.zeros(5, int), np.array([1, 1, 2, 2, 2]))
    >>> counts.tally("sparse", 100)
    Tally(n_cells=1, cell_px=3, background_px=2)
    >>> counts.greatest
    2
    """

    def __init__(self) -> None:
        self._planes: dict[Plane, Counter[int]] = {}
        self._all: Counter[int] = Counter()

    @property
    def greatest(self) -> int:
        """Greatest label; 0: there is none."""
        return max(self._all, default=0)

    def has(self, label: int) -> bool:
        """Tell whether any pixel has a label."""
        return label in self._all

    def change(self, plane: Plane, before: NDArray[Any], after: NDArray[Any]) -> None:
        """Count pixels that changed.

        Parameters
        ----------
        plane
            Where they are.
        before, after
            Their labels.
        """
        for labels, sign in ((before, -1), (after, 1)):
            for label, pixels in count_labels(labels).items():
                self._add(self._planes.setdefault(plane, Counter()), label, sign * pixels)
                self._add(self._all, label, sign * pixels)

    def replace(self, plane: Plane, counts: Mapping[int, int]) -> None:
        """Take over a plane that was counted anew.

        Parameters
        ----------
        plane
            Index of the plane.
        counts
            Pixels of each label in it.
        """
        for label, pixels in self._planes.get(plane, {}).items():
            self._add(self._all, label, -pixels)
        self._planes[plane] = Counter(counts)
        for label, pixels in counts.items():
            self._add(self._all, label, pixels)

    def tally(self, scheme: str, n_pixels: int, plane: Plane | None = None) -> Tally:
        """Sum up a plane, or all.

        Parameters
        ----------
        scheme
            "sparse": 1 is background; "dense": every pixel without a cell is.
        n_pixels
            Pixels of the plane, or of all.
        plane
            Index of the plane; None: all.
        """
        counts = self._all if plane is None else self._planes.get(plane, Counter())
        background = counts[1] if scheme == "sparse" else n_pixels - counts.total()
        n_cells = len(counts) - (scheme == "sparse" and 1 in counts)
        return Tally(n_cells, counts.total() - (background if scheme == "sparse" else 0), background)

    @staticmethod
    def _add(counter: Counter[int], label: int, pixels: int) -> None:
        """Add pixels, and drop a label that has none left."""
        counter[label] += pixels
        if counter[label] <= 0:
            del counter[label]
