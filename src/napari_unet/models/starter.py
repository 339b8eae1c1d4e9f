"""The starter model that comes with the package: it knows nuclei already, and learns other cells faster for it.

How it was made: ``examples/make_starter.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from napari_unet.models.card import STARTER
from napari_unet.models.model_file import TrainedModel, load_model
from napari_unet.models.registry import build_network

if TYPE_CHECKING:
    from torch import Tensor

    from napari_unet.models.card import ModelCard


def load_starter(n_channels: int = 1, n_classes: int = 2) -> TrainedModel:
    """Load the starter model, widened to the channels and classes that are wanted.

    To the starter all channels are alike: it sees their mean. All classes but the background are alike, too: each gets
    an equal part of what it takes for cells. Training tells them apart.

    Parameters
    ----------
    n_channels
        Channels of the image, at least 1.
    n_classes
        Classes, the background included, at least 2.

    Returns
    -------
    TrainedModel
        The network on the CPU, in evaluation mode, and its card.

    Examples
    --------
    >>> load_starter(n_channels=3).card.in_channels
    3
    """
    model = load_model(STARTER)
    if (n_channels, n_classes) == (model.card.in_channels, model.card.n_classes):
        return model
    card = _widen_card(model.card, n_channels, n_classes)
    network = build_network(card.recipe.model, n_channels, n_classes)
    network.load_state_dict(_widen_weights(model.network.state_dict(), n_channels, n_classes))
    return TrainedModel(network.eval(), card)


def _widen_card(card: ModelCard, n_channels: int, n_classes: int) -> ModelCard:
    """Describe the starter with other channels and classes."""
    background, *cells = card.class_balance
    names = card.class_names if n_classes == 2 else tuple(f"class {number}" for number in range(n_classes))
    return card.model_copy(
        update={
            "in_channels": n_channels,
            "n_classes": n_classes,
            "class_names": names,
            "class_balance": (background, *cells * (n_classes - 1)),
            "normalization": card.normalization.model_copy(update={"n_channels": n_channels}),
        }
    )


def _widen_weights(weights: dict[str, Tensor], n_channels: int, n_classes: int) -> dict[str, Tensor]:
    """Spread the first layer over the channels, and what says cell over the classes."""
    first, head, bias = weights["contracting.0.0.weight"], weights["head.weight"], weights["head.bias"]
    n_cells = n_classes - 1
    return weights | {
        "contracting.0.0.weight": first.expand(-1, n_channels, -1, -1) / n_channels,
        "head.weight": torch.cat([head[:1], *[head[1:]] * n_cells]),
        "head.bias": torch.cat([bias[:1], *[bias[1:] - torch.tensor(n_cells).log()] * n_cells]),
    }
