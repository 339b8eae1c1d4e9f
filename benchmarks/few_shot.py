"""Score what a minute of training on one annotated image, or on five annotated cells, is worth on other images.

Run: ``python benchmarks/few_shot.py [DATA] [--sets NAME ...] [--methods NAME ...] [--seconds S | --steps N] [--write]``
DATA is a folder of public sets, each with ``images/NNN.tif`` and ``labels/NNN.tif``. Prints a Markdown table of the
average precision at IoU 0.5, mean over the test images; ``--write`` puts it into ``docs/accuracy.md``.

Series are learnt from at their beginning and scored later. Of the 2018 Data Science Bowl only fields take part that
the starter model has never seen. ``forest`` is a random forest on intensity, edges and texture of each pixel, as the
common tools for interactive segmentation have it (needs scikit-learn); ``scratch`` our U-Net from random weights;
``untouched`` the starter model as it is; ``starter`` the same after training, which is what our users get; ``cellpose``
Cellpose 3 from random weights (needs cellpose).
"""

from __future__ import annotations

import argparse
import csv
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from _report import DATA, PAGE, write
from tifffile import imread

from napari_unet.config.instances import InstancesConfig
from napari_unet.config.recipe import parse_recipe
from napari_unet.data.targets import NOT_ANNOTATED, make_target, read_annotation
from napari_unet.data.training_image import TrainingImage
from napari_unet.inference.instances import find_instances
from napari_unet.inference.segment import Segmenter
from napari_unet.metrics import detection, overlaps
from napari_unet.models.model_file import load_model
from napari_unet.models.starter import load_starter
from napari_unet.samples import annotate_sparsely
from napari_unet.training.events import Finished
from napari_unet.training.starting import NONE, STARTER, choose_start
from napari_unet.training.trainer import Trainer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    #: Makes cells (Y, X) of an image (Y, X).
    Segmentation = Callable[[NDArray[Any]], NDArray[Any]]
    #: Learns from images and labels in a scheme, within a budget as in `TrainingConfig`.
    Method = Callable[["Lesson", dict[str, float]], Segmentation]
    Scores = dict[str, dict[str, float]]

SETS = {
    "dsb": "dsb2018_stage1",
    "u373": "ctc_phc_c2dh_u373",
    "u2os": "coelho2009_u2os",
    "dic_hela": "ctc_dic_c2dh_hela",
    "psc": "ctc_phc_c2dl_psc",
    "fluo_hela": "ctc_fluo_n2dl_hela",
    "isbi": "isbi2012_em",
}
#: Cells painted in the sparse variant.
CELLS = 5


@dataclass(frozen=True)
class Lesson:
    """Images (Y, X) and their labels, in the scheme "dense" or "sparse"."""

    images: list[NDArray[Any]]
    labels: list[NDArray[Any]]
    scheme: str


@dataclass(frozen=True)
class Task:
    """What is learnt from, and pairs of image and truth to score on."""

    lesson: Lesson
    tests: list[tuple[NDArray[Any], NDArray[Any]]]


def read_task(folder: Path, n_images: int, n_tests: int, scheme: str) -> Task:
    """Read the first images to learn from, and others, far from them, to score on."""
    names = _unseen(folder) if (folder / "index.tsv").exists() else sorted(f.stem for f in folder.glob("images/*.tif"))
    later = names[max(n_images, len(names) // 3) :]
    chosen = [later[int(i)] for i in np.linspace(0, len(later) - 1, min(n_tests, len(later))).round()]
    pairs = {name: _read_pair(folder, name) for name in [*names[:n_images], *chosen]}
    images, labels = zip(*(pairs[name] for name in names[:n_images]), strict=True)
    if scheme == "sparse":
        labels = tuple(annotate_sparsely(truth, min(CELLS, len(np.unique(truth)) - 1)) for truth in labels)
    return Task(Lesson(list(images), list(labels), scheme), [pairs[name] for name in chosen])


def _read_pair(folder: Path, name: str) -> tuple[NDArray[Any], NDArray[Any]]:
    """Read an image and its truth."""
    image, labels = (imread(folder / part / f"{name}.tif") for part in ("images", "labels"))
    return image, labels.astype(np.int32)


def _unseen(folder: Path) -> list[str]:
    """List the images of an indexed set: nuclei in fluorescence that the starter model has not learnt from."""
    with (folder / "index.tsv").open() as table:
        rows = list(csv.DictReader(table, delimiter="\t"))
    seen = set(load_starter().card.training_data)
    wanted = [row["index"] for row in rows if row.get("type", "gray_bright_on_dark") == "gray_bright_on_dark"]
    return [name for name in wanted if f"dsb2018-{name}" not in seen]


def forest(lesson: Lesson, budget: dict[str, float]) -> Segmentation:
    """Train a random forest on the annotated pixels; its time is what it takes."""
    from skimage.feature import multiscale_basic_features
    from sklearn.ensemble import RandomForestClassifier

    features = partial(multiscale_basic_features, sigma_min=1, sigma_max=16)
    random = np.random.default_rng(0)
    values, classes = [], []
    for image, labels in zip(lesson.images, lesson.labels, strict=True):
        target = make_target(*read_annotation(labels, lesson.scheme), "instances").ravel()  # type: ignore[arg-type]
        known = np.flatnonzero(target != NOT_ANNOTATED)
        known = random.choice(known, min(known.size, 50_000), replace=False)
        values.append(features(image.astype(np.float32)).reshape(target.size, -1)[known])
        classes.append(target[known])
    trees = RandomForestClassifier(100, max_depth=20, min_samples_leaf=5, class_weight="balanced", random_state=0)
    trees.fit(np.concatenate(values), np.concatenate(classes))
    smallest = _smallest_cell(lesson)

    def segmentation(image: NDArray[Any]) -> NDArray[Any]:
        stack = features(image.astype(np.float32))
        foreground = trees.predict_proba(stack.reshape(-1, stack.shape[-1]))[:, 1].reshape(image.shape)
        return find_instances(foreground, InstancesConfig(), min_size_px=smallest)

    return segmentation


def _smallest_cell(lesson: Lesson) -> int:
    """Give the size below which cells are dropped, as the U-Net has it."""
    background = 1 if lesson.scheme == "dense" else 2
    sizes = np.concatenate([np.bincount(labels.ravel())[background:] for labels in lesson.labels])
    return int(np.percentile(sizes[sizes > 0], 5) / 4)


def unet(lesson: Lesson, budget: dict[str, float], init: str = NONE) -> Segmentation:
    """Train our U-Net."""
    recipe = parse_recipe({"training": {**budget, "scheme": lesson.scheme}})
    pairs = zip(lesson.images, lesson.labels, strict=True)
    images = [TrainingImage(str(n), i[None, None, None], lab[None, None, None]) for n, (i, lab) in enumerate(pairs)]
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(images, recipe, folder, choose_start(init, images, recipe).model)
        for event in trainer.run():
            if isinstance(event, Finished):
                print(f"    {event.step} steps in {event.seconds:.0f} s", flush=True)
                return partial(_segment, Segmenter(load_model(event.path)))
    raise AssertionError("a training ends with an event")


def untouched(lesson: Lesson, budget: dict[str, float]) -> Segmentation:
    """Take the starter model as it is."""
    return partial(_segment, Segmenter(load_starter()))


def _segment(segmenter: Segmenter, image: NDArray[Any]) -> NDArray[Any]:
    """Segment an image (Y, X)."""
    return next(iter(segmenter.planes(image[None, None, None]))).labels


def cellpose(lesson: Lesson, budget: dict[str, float]) -> Segmentation:
    """Train Cellpose 3 from random weights; the number of its epochs is found by timing one."""
    from cellpose import models, train

    def fit(epochs: int) -> Any:
        model = models.CellposeModel(gpu=False, pretrained_model=False)
        train.train_seg(model.net, lesson.images, lesson.labels, channels=[0, 0], n_epochs=epochs, min_train_masks=1)
        return model

    began = time.perf_counter()
    fit(1)
    model = fit(max(2, int(budget.get("seconds", 60) / (time.perf_counter() - began))))
    return lambda image: np.asarray(model.eval(image, channels=[0, 0])[0])


METHODS: dict[str, Method] = {
    "forest": forest,
    "scratch": unet,
    "untouched": untouched,
    "starter": partial(unet, init=STARTER),
    "cellpose": cellpose,
}


def score(segmentation: Segmentation, tests: Sequence[tuple[NDArray[Any], NDArray[Any]]]) -> float:
    """Give the average precision at IoU 0.5, mean over images."""
    return statistics.mean(detection(overlaps(segmentation(image), truth), 0.5).ap for image, truth in tests)


def measure(arguments: argparse.Namespace) -> Scores:
    """Score every method on every set."""
    budget = {"steps": arguments.steps} if arguments.steps else {"seconds": arguments.seconds}
    scheme = "sparse" if arguments.sparse else "dense"
    scores: Scores = {}
    for name in arguments.sets:
        task = read_task(arguments.data / SETS[name], arguments.images, arguments.tests, scheme)
        scores[name] = {}
        for method in arguments.methods:
            scores[name][method] = score(METHODS[method](task.lesson, budget), task.tests)
            print(f"{name}, {method}: {scores[name][method]:.3f}", flush=True)
    return scores


def table(scores: Scores) -> str:
    """Write a Markdown table, with the mean over the sets in the last row."""
    methods = list(next(iter(scores.values())))
    rows = {**scores, "mean": {m: statistics.mean(row[m] for row in scores.values()) for m in methods}}
    lines = [f"| set | {' | '.join(methods)} |", "|---" * (len(methods) + 1) + "|"]
    lines += [f"| {name} | {' | '.join(f'{row[m]:.2f}' for m in methods)} |" for name, row in rows.items()]
    return "\n".join(lines)


def title(arguments: argparse.Namespace) -> str:
    """Name the section of the page."""
    images = f"{arguments.images} image{'s' * (arguments.images > 1)}"
    what = f"{CELLS} cells in {images}" if arguments.sparse else images
    budget = f"{arguments.steps} steps" if arguments.steps else f"{arguments.seconds:.0f} s"
    return f"## Few shots: {what}, {budget}"


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, nargs="?", default=DATA, help="folder of the sets")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=["scratch", "untouched", "starter"])
    parser.add_argument("--images", type=int, default=1, help="annotated images to learn from")
    parser.add_argument("--tests", type=int, default=8, help="images to score on")
    parser.add_argument(
        "--sparse", action="store_true", help=f"annotate {CELLS} cells an image, with a ring around each"
    )
    parser.add_argument("--write", action="store_true", help=f"put the table into {PAGE.name}")
    budget = parser.add_mutually_exclusive_group()
    budget.add_argument("--seconds", type=float, default=60.0, help="training time")
    budget.add_argument("--steps", type=int, help="training steps, where the machine is not idle")
    arguments = parser.parse_args()
    if not arguments.data.is_dir():
        parser.exit(0, f"{arguments.data}: there is no such folder; nothing is measured\n")
    return arguments


def main() -> None:
    arguments = parse()
    text = table(measure(arguments))
    print(text)
    if arguments.write:
        heading = title(arguments)
        options = [part for part in sys.argv[1:] if part not in ("--write", str(arguments.data))]
        command = " ".join(["benchmarks/few_shot.py", "DATA", *options])
        about = f"Average precision at IoU 0.5, mean over up to {arguments.tests} other images: `python {command}`"
        write(PAGE, heading, f"{about}\n\n{text}")


if __name__ == "__main__":
    main()
