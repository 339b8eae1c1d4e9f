"""`napari-unet demo`: the whole way from a few painted cells to scored labels, on drawn images."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from napari_unet.cli.messages import say

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from napari_unet.config.recipe import Recipe
    from napari_unet.inference.segment import SegmentedPlane
    from napari_unet.metrics import Scores
    from napari_unet.samples import Sample


@dataclass(frozen=True)
class Plan:
    """How much the demo does.

    Attributes
    ----------
    sample_px, mosaic_px
        Edges of the image that is learnt from and of the one that is segmented.
    n_cells
        Cells annotated.
    steps
        Optimiser steps: with a number of steps, not of seconds, a slow machine gets the same result, later.
    required_ap50
        Average precision from which the demo has succeeded.
    """

    sample_px: int = 320
    mosaic_px: int = 1024
    n_cells: int = 20
    steps: int = 250
    required_ap50: float = 0.5


@dataclass(frozen=True)
class _Lesson:
    """What the network learns from, and how."""

    sample: Sample
    annotation: NDArray[np.int32]
    recipe: Recipe


@dataclass(frozen=True)
class _Result:
    """What came out."""

    mosaic: Sample
    plane: SegmentedPlane
    scores: Scores
    losses: list[float]


@dataclass
class _Stopwatch:
    """Seconds that each part took."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Say what is done and time it."""
        say(f"{name} …")
        start = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - start


def demo(output: Path, plan: Plan | None = None) -> int:
    """Draw a sample, annotate a few cells, train, segment a bigger image, score it, and write pictures and a report.

    Parameters
    ----------
    output
        Folder to write to.
    plan
        How much is done; None: what takes about a minute.

    Returns
    -------
    int
        0 if the cells were found, 1 if the score is bad.
    """
    plan, watch = plan or Plan(), _Stopwatch()
    with watch.part("draw and annotate"):
        lesson = _prepare(plan)
    with watch.part("train"):
        model, losses = _train(lesson, output)
    with watch.part("segment"):
        mosaic, plane = _segment(model, plan)
    with watch.part("score"):
        result = _Result(mosaic, plane, _score(plane, mosaic), losses)
    with watch.part("write pictures"):
        _write_pictures(output, lesson, result)
    passed = result.scores.ap50 >= plan.required_ap50
    _write_report(output, plan, result.scores, watch, passed)
    return 0 if passed else 1
