from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from napari_unet.config.model import ModelConfig
from napari_unet.models.folding import fold_batch_norm
from napari_unet.models.registry import build_network


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
