"""Named recipes: values that belong together."""

from __future__ import annotations

from typing import Any

from napari_unet.config.recipe import Recipe

#: What each preset changes against the defaults.
PRESETS: dict[str, dict[str, dict[str, Any]]] = {
    "default": {},
    # Ronneberger et al. 2015; the learning rate is that of a loss averaged over the patch.
    "paper": {
        "model": {"depth": 4, "base_channels": 64, "max_channels": 1024, "batch_norm": False, "dropout": 0.5},
        "training": {
            "patch_px": 388,
            "batch_size": 1,
            "optimizer": "sgd",
            "momentum": 0.99,
            "learning_rate": 1e-3,
            "steps_per_image": 1_000_000,
            "weight_decay": 0.0,
            "weight_averaging": 0.0,
        },
        "augmentation": {"scale": 0.0, "uneven_light": 0.0},
        "instances": {"outline_threshold": 0.5, "min_probability": 0.0},
    },
    # For a first look within seconds, and for small objects.
    "tiny": {
        "model": {"depth": 3, "base_channels": 8, "max_channels": 64},
        "training": {"patch_px": 100, "batch_size": 4},
    },
}


def preset(name: str) -> Recipe:
    """Give the recipe of a preset.

    Parameters
    ----------
    name
        One of `PRESETS`.

    Returns
    -------
    Recipe
        The full recipe.

    Raises
    ------
    KeyError
        If there is no such preset.

    Examples
    --------
    >>> preset("paper").model.base_channels
    64
    """
    return Recipe.model_validate(PRESETS[name])
