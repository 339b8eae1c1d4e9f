"""Score what it is worth to paint where the model is unsure: ten cells found so, against ten cells at random.

Run: ``python benchmarks/next_place.py [DATA] [--sets NAME ...] [--methods NAME ...] [--seeds N ...] [--write]``
DATA is a folder of public sets, each with ``images/NNN.tif`` and ``labels/NNN.tif``. Somebody paints three random cells
of one image, each with a rim of background, and trains from the starter model. While it trains, seven more are painted,
one at a time: ``random`` paints cells at random. ``next place`` goes where the button of that name leads, and paints
the cell that is there; where none is, it paints a disc of background, one touch of the brush, and goes on to the next
place, until it has come to a cell. In ``all counted`` such a disc counts as one of the seven. All begin with the same
three. Prints a Markdown table of the average precision at IoU 0.5 on later images of the set, one figure a seed;
``--write`` puts it into ``docs/accuracy.md``.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from _few_shot_tasks import SETS
from _report import DATA, PAGE, write
from scipy.ndimage import distance_transform_edt
from tifffile import imread

from napari_unet.config.recipe import parse_recipe
from napari_unet.data.rectangles import whole
from napari_unet.data.training_image import TrainingImage
from napari_unet.inference.place_search import Found, PlaceFinder, Search
from napari_unet.inference.segment import Segmenter
from napari_unet.metrics import detection, overlaps
from napari_unet.models.model_file import load_model
from napari_unet.training.events import Finished, Stepped
from napari_unet.training.starting import STARTER, choose_start
from napari_unet.training.trainer import Trainer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from napari_unet.models.model_file import TrainedModel

    Pairs = list[tuple[NDArray[Any], NDArray[Any]]]
    Method = Callable[["Painter", TrainedModel], None]
    #: Average precision of each seed, by set and method.
    Scores = dict[str, dict[str, list[float]]]

#: How many planes there are to paint in, and how much of each, px.
POOLS = {
    "psc": (1, (300, 400)),
    "fluo_hela": (1, (400, 600)),
    "u2os": (1, (1030, 1349)),
    "dic_hela": (4, (512, 512)),
}
FIRST, CELLS, TESTS = 3, 10, 3
#: Places that somebody looks at, at most, before a cell is painted.
MOST_PLACES = 10
#: Steps before the fourth cell is painted, between two cells, and after the last.
BEFORE, BETWEEN, AFTER = 100, 10, 40
STEPS = BEFORE + (CELLS - FIRST - 1) * BETWEEN + AFTER
#: Less than the default, so that many trainings take little; the same for all methods.
EFFORT = {"batch_size": 2, "patch_px": 100}
#: Width of the painted rim, in radii of the cell; and the least, px.
RIM, NARROWEST_RIM = 0.4, 2.0


@dataclass
class Painter:
    """Somebody who knows the truth of some planes, each cell with a number of its own, and paints parts of it."""

    images: NDArray[Any]
    truth: NDArray[Any]
    random: np.random.Generator
    painted: NDArray[Any] = field(init=False)
    free: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self.painted = np.zeros_like(self.truth)
        self.free = np.unique(self.truth[self.truth > 0]).tolist()

    def lesson(self) -> TrainingImage:
        """Give what is painted so far."""
        return TrainingImage("planes", self.images[:, None, None], self.painted[:, None, None].copy())

    def paint_random(self) -> None:
        """Paint a cell that is not painted yet."""
        self.paint(int(self.random.choice(self.free)))

    def paint(self, number: int) -> None:
        """Paint a cell, and the background around it."""
        plane = int(np.flatnonzero((self.truth == number).any(axis=(1, 2)))[0])
        truth = self.truth[plane]
        rim = max(NARROWEST_RIM, RIM * np.sqrt(np.count_nonzero(truth == number)) / 2)
        near = distance_transform_edt(truth != number) <= rim
        self.painted[plane][near & (truth == 0)] = 1
        self.painted[plane][truth == number] = number + 1
        self.free.remove(number)

    def paint_at(self, found: Found) -> bool:
        """Paint the cell nearest to a place, or background where no cell is as near as a radius; tell which."""
        assert found.place is not None
        plane, _, y, x = found.place
        truth, radius = self.truth[plane], found.cell_diameter_px / 2
        rows, columns = np.ogrid[: truth.shape[0], : truth.shape[1]]
        distance = np.hypot(rows - y, columns - x)
        there = np.isin(truth, self.free) & (distance <= radius)
        if there.any():
            self.paint(int(truth[there][distance[there].argmin()]))
        else:
            self.painted[plane][(distance <= radius) & (truth == 0)] = 1
        return bool(there.any())


def paint_random(painter: Painter, model: TrainedModel) -> None:
    painter.paint_random()


def paint_next_place(painter: Painter, model: TrainedModel, most_places: int = MOST_PLACES) -> None:
    finder = PlaceFinder()
    for _ in range(most_places):
        lesson = painter.lesson()
        search = Search(lesson.image, "planes", lesson.labels, "sparse", (0, 0), whole(lesson.image.shape[3:]))
        *_, found = finder.find(search, 0, lambda: model)
        assert isinstance(found, Found)
        if painter.paint_at(found):
            return


METHODS: dict[str, Method] = {
    "random": paint_random,
    "next place": paint_next_place,
    "all counted": partial(paint_next_place, most_places=1),
}


def read_pool(folder: Path, n_planes: int, size: tuple[int, int]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Read planes to paint in, from the first third of a set."""
    first = _thirds(folder)[0]
    pairs = [_read(folder, name) for name in first[:: -max(1, len(first) // n_planes)][:n_planes]]
    images, truths = (
        np.stack([plane[: size[0], : size[1]] for plane in planes]) for planes in zip(*pairs, strict=True)
    )
    for before, truth in pairwise(truths):
        truth[truth > 0] += before.max()
    return images, truths


def read_tests(folder: Path) -> Pairs:
    """Read images to score on, from the other two thirds."""
    later = _thirds(folder)[1]
    return [_read(folder, later[int(i)]) for i in np.linspace(0, len(later) - 1, TESTS).round()]


def _thirds(folder: Path) -> tuple[list[str], list[str]]:
    """Name the images of the first third of a set, and the others."""
    names = sorted(file.stem for file in folder.glob("images/*.tif"))
    return names[: max(1, len(names) // 3)], names[max(1, len(names) // 3) :]


def _read(folder: Path, name: str) -> tuple[NDArray[Any], NDArray[Any]]:
    """Read an image and its truth."""
    image, labels = (imread(folder / part / f"{name}.tif") for part in ("images", "labels"))
    return image, labels.astype(np.int32)


def learn(painter: Painter, method: Method) -> Segmenter:
    """Train, and paint the other cells meanwhile."""
    for _ in range(FIRST):
        painter.paint_random()
    recipe = parse_recipe({"training": {"steps": STEPS, "scheme": "sparse", **EFFORT}})
    start = choose_start(STARTER, [painter.lesson()], recipe).model
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer([painter.lesson()], recipe, folder, start)
        for event in trainer.run():
            if isinstance(event, Stepped) and event.step in range(BEFORE, STEPS - AFTER + 1, BETWEEN):
                method(painter, trainer.model())
                trainer.annotate(painter.lesson())
            elif isinstance(event, Finished):
                return Segmenter(load_model(event.path))
    raise AssertionError("a training ends with an event")


def score(segmenter: Segmenter, tests: Pairs) -> float:
    """Give the average precision at IoU 0.5, mean over images."""
    found = (next(iter(segmenter.planes(image[None, None, None]))).labels for image, _ in tests)
    return statistics.mean(
        detection(overlaps(labels, truth), 0.5).ap for labels, (_, truth) in zip(found, tests, strict=True)
    )


def measure(arguments: argparse.Namespace) -> Iterator[tuple[str, str, float]]:
    """Give set, method and score of each training."""
    for seed in arguments.seeds:
        for name in arguments.sets:
            folder = arguments.data / SETS[name]
            (images, truth), tests = read_pool(folder, *POOLS[name]), read_tests(folder)
            for method in arguments.methods:
                painter = Painter(images, truth, np.random.default_rng(seed))
                yield name, method, score(learn(painter, METHODS[method]), tests)


def table(scores: Scores) -> str:
    """Write a Markdown table: the mean of the seeds, in brackets each of them; the mean over the sets comes last."""
    methods = list(next(iter(scores.values())))
    rows = [f"| set | {' | '.join(methods)} |", "|---" * (len(methods) + 1) + "|"]
    for name, row in scores.items():
        cells = [f"{statistics.mean(row[m]):.2f} ({', '.join(f'{ap:.2f}' for ap in row[m])})" for m in methods]
        rows.append(f"| {name} | {' | '.join(cells)} |")
    means = [statistics.mean(statistics.mean(row[m]) for row in scores.values()) for m in methods]
    return "\n".join([*rows, f"| mean | {' | '.join(f'{mean:.2f}' for mean in means)} |"])


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, nargs="?", default=DATA, help="folder of the sets")
    parser.add_argument("--sets", nargs="+", choices=POOLS, default=list(POOLS))
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2], help="each begins with other cells")
    parser.add_argument("--write", action="store_true", help=f"put the table into {PAGE.name}")
    arguments = parser.parse_args()
    if not arguments.data.is_dir():
        parser.exit(0, f"{arguments.data}: there is no such folder; nothing is measured\n")
    return arguments


def main() -> None:
    arguments = parse()
    scores: Scores = {name: {method: [] for method in arguments.methods} for name in arguments.sets}
    for name, method, ap in measure(arguments):
        scores[name][method].append(ap)
        print(f"{name}, {method}: {ap:.3f}", flush=True)
    text = table(scores)
    print(text)
    if arguments.write:
        about = (
            f"{CELLS} painted cells each, {STEPS} steps from the starter model. Average precision at IoU 0.5, mean "
            f"over {TESTS} later images, and over {len(arguments.seeds)} seeds, which are in brackets: "
            "`python benchmarks/next_place.py`"
        )
        write(PAGE, "## Where to paint: next place against random cells", f"{about}\n\n{text}")


if __name__ == "__main__":
    main()
