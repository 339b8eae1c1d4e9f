"""The network of the paper by a count on paper, its initialisation, and exactly what each output pixel sees."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from scipy import stats
from torch import nn

from napari_unet.config.model import ModelConfig
from napari_unet.config.presets import preset
from napari_unet.geometry import AxisGeometry
from napari_unet.models.blocks import crop_and_concatenate
from napari_unet.models.registry import build_network
from napari_unet.models.unet import UNet

#: Weights and biases of each convolution of the paper's figure 1: kernel pixels x channels in x channels out + out.
PAPER_CONTRACTING = [
    (9 * 1 * 64 + 64, 9 * 64 * 64 + 64),
    (9 * 64 * 128 + 128, 9 * 128 * 128 + 128),
    (9 * 128 * 256 + 256, 9 * 256 * 256 + 256),
    (9 * 256 * 512 + 512, 9 * 512 * 512 + 512),
    (9 * 512 * 1024 + 1024, 9 * 1024 * 1024 + 1024),
]
#: The up-convolution, then the convolution that reads skip connection and upsampled features, then the second one.
PAPER_EXPANDING = [
    (4 * 1024 * 512 + 512, 9 * 1024 * 512 + 512, 9 * 512 * 512 + 512),
    (4 * 512 * 256 + 256, 9 * 512 * 256 + 256, 9 * 256 * 256 + 256),
    (4 * 256 * 128 + 128, 9 * 256 * 128 + 128, 9 * 128 * 128 + 128),
    (4 * 128 * 64 + 64, 9 * 128 * 64 + 64, 9 * 64 * 64 + 64),
]
PAPER_HEAD = (1 * 64 * 2 + 2,)


def paper_network_without_memory() -> UNet:
    with torch.device("meta"):
        return UNet(preset("paper").model, in_channels=1, n_classes=2)


def convolutions(module: nn.Module) -> list[nn.Conv2d | nn.ConvTranspose2d]:
    return [layer for layer in module.modules() if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)]


def counts(module: nn.Module) -> tuple[int, ...]:
    """Parameters of each convolution, in the order in which they stand."""
    return tuple(sum(parameter.numel() for parameter in layer.parameters()) for layer in convolutions(module))


def test_the_network_of_the_paper_has_the_parameters_counted_by_hand() -> None:
    network = paper_network_without_memory()
    assert [counts(level) for level in network.contracting] == PAPER_CONTRACTING
    assert [counts(level) for level in network.expanding] == PAPER_EXPANDING
    assert counts(network.head) == PAPER_HEAD
    by_hand = [number for level in [*PAPER_CONTRACTING, *PAPER_EXPANDING, PAPER_HEAD] for number in level]
    assert len(by_hand) == len(convolutions(network)) == 23
    assert sum(by_hand) == sum(parameter.numel() for parameter in network.parameters()) == 31_030_658


def test_the_network_of_the_paper_maps_572_to_388() -> None:
    output = paper_network_without_memory()(torch.empty(1, 1, 572, 572, device="meta"))
    assert output.shape == (1, 2, 388, 388)


def test_dropout_stands_at_the_end_of_the_contracting_path_and_only_acts_in_training() -> None:
    network = UNet(ModelConfig(depth=1, base_channels=2, batch_norm=False, dropout=0.5), 1, 2)
    seen: list[torch.Size] = []
    network.dropout.register_forward_hook(lambda module, inputs, output: seen.append(output.shape))
    image = torch.rand(1, 1, 20, 20)
    outputs = [network.train(training)(image) for training in (False, False, True)]
    assert set(seen) == {torch.Size([1, 4, 4, 4])}
    assert torch.equal(outputs[0], outputs[1])
    assert not torch.equal(outputs[1], outputs[2])


@pytest.mark.parametrize("batch_norm", [False, True])
def test_weights_start_as_a_gaussian_of_variance_two_over_the_number_of_inputs(batch_norm: bool) -> None:
    torch.manual_seed(0)
    network = UNet(ModelConfig(depth=2, base_channels=16, batch_norm=batch_norm), in_channels=8, n_classes=64)
    for layer in convolutions(network):
        inputs = layer.in_channels * (9 if layer.kernel_size == (3, 3) else 1)
        standardised = layer.weight.detach().flatten().double() / math.sqrt(2 / inputs)
        assert stats.kstest(standardised.numpy(), "norm").pvalue > 1e-4
        assert standardised.std().item() == pytest.approx(1, abs=5 / math.sqrt(2 * len(standardised)))
        assert layer.bias is None or not layer.bias.any()


def test_every_convolution_before_a_normalisation_goes_without_bias() -> None:
    network = UNet(ModelConfig(depth=1, base_channels=2, batch_norm=True), 1, 2)
    levels = [*network.contracting, network.expanding[0].convolutions]
    assert [layer.bias is None for level in levels for layer in convolutions(level)] == [True] * 6


def test_crop_and_concatenate_by_hand() -> None:
    skip = torch.arange(36.0).reshape(1, 1, 6, 6)
    upsampled = torch.full((1, 2, 2, 4), -1.0)
    merged = crop_and_concatenate(skip, upsampled)
    assert merged.shape == (1, 3, 2, 4)
    assert merged[0, 0].tolist() == [[13, 14, 15, 16], [19, 20, 21, 22]]
    assert torch.equal(merged[:, 1:], upsampled)


@hypothesis_settings(deadline=None, max_examples=25)
@given(
    depth=st.integers(1, 3),
    channels=st.tuples(st.integers(1, 5), st.integers(2, 7)),
    widths=st.tuples(st.integers(1, 5), st.integers(1, 12)),
    batch_norm=st.booleans(),
    blocks=st.tuples(st.integers(0, 2), st.integers(0, 2)),
)
def test_any_channels_classes_and_sizes(
    depth: int, channels: tuple[int, int], widths: tuple[int, int], batch_norm: bool, blocks: tuple[int, int]
) -> None:
    (in_channels, n_classes), (base, largest) = channels, widths
    config = ModelConfig(depth=depth, base_channels=base, max_channels=largest, batch_norm=batch_norm)
    network = build_network(config, in_channels, n_classes).eval()
    height, width = (block * 2**depth + 4 for block in blocks)
    margin = 2 * (6 * 2**depth - 4)
    with torch.inference_mode():
        output = network(torch.rand(2, in_channels, height + margin, width + margin))
    assert output.shape == (2, n_classes, height, width)
    assert output.isfinite().all()
    assert max(layer.out_channels for layer in convolutions(network)[:-1]) <= largest


def receptive_field(pixel: int, depth: int) -> tuple[int, int]:
    """First and last input pixel that an output pixel sees, followed back layer by layer."""
    first = last = pixel
    for _ in range(depth):
        # Two 3x3 convolutions, then the up-convolution, which writes two pixels from one.
        first, last = first // 2, (last + 4) // 2
    last += 4
    for _ in range(depth):
        # The pooling, which reads two pixels for one, then two 3x3 convolutions.
        first, last = 2 * first, 2 * last + 1 + 4
    return first, last


def monotone_network(depth: int) -> nn.Module:
    """Network without negative weights: more light anywhere in the field gives more output, nothing cancels out."""
    torch.manual_seed(depth)
    network = UNet(ModelConfig(depth=depth, base_channels=1, max_channels=2, batch_norm=False), 1, 2).double().eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.abs_()
    return network


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_an_output_pixel_sees_its_receptive_field_and_nothing_beyond(depth: int) -> None:
    output_px = 4 + 2**depth
    size = AxisGeometry(depth).input_size(output_px)
    image = torch.rand(1, 1, size, size, dtype=torch.float64)
    changed = image.repeat(size, 1, 1, 1)
    changed[torch.arange(size), 0, size // 2, torch.arange(size)] = 1e6
    network = monotone_network(depth)
    with torch.inference_mode():
        change = network(changed) - network(image)
    # A batch may be rounded otherwise than a single image, in the last of 16 digits.
    differs = (change > 1e-9 * network(image).max()).any(dim=1).any(dim=1)
    for pixel in range(output_px):
        first, last = receptive_field(pixel, depth)
        expected = (torch.arange(size) >= first) & (torch.arange(size) <= last)
        assert torch.equal(differs[:, pixel], expected)


@pytest.mark.parametrize("depth", [1, 2, 3, 4, 5, 6])
def test_the_halo_is_exact(depth: int) -> None:
    geometry = AxisGeometry(depth)
    output_px = geometry.fit_output(1)
    fields = [receptive_field(pixel, depth) for pixel in range(output_px)]
    assert min(first for first, _ in fields) == 0
    assert max(last for _, last in fields) == geometry.input_size(output_px) - 1
    # Pixel 0 of the output lies on pixel `halo` of the input.
    assert geometry.halo - fields[0][0] == fields[-1][1] - (geometry.halo + output_px - 1) == geometry.halo


@pytest.mark.parametrize("batch_norm", [False, True])
def test_a_part_read_with_its_halo_gives_the_same_as_the_whole(batch_norm: bool) -> None:
    network = UNet(ModelConfig(depth=2, base_channels=3, batch_norm=batch_norm), 1, 2).double().eval()
    image = torch.rand(1, 1, 84, 76, dtype=torch.float64)
    with torch.inference_mode():
        whole, part = network(image), network(image[..., 8:72, 4:64])
    torch.testing.assert_close(part, whole[..., 8 : 8 + part.shape[2], 4 : 4 + part.shape[3]], rtol=1e-12, atol=1e-12)
