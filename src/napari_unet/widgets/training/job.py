"""What happens beside the window: finding the devices, checking, training. Knows nothing of Qt."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from napari_unet.models.card import read_card
from napari_unet.training.preflight import Finding, check_training
from napari_unet.training.record import StoredRun, find_unfinished, read_curves, save_record
from napari_unet.widgets._preload import load_torch

if TYPE_CHECKING:
    from collections.abc import Collection, Generator
    from pathlib import Path

    from napari_unet.config.recipe import Recipe
    from napari_unet.data.training_image import TrainingImage
    from napari_unet.inference.devices import DeviceInfo
    from napari_unet.inference.place_search import Found, PlaceFinder, Search, Searching
    from napari_unet.models.model_file import TrainedModel
    from napari_unet.training.events import Validated
    from napari_unet.training.live import LiveEvent, LiveTraining
    from napari_unet.training.record import RunRecord
    from napari_unet.training.trainer import Trainer

#: What one can start from without naming a file.
_NAMED = ("starter", "none")


@dataclass(frozen=True)
class Job:
    """A training as it is ordered.

    Attributes
    ----------
    images
        What is learnt from.
    recipe
        Every setting.
    init
        What to start from, as the command line names it: ``starter``, ``none`` or a model file.
    folder
        Where the run is kept.
    record
        Where the images come from.
    findings
        What is wrong as far as the layers tell.
    resume
        Whether to go on with the run in the folder.
    """

    images: tuple[TrainingImage, ...]
    recipe: Recipe
    init: str
    folder: Path
    record: RunRecord
    findings: tuple[Finding, ...] = ()
    resume: bool = False

    def resumed(self, record: RunRecord) -> Job:
        """Order to go on with the run in the folder.

        Parameters
        ----------
        record
            Of this run; its images keep their names.
        """
        named = zip(self.images, record.sources, strict=True)
        images = tuple(replace(image, name=source.name) for image, source in named)
        return replace(self, images=images, record=record, resume=True)


class Starting:
    """Makes the trainer of a job, beside the window.

    Parameters
    ----------
    job
        What is ordered.

    Attributes
    ----------
    message
        Why it does not start from what was asked for; empty where it does.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self.message = ""

    def make_trainer(self) -> Trainer:
        """Make the trainer, with a copy of the annotations as they are now.

        Returns
        -------
        Trainer
            At the first step, or where the run was saved.

        Raises
        ------
        InputError
            If the images cannot be learnt from, or do not fit the model to start from.
        """
        from napari_unet.training.trainer import Trainer

        job = self._job
        images = [replace(image, labels=np.array(image.labels)) for image in job.images]
        trainer = Trainer(images, job.recipe, job.folder, self._model(images))
        if job.resume:
            trainer.resume()
        save_record(job.folder, job.record)
        return trainer

    def _model(self, images: list[TrainingImage]) -> TrainedModel | None:
        """Read the model to start from; a resumed run keeps its own network and normalisation."""
        from napari_unet.models.model_file import load_model
        from napari_unet.training.run_folder import RunFolder
        from napari_unet.training.starting import choose_start

        if self._job.resume:
            return load_model(RunFolder(self._job.folder).last)
        start = choose_start(self._job.init, images, self._job.recipe)
        self.message = start.message
        return start.model


@dataclass(frozen=True)
class Prepared:
    """What the machine offers.

    Attributes
    ----------
    devices
        Devices, fastest first.
    unfinished
        Run that was broken off; None: none.
    """

    devices: list[DeviceInfo]
    unfinished: StoredRun | None


@dataclass(frozen=True)
class Checked:
    """What is wrong, worst first.

    Attributes
    ----------
    findings
        Empty: nothing.
    """

    findings: list[Finding]

    @property
    def forbids(self) -> bool:
        """Whether the training cannot run."""
        return any(finding.level == "error" for finding in self.findings)

    @property
    def verdict(self) -> str:
        """What it comes to; empty: it can be trained, with what the list says in mind."""
        if self.forbids:
            return "This cannot be learnt from yet: mend what is listed above as an error."
        return "" if self.findings else "Nothing speaks against a training."


@dataclass(frozen=True)
class Remembered:
    """What a resumed run learnt before.

    Attributes
    ----------
    losses
        Loss of each step.
    validated
        What was found when the held-out part was looked at.
    """

    losses: list[float]
    validated: list[Validated]


def prepare(homes: Collection[Path], busy: Collection[Path]) -> Generator[Prepared]:
    """Load PyTorch, and find out what the machine offers.

    Parameters
    ----------
    homes
        Folders of projects.
    busy
        Folders of runs that are going on.

    Yields
    ------
    Prepared
        Once.
    """
    load_torch()
    from napari_unet.inference.devices import list_devices

    yield Prepared(list_devices(), find_unfinished(homes, busy))


def check(job: Job) -> Generator[Checked]:
    """Look for what is wrong.

    Parameters
    ----------
    job
        What is ordered.

    Yields
    ------
    Checked
        Once.
    """
    # The starter takes over the channels and the classes of the images: it always fits.
    card = None if job.init in _NAMED or job.resume else read_card(job.init)
    findings = [*job.findings, *check_training(list(job.images), job.recipe, card)]
    yield Checked(sorted(findings, key=lambda finding: ("error", "warning", "hint").index(finding.level)))


def train(job: Job, live: LiveTraining) -> Generator[Checked | Remembered | LiveEvent]:
    """Check, and train if nothing forbids it.

    Parameters
    ----------
    job
        What is ordered.
    live
        Makes its trainer from the same job.

    Yields
    ------
    Checked, Remembered, LiveEvent
        What happens.
    """
    for checked in check(job):
        yield checked
        if checked.forbids:
            return
    load_torch()
    if job.resume:
        yield Remembered(*read_curves(job.folder))
    yield from live.run()


def find_place(finder: PlaceFinder, model: Path, search: Search) -> Generator[Searching | Found]:
    """Look for the next place to paint with a model that is trained.

    Parameters
    ----------
    finder
        Keeps what it knows from one search to the next.
    model
        Model file.
    search
        Where to look.

    Yields
    ------
    Searching, Found
        What happens.
    """
    load_torch()
    from napari_unet.models.model_file import load_model

    yield from finder.find(search, (model, model.stat().st_mtime_ns), partial(load_model, model))
