"""The methods that the few-shot benchmark compares; each makes cells in the way its own defaults have it."""

from __future__ import annotations

import tempfile
import time
import tomllib
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any

import numpy as np
from _few_shot_tasks import SETS, read_task
from _runs import is_done, train

from napari_unet.config.instances import InstancesConfig
from napari_unet.config.recipe import parse_recipe
from napari_unet.data.targets import NOT_ANNOTATED, make_target, read_annotation
from napari_unet.data.training_image import TrainingImage
from napari_unet.inference.instances import find_instances
from napari_unet.inference.options import settle
from napari_unet.inference.segment import Segmenter
from napari_unet.metrics import detection, overlaps
from napari_unet.models.model_file import load_model
from napari_unet.models.starter import load_starter
from napari_unet.training.events import Stepped
from napari_unet.training.fit_instances import fit_saved
from napari_unet.training.run_folder import RunFolder
from napari_unet.training.starting import NONE, STARTER
from napari_unet.training.trainer import Trainer

if TYPE_CHECKING:
    from collections.abc import Callable

    from _few_shot_tasks import Effort, Task
    from numpy.typing import NDArray

    from napari_unet.config.recipe import Recipe

    #: Makes cells (Y, X) of an image (Y, X).
    Segmentation = Callable[[NDArray[Any]], NDArray[Any]]
    #: Learns a task for so many steps of our U-Net, or as long as these take. What is trained is kept in the folder; if
    #: it is there already, it is used as it is.
    Method = Callable[[Task, int, Path], Segmentation]

#: Steps of our U-Net that are timed, so that who learns in other steps has the same seconds of the same processor.
_TIMED_STEPS = 6
#: Annotated pixels of an image that the forest learns from; more make it slower, not better.
_FOREST_PX = 50_000


def unet(task: Task, steps: int, kept: Path, init: str = NONE) -> Segmentation:
    """Train our U-Net."""
    images, was_done = _training_images(task), is_done(kept)
    run = train(images, _recipe(task, steps), kept, init)
    if was_done:
        # Cells may have been made of its probabilities in another way then.
        fit_saved(RunFolder(kept).model, images, run.steps)
    if run.processor_seconds is not None:
        print(f"    {run.steps} steps in {run.processor_seconds:.0f} s of the processor", flush=True)
    return partial(_segment, Segmenter(load_model(RunFolder(kept).model), instances=InstancesConfig()))


def _recipe(task: Task, steps: int = 1) -> Recipe:
    """Give the recipe for a task: the default one, but for what the task settles."""
    settings = tomllib.loads(task.settings)
    return parse_recipe(settings | {"training": {"steps": steps, "scheme": task.scheme} | settings.get("training", {})})


def _training_images(task: Task) -> list[TrainingImage]:
    """Give the images of a task as the engine wants them."""
    pairs = enumerate(zip(task.images, task.labels, strict=True))
    return [TrainingImage(str(n), image[None, None, None], labels[None, None, None]) for n, (image, labels) in pairs]


def untouched(task: Task, steps: int, kept: Path) -> Segmentation:
    """Take the starter model as it is."""
    return partial(_segment, Segmenter(load_starter(), instances=InstancesConfig()))


def _segment(segmenter: Segmenter, image: NDArray[Any]) -> NDArray[Any]:
    """Segment an image (Y, X)."""
    return next(iter(segmenter.planes(image[None, None, None]))).labels


def forest(task: Task, steps: int, kept: Path) -> Segmentation:
    """Train a random forest on the annotated pixels: it has no steps, it is ready when it is."""
    from skimage.feature import multiscale_basic_features
    from sklearn.ensemble import RandomForestClassifier

    began = time.process_time()
    features = partial(multiscale_basic_features, sigma_min=1, sigma_max=16)
    random = np.random.default_rng(0)
    values, classes = [], []
    for image, labels in zip(task.images, task.labels, strict=True):
        target = make_target(*read_annotation(labels, task.scheme), "instances").ravel()
        known = np.flatnonzero(target != NOT_ANNOTATED)
        known = random.choice(known, min(known.size, _FOREST_PX), replace=False)
        values.append(features(image.astype(np.float32)).reshape(target.size, -1)[known])
        classes.append(target[known])
    trees = RandomForestClassifier(100, max_depth=20, min_samples_leaf=5, class_weight="balanced", random_state=0)
    trees.fit(np.concatenate(values), np.concatenate(classes))
    print(f"    trees grown in {time.process_time() - began:.0f} s of the processor", flush=True)
    config = InstancesConfig(min_size_px=_smallest_cell(task))

    def segmentation(image: NDArray[Any]) -> NDArray[Any]:
        stack = features(image.astype(np.float32))
        foreground = trees.predict_proba(stack.reshape(-1, stack.shape[-1]))[:, 1].reshape(image.shape)
        return find_instances(foreground, config)

    return segmentation


def _smallest_cell(task: Task) -> int | None:
    """Give the size below which cells are dropped, as the U-Net has it where it has not chosen another."""
    with tempfile.TemporaryDirectory() as folder:
        card = Trainer(_training_images(task), _recipe(task), folder).card
    return settle(card.recipe.instances, card, card.scale or 1.0).min_size_px


def cellpose(task: Task, steps: int, kept: Path) -> Segmentation:
    """Train Cellpose 3 from random weights, by its defaults, for as many epochs as there is time for."""
    from cellpose import models
    from cellpose.train import train_seg

    def fit(epochs: int, folder: Path) -> float:
        network = models.CellposeModel(gpu=False, pretrained_model=None).net
        # An image may hold fewer cells than it asks for.
        options = {"channels": [0, 0], "min_train_masks": 1, "n_epochs": epochs}
        began = time.process_time()
        train_seg(network, task.images, task.labels, save_path=folder, model_name="model", **options)
        return time.process_time() - began

    file = kept / "models" / "model"  # where it puts it itself
    if not file.exists():
        with tempfile.TemporaryDirectory() as folder:
            fit(1, Path(folder))  # compiles what is compiled at first use
            one, six = (fit(epochs, Path(folder)) for epochs in (1, 6))
        seconds = steps * _processor_seconds_per_step(task)
        epochs = max(int((seconds - one) / (six - one) * 5) + 1, 1)
        kept.mkdir(parents=True, exist_ok=True)
        print(f"    {epochs} epochs in {fit(epochs, kept):.0f} s of the processor of {seconds:.0f} s", flush=True)
    model = models.CellposeModel(gpu=False, pretrained_model=str(file))
    return lambda image: np.asarray(model.eval(image, channels=[0, 0])[0])


def _processor_seconds_per_step(task: Task) -> float:
    """Time steps of our U-Net on a task; the first one makes ready what all need."""
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(_training_images(task), _recipe(task, _TIMED_STEPS + 1), folder)
        with closing(trainer.run()) as events:
            times = [time.process_time() for event in events if isinstance(event, Stepped)]
    return (times[-1] - times[0]) / _TIMED_STEPS


METHODS: dict[str, Method] = {
    "forest": forest,
    "cellpose": cellpose,
    "scratch": unet,
    "untouched": untouched,
    "starter": partial(unet, init=STARTER),
}


@dataclass(frozen=True)
class Trial:
    """A method taught on a set."""

    set: str
    method: str
    effort: Effort
    steps: int
    settings: tuple[str, ...] = ()

    def __str__(self) -> str:
        parts = (self.set, self.method, str(self.effort).replace(" ", "-"), f"{self.steps}-steps", *self.settings)
        return "-".join(parts)


def kept_models(runs: Path) -> dict[str, Path]:
    """Find the models that were trained from the starter model; one for each set."""
    folders = sorted(runs.glob("*-starter-*-steps"))
    return {folder.name.partition("-starter-")[0]: RunFolder(folder).model for folder in folders}


def average_precision(trial: Trial, data: Path, n_tests: int, runs: Path) -> float:
    """Train, or take what was trained before, and give the average precision at IoU 0.5, mean over images."""
    task = replace(read_task(data / SETS[trial.set], trial.effort, n_tests), settings="\n".join(trial.settings))
    segmentation = METHODS[trial.method](task, trial.steps, runs / str(trial))
    score = mean(detection(overlaps(segmentation(image), truth), 0.5).ap for image, truth in task.tests)
    print(f"{trial}: {score:.3f}", flush=True)
    return score
