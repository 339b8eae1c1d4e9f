"""Teach a U-Net to see your cells: the public names, loaded when first used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_unet.config.presets import preset
    from napari_unet.config.recipe import Recipe, load_recipe
    from napari_unet.data.reading import read_image
    from napari_unet.data.weight_map import weight_map
    from napari_unet.inference.segment import segment
    from napari_unet.metrics import evaluate
    from napari_unet.models.model_file import load_model, save_model
    from napari_unet.samples import draw_sample
    from napari_unet.training.train import train
    from napari_unet.training.trainer import Trainer

__version__ = "0.1.0"

__all__ = [
    "Recipe",
    "Trainer",
    "__version__",
    "draw_sample",
    "evaluate",
    "load_model",
    "load_recipe",
    "preset",
    "read_image",
    "save_model",
    "segment",
    "train",
    "weight_map",
]

_HOMES = {
    "Recipe": "config.recipe",
    "Trainer": "training.trainer",
    "draw_sample": "samples",
    "evaluate": "metrics",
    "load_model": "models.model_file",
    "load_recipe": "config.recipe",
    "preset": "config.presets",
    "read_image": "data.reading",
    "save_model": "models.model_file",
    "segment": "inference.segment",
    "train": "training.train",
    "weight_map": "data.weight_map",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that importing the package costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names."""
    return __all__
