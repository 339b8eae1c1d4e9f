"""Judge class maps: files of predictions against files of the truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_unet.data.targets import make_target, read_annotation
from napari_unet.errors import InputError
from napari_unet.inference.evaluation import PairFailed, open_pair
from napari_unet.metrics.classes import class_scores, count_classes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_unet.data.reading import Image


def compare_classes(pairs: Sequence[tuple[Path, Path]]) -> tuple[dict[str, dict[str, float]], list[PairFailed]]:
    """Compare class maps with the truth, a class with the class of the same number.

    Parameters
    ----------
    pairs
        Prediction and truth, from `napari_unet.data.pairing.pair_files`.

    Returns
    -------
    scores : dict
        By name of the image: its measures, see `napari_unet.metrics.classes.class_scores`, for all classes that stand
        in any of the images.
    failed : list of PairFailed
        Pairs that cannot be compared.
    """
    counts: dict[str, NDArray[np.int64]] = {}
    failed = []
    for predicted, truth in pairs:
        try:
            counts[predicted.stem] = _count(*open_pair(predicted, truth))
        except (InputError, OSError) as error:
            failed.append(PairFailed(predicted.stem, error))
    present = sum(table + table.T for table in counts.values())
    classes = np.flatnonzero(np.any(present, axis=0)) if counts else ()
    return {name: class_scores(table, list(map(int, classes))) for name, table in counts.items()}, failed


def _count(found: Image, real: Image) -> NDArray[np.int64]:
    """Count the classes of an image plane by plane."""
    planes = zip(found.planes(), real.planes(), strict=True)
    total: NDArray[np.int64] = sum(count_classes(*map(_classes, pair)) for pair in planes)  # type: ignore[assignment]
    return total


def _classes(plane: NDArray[np.integer]) -> NDArray[np.uint8]:
    """Read a plane as classes, and refuse numbers of cells."""
    return make_target(*read_annotation(plane, "dense"), "classes")
