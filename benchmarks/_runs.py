"""Trainings that are kept: what is done is not done again, what was interrupted goes on."""

from __future__ import annotations

import json
import time
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import torch

from napari_unet.config.recipe import load_recipe
from napari_unet.training.events import Finished, Started
from napari_unet.training.run_folder import RunFolder
from napari_unet.training.starting import STARTER, choose_start
from napari_unet.training.trainer import Trainer

if TYPE_CHECKING:
    from pathlib import Path

    from napari_unet.config.recipe import Recipe
    from napari_unet.data.training_image import TrainingImage


#: Is written when a run has gone to its end.
_DONE = "done.json"


@dataclass(frozen=True)
class Run:
    """How a model was made; the time is that of the processor, unknown where a run was interrupted."""

    steps: int
    processor_seconds: float | None
    seed: int
    device: str
    threads: int


def is_done(path: Path) -> bool:
    """Tell whether a folder holds a run that went to its end."""
    return (path / _DONE).exists()


def train(images: list[TrainingImage], recipe: Recipe, path: Path, init: str = STARTER) -> Run:
    """Train into a folder, or go on where a run stopped; a run that is done stays as it is."""
    done, folder = path / _DONE, RunFolder(path)
    if is_done(path):
        return Run(**json.loads(done.read_text(encoding="utf-8")))
    if folder.is_resumable:
        recipe = load_recipe(folder.recipe)
    trainer = Trainer(images, recipe, path, choose_start(init, images, recipe).model)
    if folder.is_resumable:
        trainer.resume()
    run = _follow(trainer, recipe.training.seed)
    done.write_text(json.dumps(asdict(run)), encoding="utf-8")
    return run


def _follow(trainer: Trainer, seed: int) -> Run:
    """Train to the end."""
    began, resumed, device = time.process_time(), trainer.step > 0, ""
    with closing(trainer.run()) as events:
        for event in events:
            if isinstance(event, Started):
                device = f"{event.device}, {event.precision}"
            if isinstance(event, Finished):
                seconds = None if resumed else time.process_time() - began
                return Run(event.step, seconds, seed, device, torch.get_num_threads())
    raise AssertionError("a training ends with an event")
