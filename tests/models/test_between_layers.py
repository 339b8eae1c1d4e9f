"""What is done between layers is done after each, there and back, and changes nothing."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor

from napari_unet.config.model import ModelConfig
from napari_unet.models.between_layers import between_layers
from napari_unet.models.unet import UNet

#: Of depth 1: six convolutions with their normalisations, one up-convolution, and the head.
N_LAYERS = 2 * 6 + 1 + 1
IMAGE = torch.rand(2, 1, 44, 44, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def network() -> UNet:
    return UNet(ModelConfig(depth=1, base_channels=2), in_channels=1, n_classes=2)


def gradients(network: UNet) -> list[Tensor]:
    network.zero_grad()
    network(IMAGE).square().mean().backward()
    return [parameter.grad.clone() for parameter in network.parameters()]


def test_each_layer_is_followed_there_and_back(network: UNet) -> None:
    calls: list[int] = []
    with between_layers(network, lambda: calls.append(1)):
        gradients(network)
        assert len(calls) == 2 * N_LAYERS
        with torch.no_grad():
            network(IMAGE)
        assert len(calls) == 3 * N_LAYERS
        copy.deepcopy(network)(IMAGE)
        assert len(calls) == 4 * N_LAYERS
    gradients(network)
    assert len(calls) == 4 * N_LAYERS


def test_nothing_that_is_computed_changes(network: UNet) -> None:
    expected = gradients(network)
    with between_layers(network, lambda: 7):
        found = gradients(network)
    assert all(map(torch.equal, found, expected))


def test_what_fails_in_between_fails_outside_and_is_not_called_again(network: UNet) -> None:
    def fail() -> None:
        raise OSError("in between")

    with pytest.raises(OSError, match="in between"), between_layers(network, fail):
        network(IMAGE)
    gradients(network)
