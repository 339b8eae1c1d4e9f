"""Describing a model before it is trained: what its data are and what it will give."""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import TYPE_CHECKING

import numpy as np
import torch

import napari_unet
from napari_unet.data.normalization import Normalization, fit_normalization
from napari_unet.errors import InputError
from napari_unet.models.model_file import ModelCard, TrainedModel
from napari_unet.models.registry import build_network

if TYPE_CHECKING:
    from napari_unet.config.recipe import Recipe
    from napari_unet.data.fields import Field, TrainingImage


def choose_normalization(images: list[TrainingImage], recipe: Recipe, init: TrainedModel | None) -> Normalization:
    """Give the normalisation of a run.

    Parameters
    ----------
    images
        Training images.
    recipe
        Holds the percentiles.
    init
        Model to start from, whose normalisation is kept; None: it is fitted.

    Returns
    -------
    Normalization
        The one normalisation.

    Raises
    ------
    InputError
        If there is no image, or their channels differ.
    """
    if not images:
        raise InputError("there is no image to learn from; give at least one image with its labels")
    fitted = fit_normalization((image.image for image in images), recipe.normalization)
    return fitted if init is None else init.card.normalization


def describe(fields: list[Field], recipe: Recipe, normalization: Normalization) -> ModelCard:
    """Describe the model that a run will make.

    Parameters
    ----------
    fields
        All annotated planes.
    recipe
        Every setting.
    normalization
        The one normalisation.

    Returns
    -------
    ModelCard
        Without metrics.
    """
    n_classes = max(2, 1 + int(np.flatnonzero(np.sum([field.counts for field in fields], axis=0))[-1]))
    sizes = np.concatenate([field.cell_sizes for field in fields])
    instances = recipe.training.target == "instances"
    return ModelCard(
        in_channels=normalization.n_channels,
        n_classes=n_classes,
        class_names=("background", "cell") if instances else tuple(f"class {number}" for number in range(n_classes)),
        recipe=recipe,
        normalization=normalization,
        small_cell_px=float(np.percentile(sizes, 5)) if instances and sizes.size else None,
        training_data={field.name: field.digest for field in fields},
        versions={
            "napari_unet": napari_unet.__version__,
            "torch": version("torch"),
            "python": platform.python_version(),
        },
    )


def make_network(card: ModelCard, init: TrainedModel | None, seed: int) -> torch.nn.Module:
    """Make the network to train.

    Parameters
    ----------
    card
        Its shape.
    init
        Model whose weights it gets; None: random weights.
    seed
        Seed of the random weights.

    Returns
    -------
    torch.nn.Module
        On the CPU.

    Raises
    ------
    InputError
        If ``init`` has another shape.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = build_network(card.recipe.model, card.in_channels, card.n_classes)
    if init is None:
        return network
    given = (init.card.recipe.model, init.card.in_channels, init.card.n_classes)
    wanted = (card.recipe.model, card.in_channels, card.n_classes)
    if given != wanted:
        names = ("network", "channels", "classes")
        different = "; ".join(f"{n}: {g} and {w}" for n, g, w in zip(names, given, wanted, strict=True) if g != w)
        raise InputError(
            f"the model to start from does not fit the data or the recipe (model and wanted: {different}). Start from "
            "another model or from none, or use the settings of that model."
        )
    network.load_state_dict(init.network.state_dict())
    return network
