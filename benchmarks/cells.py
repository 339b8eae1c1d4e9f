"""Score what the choices are worth that make cells of probabilities: outlines, cores, least probability of a cell.

Run: ``python benchmarks/cells.py MODELS [DATA] [--settings NAME ...] [--tests N] [--write]``
MODELS is a folder that ``benchmarks/few_shot.py --methods starter --models MODELS`` has filled, DATA that of the sets.
``chosen`` is what holds where nothing is said: what the training has chosen by the annotated cells, if it does.
Prints a Markdown table for each setting; ``--write`` puts them into ``docs/accuracy.md``.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any

from _few_shot_methods import kept_models
from _few_shot_tasks import SETS, Effort, read_task
from _report import DATA, PAGE, write

from napari_unet.inference.segment import Segmenter
from napari_unet.metrics import detection, overlaps, seg
from napari_unet.models.model_file import load_model

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_unet.models.model_file import TrainedModel

    #: Images, or their probabilities, each with its truth.
    Pairs = list[tuple[NDArray[Any], NDArray[Any]]]
    #: Average precision at 0.5 and SEG, means over the images, by the value of a setting.
    Scores = dict[str, tuple[float, float]]


@dataclass(frozen=True)
class Choice:
    """A setting, the value that does without, others, and what to tell of it."""

    none: float
    values: tuple[float, ...]
    heading: str
    about: str
    #: What ``chosen`` means.
    chosen: str = "as the training has chosen"


CHOICES = {
    "outline_threshold": Choice(
        0.5,
        (0.4, 0.35, 0.3, 0.2),
        "## What growing to outlines is worth",
        "probability from which a pixel beside a cell is part of it; none: cells end at the threshold, one half",
        "where nothing is said, 0.4",
    ),
    "core_threshold": Choice(
        0.01,
        (0.7, 0.8, 0.9),
        "## What taking cells apart is worth",
        "probability that a core must reach; none: cells are not taken apart",
    ),
    "min_probability": Choice(
        0.0,
        (0.6, 0.7, 0.8, 0.9),
        "## What dropping unsure cells is worth",
        "mean foreground probability that a cell must have; none: no cell is dropped for it",
    ),
}


def predict(model: TrainedModel, tests: Pairs) -> Pairs:
    """Give the probabilities of the images, with their truth."""
    segmenter = Segmenter(model)
    planes = (next(segmenter.planes(image[None, None, None], keep_probabilities=True)) for image, _ in tests)
    return [(plane.probabilities, truth) for plane, (_, truth) in zip(planes, tests, strict=True)]


def scores(model: TrainedModel, setting: str, predicted: Pairs) -> Scores:
    """Score each value of a setting, and what is chosen where it is left open."""
    choice, result, usual = CHOICES[setting], {}, model.card.recipe.instances
    values = {"none": choice.none, **{str(value): value for value in choice.values}}
    for name, value in {**values, "chosen": getattr(usual, setting)}.items():
        maker = Segmenter(model, instances=usual.model_copy(update={setting: value}))
        tables = [overlaps(maker.label(probabilities), truth) for probabilities, truth in predicted]
        result[name] = mean(detection(table, 0.5).ap for table in tables), mean(seg(table) for table in tables)
    return result


def table(results: dict[str, Scores]) -> str:
    """Write a Markdown table: average precision, and SEG behind it."""
    columns = list(next(iter(results.values())))
    means = {c: tuple(mean(row[c][n] for row in results.values()) for n in (0, 1)) for c in columns}
    lines = [f"| set | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    for name, row in {**results, "mean": means}.items():
        lines.append(f"| {name} | {' | '.join(f'{row[c][0]:.3f}, {row[c][1]:.3f}' for c in columns)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", type=Path, help="folder of trained models")
    parser.add_argument("data", type=Path, nargs="?", default=DATA, help="folder of the sets")
    parser.add_argument("--settings", nargs="+", choices=CHOICES, default=list(CHOICES))
    parser.add_argument("--tests", type=int, default=12, help="images of each set")
    parser.add_argument("--write", action="store_true", help=f"put the tables into {PAGE.name}")
    arguments = parser.parse_args()
    results: dict[str, dict[str, Scores]] = {setting: {} for setting in arguments.settings}
    for name, file in kept_models(arguments.models).items():
        model = load_model(file)
        predicted = predict(model, read_task(arguments.data / SETS[name], Effort(1), arguments.tests).tests)
        for setting in arguments.settings:
            results[setting][name] = scores(model, setting, predicted)
            print(name, setting, results[setting][name], flush=True)
    for setting in arguments.settings:
        print(text := table(results[setting]))
        if arguments.write:
            about = (
                f"Average precision at IoU 0.5, and SEG, mean over up to {arguments.tests} other images, of the models "
                f"of the table of few shots, by the\n{CHOICES[setting].about}; chosen: {CHOICES[setting].chosen}.\n"
                f"`python benchmarks/cells.py MODELS --settings {setting}`"
            )
            write(PAGE, CHOICES[setting].heading, f"{about}\n\n{text}")


if __name__ == "__main__":
    main()
