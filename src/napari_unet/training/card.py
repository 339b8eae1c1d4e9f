"""Describing a model before it is trained: what its data are and what it will give."""

from __future__ import annotations

import math
import platform
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

import napari_unet
from napari_unet.data.cell_size import small_cell, typical_diameter
from napari_unet.data.fields import Preparation, class_balance, n_classes
from napari_unet.data.normalization import fit_normalization
from napari_unet.errors import InputError
from napari_unet.models.folding import undo_class_balance
from napari_unet.models.model_file import ModelCard, TrainedModel
from napari_unet.models.registry import build_network
from napari_unet.training.resolution import choose_resolution

if TYPE_CHECKING:
    from collections.abc import Collection

    from napari_unet.config.recipe import Recipe
    from napari_unet.data.fields import Field
    from napari_unet.data.training_image import TrainingImage
    from napari_unet.training.computation import Computation


def prepare(
    images: list[TrainingImage], recipe: Recipe, init: TrainedModel | None, computation: Computation
) -> Preparation:
    """Choose how the images of a run are prepared for the network.

    Parameters
    ----------
    images
        Training images.
    recipe
        Every setting.
    init
        Model to start from, whose normalisation and factor of resampling are kept; None: these follow from the images.
    computation
        Where they lie and are computed.

    Returns
    -------
    Preparation
        The same for all images.

    Raises
    ------
    InputError
        If there is no image, or their channels differ.
    """
    if not images:
        raise InputError("there is no image to learn from; give at least one image with its labels")
    known = None if init is None else init.card.normalization
    normalization = known or fit_normalization((image.image for image in images), recipe.normalization)
    scale = choose_resolution(images, recipe, normalization, init, computation)
    return Preparation(recipe, normalization, scale, computation.device)


def describe(fields: list[Field], preparation: Preparation) -> ModelCard:
    """Describe the model that a run will make.

    Parameters
    ----------
    fields
        All annotated planes.
    preparation
        How they were made.

    Returns
    -------
    ModelCard
        Without metrics.
    """
    recipe = preparation.recipe
    count = n_classes(fields)
    sizes = np.concatenate([field.cell_sizes for field in fields])
    instances = recipe.training.target == "instances"
    return ModelCard(
        in_channels=preparation.normalization.n_channels,
        n_classes=count,
        class_names=("background", "cell") if instances else tuple(f"class {number}" for number in range(count)),
        class_balance=class_balance(fields, recipe),
        recipe=recipe,
        normalization=preparation.normalization,
        scale=preparation.scale,
        cell_diameter_px=typical_diameter(sizes) if instances else None,
        small_cell_px=small_cell(sizes) if instances and sizes.size else None,
        training_data={field.name: field.digest for field in fields},
        versions={
            "napari_unet": napari_unet.__version__,
            "torch": version("torch"),
            "python": platform.python_version(),
        },
    )


def geometry(images: Collection[TrainingImage]) -> dict[str, Any]:
    """Give what the images of a run have in common: their axes, and the sizes of their pixels.

    Parameters
    ----------
    images
        At least one.

    Returns
    -------
    dict
        ``axes`` and ``spacing`` of the card: the axes Y and X where others differ, and no size where sizes do.
    """
    axes, sizes = {image.axes for image in images}, [image.spacing for image in images]
    alike = {axis: size for axis, size in sizes[0].items() if all(math.isclose(s.get(axis, 0), size) for s in sizes)}
    return {"axes": axes.pop() if len(axes) == 1 else "YX", "spacing": alike}


def update_card(card: ModelCard, fields: list[Field]) -> ModelCard:
    """Describe a model again after its annotations changed.

    Parameters
    ----------
    card
        As it was.
    fields
        All annotated planes.

    Returns
    -------
    ModelCard
        With the new data; the metrics stay.

    Raises
    ------
    InputError
        If there is a class that the network has not.
    """
    fresh = describe(fields, Preparation(card.recipe, card.normalization, card.scale or 1.0))
    if fresh.n_classes > card.n_classes:
        raise InputError(
            f"the new annotation has class {fresh.n_classes - 1}, but the network was made for the classes 0 to "
            f"{card.n_classes - 1}; annotate each class in at least one place, then start a new training."
        )
    kept = {name: getattr(card, name) for name in ("metrics", "axes", "spacing")}
    return keep_classes(fresh, card).model_copy(update=kept)


def keep_classes(card: ModelCard, known: ModelCard) -> ModelCard:
    """Keep the classes of a network that are annotated nowhere now.

    Parameters
    ----------
    card
        Of what is annotated.
    known
        Of the network.

    Returns
    -------
    ModelCard
        With all classes of the network, if it tells classes apart and has more.
    """
    n_missing = known.n_classes - card.n_classes
    if n_missing <= 0 or card.recipe.training.target == "instances":
        return card
    balance = card.class_balance and card.class_balance + (1.0,) * n_missing
    kept = {"n_classes": known.n_classes, "class_names": known.class_names}
    return card.model_copy(update=kept | {"class_balance": balance})


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
        If ``init`` has another number of classes; its network and channels are those of the card already.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = build_network(card.recipe.model, card.in_channels, card.n_classes)
    if init is None:
        return network
    if init.card.n_classes != card.n_classes:
        raise InputError(
            f"the model to start from has {init.card.n_classes} classes, but the labels have {card.n_classes}. Start "
            "from another model or from none, or annotate as for that model."
        )
    network.load_state_dict(init.network.state_dict())
    # What the model says of an image stays the same, whatever the balance of the classes was and is.
    flat = (1.0,) * card.n_classes
    old, new = init.card.class_balance or flat, card.class_balance or flat
    undo_class_balance(network, [before / after for before, after in zip(old, new, strict=True)])
    return network
