"""Run folders as the command line keeps them: one beside each model."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from napari_unet.cli.messages import say
from napari_unet.data.files import numbered
from napari_unet.errors import InputError

if TYPE_CHECKING:
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
    aside = numbered(path)
    os.rename(path, aside)
    say(f"the earlier {path} is now {aside}")


def named_model(argument: str) -> Path:
    """Give the model file that a person names: itself, the starter, or that of a run folder.

    Parameters
    ----------
    argument
        What was given.

    Returns
    -------
    pathlib.Path
        It need not be there.
    """
    from napari_unet.models.card import STARTER, locate
    from napari_unet.training.run_folder import RunFolder

    folder = RunFolder(Path(argument))
    return folder.model if argument != STARTER and folder.path.is_dir() else locate(argument)
