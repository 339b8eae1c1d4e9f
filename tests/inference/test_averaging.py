from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_unet.inference.averaging import VIEWS, average_views

WINDOW = torch.randn(1, 1, 6, 8, generator=torch.Generator().manual_seed(0))


def to_the_right(window: torch.Tensor) -> torch.Tensor:
    """Logits that know their direction: class 1 gains where the image is brighter than its left neighbour."""
    return torch.cat([window, window - window.roll(1, -1)], dim=1)


@pytest.mark.parametrize("averaging", VIEWS)
def test_a_network_without_direction_is_not_changed(averaging):
    expected = torch.cat([WINDOW, WINDOW.square()], dim=1).softmax(1)
    averaged = average_views(lambda window: torch.cat([window, window.square()], dim=1), WINDOW, averaging)
    torch.testing.assert_close(averaged, expected)


@pytest.mark.parametrize("averaging", ["rotations", "rotations and mirrors"])
def test_averaging_turns_with_the_image(averaging):
    averaged = average_views(to_the_right, WINDOW, averaging)
    turned = average_views(to_the_right, WINDOW.rot90(1, (-2, -1)), averaging)
    assert not torch.allclose(averaged, to_the_right(WINDOW).softmax(1), atol=1e-3)
    torch.testing.assert_close(turned, averaged.rot90(1, (-2, -1)))


def test_averaging_over_mirrors_is_mirrored_with_the_image():
    averaged = average_views(to_the_right, WINDOW, "rotations and mirrors")
    torch.testing.assert_close(average_views(to_the_right, WINDOW.flip(-1), "rotations and mirrors"), averaged.flip(-1))


def test_rotations_are_averaged_by_hand():
    views = [np.rot90(WINDOW.numpy(), turns, (-2, -1)) for turns in range(4)]
    outputs = [to_the_right(torch.from_numpy(view.copy())).softmax(1).numpy() for view in views]
    expected = np.mean([np.rot90(output, -turns, (-2, -1)) for turns, output in enumerate(outputs)], axis=0)
    np.testing.assert_allclose(average_views(to_the_right, WINDOW, "rotations").numpy(), expected, atol=1e-6)
