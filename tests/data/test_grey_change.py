from __future__ import annotations

import pytest
import torch

from napari_unet.config.augmentation import AugmentationConfig
from napari_unet.data.grey_change import change_grey, draw_grey_change

OFF = AugmentationConfig(contrast=0, brightness=0, noise=0, uneven_light=0)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_everything_switched_off_leaves_the_values_as_they_are() -> None:
    image = torch.rand(2, 20, 30)
    assert torch.equal(change_grey(image, draw_grey_change(OFF, 2, generator())), image)


def test_channels_change_on_their_own() -> None:
    change = draw_grey_change(AugmentationConfig(), 3, generator())
    assert change.gain.unique().numel() == 3


def test_noise_has_the_drawn_standard_deviation_and_replays() -> None:
    change = draw_grey_change(OFF.model_copy(update={"noise": 0.5}), 1, generator(2))
    image = torch.zeros(1, 200, 200)
    noisy = change_grey(image, change)
    assert noisy.std().item() == pytest.approx(change.noise.item(), rel=0.05)
    assert torch.equal(noisy, change_grey(image, change))


def test_grey_values_keep_their_order_without_noise() -> None:
    config = AugmentationConfig(noise=0)
    ramp = torch.linspace(-1.5, 2, 100)[None, None]
    for seed in range(20):
        changed = change_grey(ramp, draw_grey_change(config, 1, generator(seed)))
        assert (changed.diff() > 0).all()


def test_inversion_swaps_dark_and_bright_in_half_of_the_patches() -> None:
    config = OFF.model_copy(update={"invert": True})
    ramp = torch.linspace(-1, 1, 100)[None, None]
    changed = [change_grey(ramp, draw_grey_change(config, 1, generator(seed))) for seed in range(100)]
    inverted = [torch.allclose(values, -ramp, atol=1e-6) for values in changed]
    assert 30 < sum(inverted) < 70
    assert all(
        torch.allclose(values, ramp, atol=1e-6)
        for values, swapped in zip(changed, inverted, strict=True)
        if not swapped
    )


def test_blur_keeps_the_light_and_spreads_a_point_at_most_as_far_as_set() -> None:
    point = torch.zeros(1, 41, 41)
    point[0, 20, 20] = 1
    place = torch.arange(41) - 20.0
    widths = []
    for seed in range(20):
        blurred = change_grey(point, draw_grey_change(OFF.model_copy(update={"blur": 2.0}), 1, generator(seed)))
        assert blurred.sum().item() == pytest.approx(1, abs=1e-4)
        widths.append((blurred.sum(1)[0] * place**2).sum().item() ** 0.5)
    assert max(widths) <= 2.0
    assert max(widths) > 1.2


def test_uneven_light_is_slow_and_as_strong_as_set() -> None:
    config = OFF.model_copy(update={"uneven_light": 0.2})
    flat = torch.zeros(1, 200, 200)
    lit = torch.stack([change_grey(flat, draw_grey_change(config, 1, generator(seed))) for seed in range(60)])
    assert lit.std().item() == pytest.approx(0.2, rel=0.3)
    assert lit.diff(dim=-1).abs().max().item() < 0.02


def test_dimming_makes_darker_and_leaves_the_dark() -> None:
    config = OFF.model_copy(update={"dimming": 8.0})
    ramp = torch.linspace(-1, 1, 100)[None, None]
    changed = torch.stack([change_grey(ramp, draw_grey_change(config, 1, generator(seed))) for seed in range(60)])
    assert (changed[..., 0] + 1).abs().max() < 1e-5
    brightest = changed[:, 0, 0, -1] + 1
    assert 2 / 8 - 1e-5 <= brightest.min() < 0.6
    assert 1.7 < brightest.max() <= 2
