"""Run folders as the command line keeps them: one beside each model."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from napari_unet.cli.messages import say
from napari_unet.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from napari_unet.training.run_folder import RunFolder


def run_folder_of(model: Path) -> RunFolder:
    """Give the run folder beside a model: ``cells.run`` for ``cells.safetensors``."""
    from napari_unet.training.run_folder import RunFolder

    return RunFolder(model.with_suffix(".run"))


def read_counters(folder: RunFolder) -> dict[str, float]:
    """Read how far a run is.

    Parameters
    ----------
    folder
        Its folder.

    Returns
    -------
    dict of str to float
        Steps and seconds so far, among others.

    Raises
    ------
    InputError
        If the folder holds no run.
    """
    from napari_unet.models.model_file import read_tensors

    if not folder.is_resumable:
        raise InputError(
            f"{folder.path}: there is no run in this folder; 'napari-unet train' makes one beside -o MODEL."
        )
    _, texts = read_tensors(folder.checkpoint)
    counters: dict[str, float] = json.loads(next(iter(texts.values())))
    return counters


def set_aside(path: Path) -> None:
    """Keep what an earlier training made under another name: ``cells.run.1`` or ``cells.1.safetensors``, then 2, 3.

    Parameters
    ----------
    path
        Folder or file to make free.
    """
    if not path.exists():
        return
    number = 1
    while (aside := _numbered(path, number)).exists():
        number += 1
    os.rename(path, aside)
    say(f"the earlier {path} is now {aside}")


def _numbered(path: Path, number: int) -> Path:
    """Give a name with a number; the suffix of a file says what it is."""
    return path.with_name(f"{path.name}.{number}" if path.is_dir() else f"{path.stem}.{number}{path.suffix}")
