"""Score what taking cells apart by their cores is worth, over how sure the network must be of a core.

Run: ``python benchmarks/cores.py MODELS [DATA] [--tests N] [--write]``
MODELS is a folder that ``benchmarks/few_shot.py --methods starter --models MODELS`` has filled, DATA that of the sets.
``chosen`` is what the training has chosen by the annotated cells. Prints a Markdown table; ``--write`` puts it into
``docs/accuracy.md``.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
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

CORES = (None, 0.7, 0.8, 0.9)
HEADING = "## What taking cells apart is worth"


def scores(model: TrainedModel, tests: list[tuple[NDArray[Any], NDArray[Any]]]) -> dict[str, tuple[float, float]]:
    """Give average precision at 0.5 and SEG, means over the images, of each core and of the chosen one."""
    segmenter = Segmenter(model)
    planes = [next(segmenter.planes(image[None, None, None], keep_probabilities=True)) for image, _ in tests]
    result = {}
    for name, core in {**{str(core or "none"): core for core in CORES}, "chosen": model.card.core_threshold}.items():
        maker = Segmenter(replace(model, card=model.card.model_copy(update={"core_threshold": core})))
        found = [maker.label(plane.probabilities) for plane in planes]
        tables = [overlaps(labels, truth) for labels, (_, truth) in zip(found, tests, strict=True)]
        result[name] = mean(detection(table, 0.5).ap for table in tables), mean(seg(table) for table in tables)
    return result


def table(results: dict[str, dict[str, tuple[float, float]]]) -> str:
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
    parser.add_argument("--tests", type=int, default=12, help="images of each set")
    parser.add_argument("--write", action="store_true", help=f"put the table into {PAGE.name}")
    arguments = parser.parse_args()
    results = {}
    for name, file in kept_models(arguments.models).items():
        tests = read_task(arguments.data / SETS[name], Effort(1), arguments.tests).tests
        results[name] = scores(load_model(file), tests)
        print(name, results[name], flush=True)
    print(text := table(results))
    if arguments.write:
        about = (
            f"Average precision at IoU 0.5, and SEG, mean over up to {arguments.tests} other images, of the models of "
            "the table of few shots, by the\nprobability that a core must reach; none: cells are not taken apart; "
            "chosen: as the training has chosen.\n"
            "`python benchmarks/cores.py MODELS`"
        )
        write(PAGE, HEADING, f"{about}\n\n{text}")


if __name__ == "__main__":
    main()
