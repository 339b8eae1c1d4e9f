"""How images are segmented; knows nothing of PyTorch, so that a window can ask."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_unet.config.instances import InstancesConfig, outline_of
from napari_unet.config.training import WORKING_DIAMETER_PX

if TYPE_CHECKING:
    from napari_unet.config.execution import ExecutionConfig
    from napari_unet.config.tiling import TilingConfig
    from napari_unet.models.card import ModelCard


@dataclass(frozen=True)
class SegmentOptions:
    """How files are segmented.

    Attributes
    ----------
    tiling, instances
        None: as in the recipe of the model.
    execution
        Device and precision; None: the best this machine has.
    axes
        Axes of the images; None: as the files say or as their shape suggests.
    probabilities
        Whether to write the probabilities too.
    uncertainty
        Whether to write the uncertainty too.
    again
        Whether to make again what is done already, and to replace labels that were changed since.
    """

    tiling: TilingConfig | None = None
    instances: InstancesConfig | None = None
    execution: ExecutionConfig | None = None
    axes: str | None = None
    probabilities: bool = False
    uncertainty: bool = False
    again: bool = False


def settle(config: InstancesConfig, card: ModelCard, scale: float) -> InstancesConfig:
    """Fill in what the settings leave open, and say in pixels of the image what they say in those of the network.

    Parameters
    ----------
    config
        How cells are made.
    card
        Knows the cells the model was trained on, and what finds them best.
    scale
        Factor by which images are resampled now.

    Returns
    -------
    InstancesConfig
        With nothing left open but the largest hole and, where no cells are taken apart, the core.
    """
    # Ridges are as wide as the network sees them, but where it sees a pixel twice, they still take a whole one.
    settled = {name: math.ceil(getattr(config, name) / min(1.0, scale)) for name in ("grow_px", "core_reach_px")}
    chosen = _chosen(card, scale) | {"outline_threshold": outline_of(config)}
    return config.model_copy(update=settled | {k: v for k, v in chosen.items() if getattr(config, k) is None})


def _chosen(card: ModelCard, scale: float) -> dict[str, float | None]:
    """Give what a model has chosen for itself, by the name of the setting."""
    smallest = card.smallest_share * (card.small_cell_px or 0) * ((card.scale or 1.0) / scale) ** 2
    return {
        "threshold": card.threshold,
        "core_threshold": card.core_threshold,
        "min_size_px": int(smallest),
        "min_probability": card.min_probability,
    }


def makes_cells_by(card: ModelCard) -> dict[str, float]:
    """Say by what a model makes cells of images like those of its training.

    Parameters
    ----------
    card
        Of the model.

    Returns
    -------
    dict
        Value by the name of the setting; nothing where it is of no use.
    """
    return _makes_cells_by(card.recipe.instances, card)


def _makes_cells_by(config: InstancesConfig, card: ModelCard) -> dict[str, float]:
    """Say by what cells are made of images like those of the training."""
    scale = card.scale or 1.0
    settled = settle(config, card, scale)
    values = {name: getattr(settled, name) for name in (*_chosen(card, scale), "outline_threshold")}
    return {name: value for name, value in values.items() if value is not None}


def left_empty(card: ModelCard, entered: InstancesConfig | None = None) -> dict[str, float]:
    """Say what the settings of a segmentation amount to where a person leaves them empty.

    Parameters
    ----------
    card
        Of the model.
    entered
        What the person has entered; None: nothing.

    Returns
    -------
    dict
        Value by ``"section.name"``, for images like those of the training.
    """
    return {
        "tiling.cell_diameter_px": round(card.cell_diameter_px or WORKING_DIAMETER_PX, 1),
        **{f"instances.{name}": value for name, value in _makes_cells_by(entered or InstancesConfig(), card).items()},
    }
