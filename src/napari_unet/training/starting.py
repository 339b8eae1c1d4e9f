"""What a training starts from: the starter model, another model, or random weights."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from napari_unet.data.normalization import fit_normalization
from napari_unet.data.targets import read_annotation
from napari_unet.models.card import STARTER
from napari_unet.models.model_file import TrainedModel, load_model
from napari_unet.models.starter import load_starter

if TYPE_CHECKING:
    import os

    from napari_unet.config.recipe import Recipe
    from napari_unet.data.training_image import TrainingImage

NONE = "none"
"""Name of random weights, where a model could be named."""


__all__ = ["NONE", "STARTER", "Start", "choose_start"]


@dataclass(frozen=True)
class Start:
    """What a training starts from.

    Attributes
    ----------
    model
        The model; None: random weights.
    message
        Why it is not what was asked for; empty where it is.
    """

    model: TrainedModel | None
    message: str = ""


def choose_start(init: str | os.PathLike[str], images: list[TrainingImage], recipe: Recipe) -> Start:
    """Load what a training starts from.

    Parameters
    ----------
    init
        ``"starter"``, ``"none"``, or a model file.
    images
        Images with their annotations; the starter model takes over their channels and classes.
    recipe
        Every setting.

    Returns
    -------
    Start
        The model. The starter model gives way to random weights where another network is asked for.

    Raises
    ------
    InputError
        If a model file cannot be read, or the images differ in their channels.

    Examples
    --------
    >>> from napari_unet.config.presets import preset
    >>> choose_start("starter", [], preset("paper")).message
    'not starting from the starter model, whose network has other settings (base_channels, batch_norm, dropout, \
max_channels)'
    """
    if init == NONE:
        return Start(None)
    return _start_from_starter(images, recipe) if init == STARTER else Start(load_model(init))


def _start_from_starter(images: list[TrainingImage], recipe: Recipe) -> Start:
    """Fit the starter model to images and recipe, if it can be."""
    network = load_starter().card.recipe.model
    # Dropout has no weights, so it may differ.
    wanted = recipe.model.model_copy(update={"dropout": network.dropout})
    if wanted != network:
        differing = sorted(name for name, value in recipe.model if value != getattr(network, name))
        settings = ", ".join(differing)
        return Start(None, f"not starting from the starter model, whose network has other settings ({settings})")
    normalization = fit_normalization((image.image for image in images), recipe.normalization)
    starter = load_starter(normalization.n_channels, _count_classes(images, recipe))
    fitted = starter.card.recipe.model_copy(update={"model": recipe.model})
    card = starter.card.model_copy(update={"normalization": normalization, "recipe": fitted})
    return Start(replace(starter, card=card))


def _count_classes(images: list[TrainingImage], recipe: Recipe) -> int:
    """Give the number of classes in the labels, the background included."""
    if recipe.training.target == "instances":
        return 2
    planes = (
        np.asarray(image.labels[t, 0, z])
        for image in images
        for t, z in np.ndindex(image.labels.shape[0], image.labels.shape[2])
    )
    largest = max(int(read_annotation(plane, recipe.training.scheme)[0].max(initial=0)) for plane in planes)
    return max(2, 1 + largest)
