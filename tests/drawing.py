"""Small drawn data and networks, so that a training takes a second."""

from __future__ import annotations

from typing import Any

import numpy as np
from skimage.draw import disk

from napari_unet.config.recipe import Recipe, parse_recipe
from napari_unet.data.fields import Field, Preparation
from napari_unet.data.image_fields import ImageFields
from napari_unet.data.normalization import fit_normalization
from napari_unet.data.training_image import TrainingImage

QUICK: dict[str, dict[str, Any]] = {
    "model": {"depth": 2, "base_channels": 4},
    "training": {"steps": 6, "patch_px": 36, "batch_size": 2, "validation": "none", "rescale": 1.0},
    "execution": {"device": "cpu", "precision": "float32"},
}


def quick_recipe(**training: Any) -> Recipe:
    return parse_recipe(QUICK | {"training": QUICK["training"] | training})


def draw_image(name: str = "discs", seed: int = 0, size: int = 64) -> TrainingImage:
    """Bright discs on a dark ground."""
    random = np.random.default_rng(seed)
    labels = np.zeros((size, size), np.uint16)
    for number in range(1, 6):
        labels[disk(random.integers(8, size - 8, 2), 6, shape=labels.shape)] = number
    image = 100 + 80 * (labels > 0) + random.normal(0, 8, labels.shape)
    return TrainingImage(name, image.astype(np.uint16)[None, None, None], labels[None, None, None])


def fields_of(source: TrainingImage, recipe: Recipe) -> list[Field]:
    """Make the fields of an image."""
    fields = ImageFields(Preparation(recipe, fit_normalization([source.image], recipe.normalization)))
    fields.update(source)
    return fields.fields
