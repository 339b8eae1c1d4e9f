"""The folder of a run: checkpoint, models, recipe and annotations, each written whole or not at all.

Naming its files needs no torch.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from filelock import FileLock, Timeout

from napari_unet.config.recipe import Recipe, dump_recipe
from napari_unet.data.files import atomic_path
from napari_unet.data.writing import write_labels
from napari_unet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from torch import Tensor

    from napari_unet.data.training_image import TrainingImage
    from napari_unet.models.model_file import TrainedModel
    from napari_unet.training.state import TrainingState

_KEY = "napari_unet_checkpoint"
#: Where the record of the lessons stands among the counters.
_LESSONS = "lessons"
_LOCK = ".lock"


@dataclass(frozen=True)
class RunFolder:
    """Files of one run.

    Attributes
    ----------
    path
        The folder; created when first written to.
    """

    path: Path

    @property
    def checkpoint(self) -> Path:
        """Resumes the run."""
        return self.path / "checkpoint.safetensors"

    @property
    def last(self) -> Path:
        """The model at the last save."""
        return self.path / "last.safetensors"

    @property
    def best(self) -> Path:
        """The model of the best validation."""
        return self.path / "best.safetensors"

    @property
    def recipe(self) -> Path:
        """Every setting of the run."""
        return self.path / "recipe.toml"

    @property
    def model(self) -> Path:
        """The model to use: the best one where something was held out, else the last."""
        return self.best if self.best.exists() else self.last

    @property
    def is_resumable(self) -> bool:
        """Whether a run was saved here, so that it can go on."""
        return self.checkpoint.is_file() and self.last.is_file()

    @contextmanager
    def claim(self) -> Iterator[None]:
        """Keep other trainings out of the folder; the system ends that for a program that was killed.

        Raises
        ------
        InputError
            If another training is at work in it.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.path / _LOCK, thread_local=False)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            raise InputError(
                f"{self.path}: a training is going on there. Wait until it is done, or stop it, or give another output."
            ) from None
        except OSError:
            pass  # Not every file system knows locks.
        try:
            yield
        finally:
            lock.release()

    def save_checkpoint(self, tensors: dict[str, Tensor], counters: dict[str, float], lessons: dict[str, Any]) -> None:
        """Write the checkpoint.

        Parameters
        ----------
        tensors, counters
            As `TrainingState` gives them.
        lessons
            Record of the lessons.
        """
        from napari_unet.models.model_file import write_tensors

        write_tensors(self.checkpoint, tensors, {_KEY: json.dumps(counters | {_LESSONS: lessons})})

    def load_checkpoint(self, state: TrainingState) -> dict[str, Any] | None:
        """Bring a state to where the checkpoint stands.

        Parameters
        ----------
        state
            A fresh state of the same network and optimiser.

        Returns
        -------
        dict
            Record of the lessons; None: an older version wrote none.

        Raises
        ------
        InputError
            If there is no checkpoint, it is damaged, or belongs to another network or optimiser.
        """
        from napari_unet.models.model_file import read_tensors

        tensors, metadata = read_tensors(self.checkpoint)
        try:
            counters = json.loads(metadata[_KEY])
            state.restore(tensors, counters)
        except (KeyError, ValueError, RuntimeError) as error:
            raise InputError(
                f"{self.checkpoint}: belongs to another network or optimiser ({str(error).splitlines()[0]}). Resume "
                f"with the recipe of the run, {self.recipe}, or start anew in another folder."
            ) from None
        lessons: dict[str, Any] | None = counters.get(_LESSONS)
        return lessons

    def save_model(self, model: TrainedModel, *, best: bool) -> None:
        """Write the model of the moment.

        Parameters
        ----------
        model
            The model.
        best
            Whether it is the best so far, or else the last.
        """
        from napari_unet.models.model_file import save_model

        save_model(model, self.best if best else self.last)

    def save_inputs(self, recipe: Recipe, images: list[TrainingImage]) -> None:
        """Write the recipe and a snapshot of the annotations.

        Parameters
        ----------
        recipe
            Every setting.
        images
            Their labels are written, as they are.
        """
        with atomic_path(self.recipe) as temporary:
            temporary.write_text(dump_recipe(recipe), encoding="utf-8")
        for image in images:
            self.save_annotation(image)

    def save_annotation(self, image: TrainingImage) -> None:
        """Write the annotation of one image.

        Parameters
        ----------
        image
            Its labels are written under its name.
        """
        write_labels(self.annotation(image.name), np.asarray(image.labels)[:, 0], "TZYX", {})

    def annotation(self, name: str) -> Path:
        """Give the file for the annotation of an image.

        Parameters
        ----------
        name
            Name of the image; what file names cannot hold is escaped, so that no two share a file.
        """
        return self.path / "annotations" / f"{name.replace('%', '%25').replace('/', '%2F')}.tif"
