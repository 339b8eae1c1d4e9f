"""`napari-unet demo`: the whole way from a few painted cells to scored labels, on drawn images."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from napari_unet.axes import to_canonical
from napari_unet.cli import pictures
from napari_unet.cli.messages import report, say
from napari_unet.cli.pictures import Panel
from napari_unet.cli.progress import TrainingProgress
from napari_unet.config.recipe import Recipe, parse_recipe
from napari_unet.data.files import atomic_path
from napari_unet.data.training_image import TrainingImage
from napari_unet.data.weight_map import weight_map
from napari_unet.inference.segment import SegmentedPlane, Segmenter
from napari_unet.metrics import Scores, score_pair
from napari_unet.samples import Sample, annotate_sparsely, draw_sample
from napari_unet.training.trainer import Trainer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_unet.models.model_file import TrainedModel

#: The annotator paints a stroke of background of this width at every such distance.
_STROKE_PX, _STROKE_DISTANCE_PX = 8, 64
_CLOSE_UP = (slice(320), slice(320))
#: A small network suffices for drawn nuclei, and a person waits for the demo.
_SETTINGS = {"training": {"scheme": "sparse", "patch_px": 100}, "model": {"depth": 3, "base_channels": 8}}
_REPORT = """# napari-unet demo: {verdict}

The network learnt from {n_annotated} painted cells, and found {n_predicted} cells in a new image that has {n_truth}.

![overview](overview.png)

| measure | value |
|---|---|
| average precision at IoU 0.5 | {ap50:.3f} (at least {required:.2f} is needed) |
| F1 at IoU 0.5 | {f1:.3f} |
| SEG | {seg:.3f} |
| IoU of the foreground | {iou:.3f} |

| part | seconds |
|---|---|
{timings}

Pictures: {pictures}. The model is `run/last.safetensors`; its settings stand in `run/recipe.toml`.
"""


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
        Optimiser steps: counted, not timed, so that a slow machine comes to the same result.
    required_ap50
        Average precision from which the demo has succeeded.
    """

    sample_px: int = 320
    mosaic_px: int = 1024
    n_cells: int = 20
    steps: int = 300
    required_ap50: float = 0.7


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
    losses: list[float]


@dataclass
class _Stopwatch:
    """Seconds that each part took."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Say what is done, and time it."""
        say(f"{name} …")
        start = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - start


def demo(output: Path, plan: Plan | None = None) -> int:
    """Draw an image, annotate some cells, train, segment a bigger image, score it, write pictures and a report.

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
        lesson, mosaic = _prepare(plan), draw_sample("nuclei", (plan.mosaic_px, plan.mosaic_px), seed=2)
    with watch.part("train"):
        model, losses = _train(lesson, output)
    with watch.part("segment"):
        result = _Result(mosaic, _segment(model, mosaic), losses)
    with watch.part("score"):
        scores = score_pair(result.plane.labels, mosaic.labels)
    with watch.part("write pictures"):
        names = _write_pictures(output, lesson, result)
    text = _describe(plan, scores, watch, names)
    with atomic_path(output / "report.md") as temporary:
        temporary.write_text(text, encoding="utf-8")
    report(f"{output / 'report.md'}: {_verdict(plan, scores)}, average precision {scores.ap50:.3f}")
    return 0 if _passes(plan, scores) else 1


def _prepare(plan: Plan) -> _Lesson:
    """Draw an image and paint what a person would: some cells, their surroundings, strokes of background."""
    sample = draw_sample("nuclei", (plan.sample_px, plan.sample_px), seed=1)
    annotation = annotate_sparsely(sample.labels, plan.n_cells)
    strokes = sample.labels == 0
    strokes[np.arange(plan.sample_px) % _STROKE_DISTANCE_PX >= _STROKE_PX] = False
    annotation[strokes & (annotation == 0)] = 1
    recipe = parse_recipe(_SETTINGS)
    training = recipe.training.model_copy(update={"steps": plan.steps})
    return _Lesson(sample, annotation, recipe.model_copy(update={"training": training}))


def _train(lesson: _Lesson, output: Path) -> tuple[TrainedModel, list[float]]:
    """Train, and show the progress."""
    image, labels = (to_canonical(array, "YX") for array in (lesson.sample.image, lesson.annotation))
    trainer = Trainer([TrainingImage("demo", image, labels)], lesson.recipe, output / "run")
    with TrainingProgress() as progress:
        for event in trainer.run():
            progress.show(event)
    return trainer.model(), trainer.losses


def _segment(model: TrainedModel, mosaic: Sample) -> SegmentedPlane:
    """Find the cells of an image that the network has not seen."""
    return next(Segmenter(model).planes(to_canonical(mosaic.image, "YX"), keep_probabilities=True))


def _write_pictures(output: Path, lesson: _Lesson, result: _Result) -> list[str]:
    """Write each picture, and one of them all; give their names."""
    panels = _panels(lesson, result)
    pictures.write_figure(output / "overview.png", list(panels.values()))
    for name, panel in panels.items():
        pictures.write_figure(output / f"{name}.png", [panel])
    return [f"{name}.png" for name in panels]


def _panels(lesson: _Lesson, result: _Result) -> dict[str, Panel]:
    """Lay out the way from the image to the labels."""
    sample, mosaic, plane = lesson.sample, result.mosaic, result.plane
    weights = weight_map(lesson.annotation, lesson.recipe.weight_map, scheme="sparse")
    assert plane.probabilities is not None
    near, truth, found = (array[_CLOSE_UP] for array in (mosaic.image, mosaic.labels, plane.labels))
    outlines = {pictures.TRUTH_COLOR: truth, pictures.PREDICTED_COLOR: found}
    return {
        "image": Panel("Image to learn from", pictures.draw_image(sample.image)),
        "annotation": Panel(
            "Annotation: cells, and background in blue", pictures.draw_annotation(sample.image, lesson.annotation)
        ),
        "weight_map": Panel("Weight map: how much each pixel counts", pictures.draw_weights(weights)),
        "learning_curve": Panel("Learning curve", pictures.draw_learning_curve(result.losses)),
        "new_image": Panel("New image", pictures.draw_image(mosaic.image)),
        "probability": Panel("Probability of a cell", pictures.draw_probability(1 - plane.probabilities[0])),
        "labels": Panel(f"{plane.n_cells} cells found", pictures.draw_labels(plane.labels)),
        "outlines": Panel("Close-up: found (orange) and true (blue)", pictures.draw_outlines(near, outlines)),
        "errors": Panel("Close-up: where the foreground differs", pictures.draw_errors(found, truth)),
    }


def _describe(plan: Plan, scores: Scores, watch: _Stopwatch, names: list[str]) -> str:
    """Write the report."""
    return _REPORT.format(
        verdict=_verdict(plan, scores),
        n_annotated=plan.n_cells,
        n_predicted=scores.n_predicted,
        n_truth=scores.n_truth,
        ap50=scores.ap50,
        required=plan.required_ap50,
        f1=scores.f1,
        seg=scores.seg,
        iou=scores.iou,
        timings="\n".join(f"| {name} | {seconds:.1f} |" for name, seconds in watch.seconds.items()),
        pictures=", ".join(f"[{name}]({name})" for name in names),
    )


def _passes(plan: Plan, scores: Scores) -> bool:
    """Whether the score is good enough."""
    return scores.ap50 >= plan.required_ap50


def _verdict(plan: Plan, scores: Scores) -> str:
    """Say whether the score is good enough."""
    return "the cells were found" if _passes(plan, scores) else "the score is bad"
