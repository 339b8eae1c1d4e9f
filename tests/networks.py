"""Small models whose result is known without training."""

from __future__ import annotations

from typing import Any

import torch

from napari_unet.config.normalization import NormalizationConfig
from napari_unet.config.recipe import parse_recipe
from napari_unet.data.normalization import Normalization
from napari_unet.models.model_file import ModelCard, TrainedModel
from napari_unet.models.registry import build_network
from napari_unet.models.unet import UNet


def make_model(in_channels: int = 1, n_classes: int = 2, seed: int = 0, **recipe: dict[str, Any]) -> TrainedModel:
    """Untrained, and small unless the recipe says otherwise; 0 and 100 are the dark and the bright intensity."""
    sections = {"model": {"depth": 1, "base_channels": 1}, "instances": {"grow_px": 0, "min_size_px": 0}}
    card = ModelCard(
        in_channels=in_channels,
        n_classes=n_classes,
        class_names=tuple(f"class {number}" for number in range(n_classes)),
        recipe=parse_recipe(sections | recipe),
        normalization=Normalization(
            config=NormalizationConfig(over="training data"),
            n_channels=in_channels,
            intervals=((0.0, 100.0),) * in_channels,
        ),
    )
    torch.manual_seed(seed)
    return TrainedModel(build_network(card.recipe.model, in_channels, n_classes).eval(), card)


def brightness_model(
    in_channels: int = 1, read: int = 0, n_classes: int = 2, target: str = "instances"
) -> TrainedModel:
    """Pixels of channel ``read`` above 50 are class 1; those above 100 are class 2 where there is one."""
    network_settings = {"depth": 1, "base_channels": 1, "batch_norm": False}
    model = make_model(in_channels, n_classes, model=network_settings, training={"target": target})
    network = model.network
    assert isinstance(network, UNet)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        first, second = network.contracting[0][0], network.contracting[0][2]
        first.weight[0, read, 1, 1] = 1
        # Normalised intensities are at least -3: nothing is lost in the ReLUs.
        first.bias[0] = 3
        for convolution in (second, *network.expanding[0].convolutions[::2]):
            convolution.weight[0, 0, 1, 1] = 1
        for number, (slope, offset) in enumerate([(10, -30), (20, -70)][: n_classes - 1], start=1):
            network.head.weight[number, 0] = slope
            network.head.bias[number] = offset
    return model


def random_model(depth: int = 2) -> TrainedModel:
    """Random weights, biased such that about half of a noisy image is foreground."""
    model = make_model(model={"depth": depth, "base_channels": 4}, instances={"grow_px": 2, "min_size_px": 3})
    network = model.network
    assert isinstance(network, UNet)
    with torch.no_grad():
        logits = network(torch.rand(1, 1, 140, 140) * 2 - 1)[0]
        network.head.bias[1] -= (logits[1] - logits[0]).median()
    return model


def equal(one: TrainedModel, other: TrainedModel) -> bool:
    """Whether cards and weights are the same; the checksums are only known in files."""
    weights, others = one.network.state_dict(), other.network.state_dict()
    cards = [model.card.model_copy(update={"weights_sha256": "", "card_sha256": ""}) for model in (one, other)]
    same_bits = all(torch.equal(tensor, others[name]) for name, tensor in weights.items())
    return cards[0] == cards[1] and weights.keys() == others.keys() and same_bits
