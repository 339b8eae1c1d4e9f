"""What happens when a model, or the folder of a run, is dropped on the viewer or opened with File > Open."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import napari
import npe2
from napari.utils.notifications import show_error, show_info

from napari_unet.errors import InputError
from napari_unet.models.card import read_card
from napari_unet.training.record import read_run
from napari_unet.training.run_folder import RunFolder
from napari_unet.widgets._dock import PLUGIN, open_dock
from napari_unet.widgets._session import session_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari.types import LayerData

    from napari_unet.models.card import ModelCard

    Paths = str | Sequence[str]


def get_reader(path: Paths) -> Callable[[Paths], list[LayerData]]:
    """Give what opens a path.

    Parameters
    ----------
    path
        A file of a kind that holds networks, or any folder; of several, the first counts.

    Returns
    -------
    callable
        Takes the paths and returns layers, or the mark that there are none to add.
    """
    first = _first(path)
    if first.is_dir() and not RunFolder(first).is_resumable:
        return _read_otherwise
    return _open


def _first(paths: Paths) -> Path:
    """Give the first path."""
    return Path(paths if isinstance(paths, str) else paths[0])


def _read_otherwise(paths: Paths) -> list[LayerData]:
    """Leave a folder that holds no run to another plugin: napari offers every folder to all that read folders."""
    paths = [paths] if isinstance(paths, str) else list(paths)
    readers = npe2.PluginManager.instance().iter_compatible_readers(paths[:1])
    others = [reader.plugin_name for reader in readers if reader.plugin_name != PLUGIN]
    if not others:
        raise InputError(f"{paths[0]}: there is no run in this folder, and no plugin that reads images from a folder.")
    return npe2.read(paths, stack=len(paths) > 1, plugin_name=others[0])


def _open(paths: Paths) -> list[LayerData]:
    """Open a model or a run, or say why not: napari hides the text of errors that readers raise."""
    path = _first(paths)
    try:
        _open_in(_viewer(), path)
    except InputError as error:
        show_error(str(error))
    return [(None,)]


def _viewer() -> napari.Viewer:
    """Give the viewer that a file was dropped on."""
    viewer = napari.current_viewer()
    if viewer is None:
        raise InputError("A model opens in a window of napari; in Python use napari_unet.load_model.")
    return viewer


def _open_in(viewer: napari.Viewer, path: Path) -> None:
    """Make a model the current one, and offer to go on with a run that began in a window."""
    run = RunFolder(path.parent if path.name == RunFolder(path.parent).checkpoint.name else path)
    model = run.model if run.is_resumable else path
    card = read_card(model)
    session_of(viewer).set_model(model)
    if run.is_resumable and _began_in_window(run.path):
        session_of(viewer).suggest_run(run.path)
        open_dock(viewer, "Train")
        show_info(f"Run {run.path.name}: {describe(card)} Go on with it in Train, or segment with it in Segment.")
    else:
        open_dock(viewer, "Segment")
        name = run.path.name if run.is_resumable else model.name
        show_info(f"Model {name}: {describe(card)} Segment uses it now.")


def _began_in_window(folder: Path) -> bool:
    """Say whether it is known which layers a run learns from; the command line goes on with its own runs."""
    try:
        read_run(folder)
    except InputError:
        return False
    return True


def describe(card: ModelCard) -> str:
    """Say in two sentences what a model is.

    Parameters
    ----------
    card
        Its card.

    Returns
    -------
    str
        For a person who has never seen the model.
    """
    network, iou = card.recipe.model, card.metrics.get("validation_iou")
    channels = "1 channel" if card.in_channels == 1 else f"{card.in_channels} channels"
    finds = "cells" if card.recipe.training.target == "instances" else ", ".join(card.class_names[1:])
    held_out = "" if iou is None else f"; IoU {iou:.2f} on what was held out"
    return (
        f"finds {finds} in images of {channels}; {network.architecture} of depth {network.depth}, "
        f"learnt from {len(card.training_data)} planes{held_out}."
    )
