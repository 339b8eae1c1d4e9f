from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from napari_unet.config.model import ModelConfig
from napari_unet.models.folding import fold_batch_norm, undo_class_balance
from napari_unet.models.registry import build_network
from napari_unet.models.unet import UNet


def trained_network(batch_norm: bool) -> nn.Module:
    """Make a network whose batch normalisation is far from doing nothing."""
    torch.manual_seed(0)
    config = ModelConfig(depth=2, base_channels=4, max_channels=8, batch_norm=batch_norm)
    network = build_network(config, in_channels=2, n_classes=3)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias)
            nn.init.normal_(module.running_mean)
            nn.init.uniform_(module.running_var, 0.5, 2)
    return network


@pytest.mark.parametrize("batch_norm", [True, False])
def test_folding_changes_no_logit(batch_norm):
    network = trained_network(batch_norm)
    image = torch.randn(1, 2, 64, 72)
    with torch.no_grad():
        logits, folded = network.eval()(image), fold_batch_norm(network)(image)
    assert (logits - folded).abs().max() < 1e-5 * logits.abs().max()


def test_folding_leaves_no_batch_norm_and_the_original_as_it_was():
    network = trained_network(batch_norm=True).train()
    before = copy.deepcopy(network.state_dict())
    folded = fold_batch_norm(network)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.modules())
    assert network.training and not folded.training
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    assert all(parameter.requires_grad for parameter in network.parameters())


def test_the_balance_of_the_classes_is_divided_out_of_the_odds() -> None:
    network = UNet(ModelConfig(depth=1, base_channels=2), in_channels=1, n_classes=2).eval()
    corrected = fold_batch_norm(network)
    undo_class_balance(corrected, (0.5, 4.0))
    image = torch.randn(1, 1, 28, 28)
    with torch.no_grad():
        before, after = (net(image).softmax(1) for net in (network, corrected))
    torch.testing.assert_close(after[:, 1] / after[:, 0], before[:, 1] / before[:, 0] / 8, rtol=1e-4, atol=1e-6)


def test_no_balance_changes_nothing() -> None:
    network = UNet(ModelConfig(depth=1, base_channels=2), in_channels=1, n_classes=2)
    before = network.head.bias.clone()
    undo_class_balance(network, ())
    assert torch.equal(network.head.bias, before)
