"""What a run learns from and how far it is, as its folder tells, so that somebody can go on with it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError, safe_open

from napari_unet.config.recipe import Recipe, load_recipe
from napari_unet.data.files import atomic_path
from napari_unet.errors import InputError
from napari_unet.training.events import Validated
from napari_unet.training.schedule import progress

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

_NAME = "pairs.json"


class Source(BaseModel):
    """Where an image of a run and its annotation came from.

    Attributes
    ----------
    name
        Name of the image in the run.
    image, labels
        Names of the layers.
    axes
        Axes of the image as it is stored, such as "ZYX".
    image_path
        File of the image; None: it came from no file.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    image: str
    labels: str
    axes: str
    image_path: str | None = None


class RunRecord(BaseModel):
    """What a run learns from.

    Attributes
    ----------
    sources
        In the order in which the run learns from them, on which it depends bit by bit.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sources: tuple[Source, ...]


@dataclass(frozen=True)
class StoredRun:
    """A run as it stands on the disk.

    Attributes
    ----------
    folder
        Its folder.
    step, seconds
        How far it is.
    saved
        When it was saved last, seconds since 1970.
    recipe
        Every setting.
    record
        What it learns from.
    """

    folder: Path
    step: int
    seconds: float
    saved: float
    recipe: Recipe
    record: RunRecord

    @property
    def is_finished(self) -> bool:
        """Whether its time is used."""
        return progress(self.recipe.training, self.step, self.seconds) >= 1


def save_record(folder: Path, record: RunRecord) -> None:
    """Write down what a run learns from.

    Parameters
    ----------
    folder
        Folder of the run.
    record
        Its images and annotations.
    """
    with atomic_path(folder / _NAME) as temporary:
        temporary.write_text(record.model_dump_json(indent=2), encoding="utf-8")


def read_run(folder: Path) -> StoredRun:
    """Read how far a run is and what it learns from.

    Parameters
    ----------
    folder
        Folder of the run.

    Returns
    -------
    StoredRun
        The run.

    Raises
    ------
    InputError
        If there is no run in the folder, or it is damaged.
    """
    try:
        record = RunRecord.model_validate_json((folder / _NAME).read_text(encoding="utf-8"))
        with safe_open(folder / "checkpoint.safetensors", framework="numpy") as file:
            counters = json.loads(next(iter(file.metadata().values())))
        saved = (folder / "checkpoint.safetensors").stat().st_mtime
    except (OSError, SafetensorError, ValidationError, ValueError) as error:
        raise InputError(f"{folder}: no run that one could go on with ({error}). Start a new one.") from None
    recipe = load_recipe(folder / "recipe.toml")
    return StoredRun(folder, int(counters["step"]), counters["seconds"], saved, recipe, record)


def find_run(folder: Path) -> StoredRun | None:
    """Read a run where there is one.

    Parameters
    ----------
    folder
        Any folder.

    Returns
    -------
    StoredRun or None
        None if there is no run that one could go on with.
    """
    try:
        return read_run(folder)
    except InputError:
        return None


def read_curves(folder: Path) -> tuple[list[float], list[Validated]]:
    """Read the curves of a run up to its last checkpoint.

    Parameters
    ----------
    folder
        Folder of the run.

    Returns
    -------
    tuple of list
        The loss of each step, and what was found whenever the held-out part was looked at.
    """
    with safe_open(folder / "checkpoint.safetensors", framework="numpy") as file:
        losses, rows = (file.get_tensor(name).tolist() for name in ("losses", "validated"))
    return losses, [Validated.from_numbers(*row) for row in rows]


def find_unfinished(homes: Iterable[Path], busy: Collection[Path] = ()) -> StoredRun | None:
    """Find the run that was saved last, if it was broken off.

    Parameters
    ----------
    homes
        Folders of projects; the runs of each lie in its folder ``runs``.
    busy
        Folders of runs that are going on.

    Returns
    -------
    StoredRun or None
        None if the last run used its time, or there is none.
    """
    found = {path.parent for home in homes for path in home.glob("runs/*/checkpoint.safetensors")} - set(busy)
    for folder in sorted(found, key=lambda folder: (folder / "checkpoint.safetensors").stat().st_mtime, reverse=True):
        if (run := find_run(folder)) is not None:
            return None if run.is_finished else run
    return None
