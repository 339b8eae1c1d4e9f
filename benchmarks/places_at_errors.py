"""Count how often the next place to paint is one where the model is wrong, against cells at random.

Run: ``python benchmarks/places_at_errors.py MODELS [DATA] [--tests N] [--places N] [--write]``
MODELS is a folder that ``benchmarks/few_shot.py --cells 5 --methods starter --models MODELS`` has filled, DATA that of
the sets. On images of the set that the model has not seen, the places are found as the button *Next place* finds them,
with nothing annotated. A place is at an error if a missed, merged, split or false cell, or an outline that hardly fits,
lies within a radius of a cell.
Prints a Markdown table; ``--write`` puts it into ``docs/accuracy.md``.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from _few_shot_methods import kept_models
from _few_shot_tasks import SETS, Effort, read_task
from _report import DATA, PAGE, write
from skimage.measure import regionprops

from napari_unet.config.tiling import TilingConfig
from napari_unet.inference.places import next_places
from napari_unet.inference.predictor import Predictor
from napari_unet.inference.segment import Segmenter
from napari_unet.inference.uncertainty import uncertainty
from napari_unet.metrics.errors import find_errors
from napari_unet.models.model_file import load_model

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_unet.models.model_file import TrainedModel

#: Of larger images the corner is taken, px.
LARGEST = 1100


def hit_rates(model: TrainedModel, image: NDArray[Any], truth: NDArray[Any], n: int) -> tuple[float, float]:
    """Give the share of true cells that are at an error, and that of the next places."""
    data = image[None, None, None]
    labels = next(iter(Segmenter(model).planes(data))).labels
    cells = regionprops(truth)
    diameter = float(np.median([cell.equivalent_diameter_area for cell in cells]))
    doubt = uncertainty(Predictor(model, TilingConfig(averaging="rotations and mirrors")).probabilities(data)[0, 0])
    nothing = np.zeros((1, *doubt.shape), bool)
    places = next_places(doubt[None], nothing, nothing, diameter, n)
    wrong = find_errors(labels, truth).error_map > 0
    return _share(wrong, [cell.centroid for cell in cells], diameter), _share(
        wrong, [(place.y, place.x) for place in places], diameter
    )


def _share(wrong: NDArray[np.bool_], places: list[Any], diameter: float) -> float:
    """Give the share of places within a radius of which something is wrong."""
    rows, columns = np.ogrid[: wrong.shape[0], : wrong.shape[1]]
    near = ((rows - y) ** 2 + (columns - x) ** 2 <= (diameter / 2) ** 2 for y, x in places)
    return statistics.mean(bool(wrong[disc].any()) for disc in near)


def measure(arguments: argparse.Namespace) -> dict[str, tuple[float, float]]:
    """Give both shares of each set, mean over images."""
    rates = {}
    for name, file in kept_models(arguments.models).items():
        tests = read_task(arguments.data / SETS[name], Effort(1, 5), arguments.tests).tests
        corner = (slice(LARGEST),) * 2
        found = [hit_rates(load_model(file), image[corner], truth[corner], arguments.places) for image, truth in tests]
        rates[name] = (statistics.mean(rate[0] for rate in found), statistics.mean(rate[1] for rate in found))
        print(name, *rates[name], flush=True)
    return rates


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", type=Path, help="folder of trained models")
    parser.add_argument("data", type=Path, nargs="?", default=DATA, help="folder of the sets")
    parser.add_argument("--tests", type=int, default=2, help="images of each set")
    parser.add_argument("--places", type=int, default=8, help="places in each image")
    parser.add_argument("--write", action="store_true", help=f"put the table into {PAGE.name}")
    arguments = parser.parse_args()
    rates = measure(arguments)
    rates["mean"] = tuple(statistics.mean(column) for column in zip(*rates.values(), strict=True))
    rows = [f"| {name} | {cells:.2f} | {places:.2f} |" for name, (cells, places) in rates.items()]
    text = "\n".join(["| set | cells at random | next places |", "|---|---|---|", *rows])
    print(text)
    if arguments.write:
        about = (
            f"Share that lies at an error of a model taught by five cells, {arguments.places} places in each of "
            f"{arguments.tests} other images:\n`python benchmarks/places_at_errors.py MODELS`"
        )
        write(PAGE, "## Where the next place leads", f"{about}\n\n{text}")


if __name__ == "__main__":
    main()
