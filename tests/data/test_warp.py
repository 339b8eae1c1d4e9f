from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_unet.config.augmentation import AugmentationConfig
from napari_unet.data.warp import Warp, draw_warp, nearest_index, reflect, sample_image, warp_coordinates

OFF = AugmentationConfig(elastic_px=0, rotation=False, flip=False, scale=0)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_same_seed_draws_the_same() -> None:
    one, other = (draw_warp(AugmentationConfig(), generator(3)) for _ in range(2))
    assert torch.equal(one.matrix, other.matrix)
    assert torch.equal(one.displacement, other.displacement)


@given(st.integers(0, 2**31), st.integers(2, 40))
@settings(deadline=None, max_examples=30)
def test_an_elastic_warp_is_the_affine_one_plus_bicubic_displacements(seed: int, size: int) -> None:
    warp, centre = draw_warp(AugmentationConfig(), generator(seed)), torch.tensor([30.0, 20.0])
    place = torch.arange(size) - (size - 1) / 2
    rows, columns = torch.meshgrid(place, place, indexing="ij")
    affine = torch.einsum("ij,jyx->iyx", warp.matrix, torch.stack([rows, columns])) + centre[:, None, None]
    bicubic = torch.nn.functional.interpolate(
        warp.displacement[None], size=(size, size), mode="bicubic", align_corners=True
    )[0]
    torch.testing.assert_close(warp_coordinates(warp, centre, size), affine + bicubic, rtol=1e-4, atol=1e-3)


def test_everything_switched_off_reads_the_pixels_as_they_are() -> None:
    image = torch.rand(2, 20, 30)
    coordinates = warp_coordinates(draw_warp(OFF, generator()), torch.tensor([9.0, 14.0]), 7)
    torch.testing.assert_close(sample_image(image, coordinates), image[:, 6:13, 11:18], rtol=1e-4, atol=1e-4)


def test_displacements_have_the_standard_deviation_asked_for() -> None:
    config = OFF.model_copy(update={"elastic_px": 10.0})
    drawn = torch.stack([draw_warp(config, generator(seed)).displacement for seed in range(200)])
    assert drawn.std().item() == pytest.approx(10, rel=0.05)
    assert drawn.mean().item() == pytest.approx(0, abs=0.6)


def test_size_changes_stay_within_bounds_and_flips_occur() -> None:
    config = AugmentationConfig(scale=0.25)
    areas = torch.stack([torch.det(draw_warp(config, generator(seed)).matrix) for seed in range(200)])
    assert areas.abs().max() <= 1.25**2 + 1e-5
    assert areas.abs().min() >= 1 / 1.25**2 - 1e-5
    assert 60 < (areas < 0).sum() < 140


@given(st.integers(1, 9), st.lists(st.integers(-50, 50), min_size=1, max_size=20))
@settings(deadline=None, max_examples=50)
def test_reflection_is_that_of_numpy(size: int, positions: list[int]) -> None:
    padded = np.pad(np.arange(size), 60, mode="reflect") if size > 1 else np.zeros(121, int)
    folded = reflect(torch.tensor(positions, dtype=torch.float32), size)
    assert folded.tolist() == [padded[position + 60] for position in positions]


@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 2**31))
@settings(deadline=None, max_examples=40)
def test_image_and_labels_are_read_at_the_same_places(height: int, width: int, seed: int) -> None:
    """At whole pixels, linear and nearest reading agree, inside and beyond the edges."""
    field = torch.arange(height * width, dtype=torch.float32).reshape(height, width)
    random = torch.Generator().manual_seed(seed)
    coordinates = torch.randint(-30, 30, (2, 5, 5), generator=random).float()
    index = nearest_index(coordinates, (height, width))
    torch.testing.assert_close(sample_image(field[None], coordinates)[0], field.view(-1)[index], rtol=1e-4, atol=1e-2)


def test_a_rotation_turns_image_and_labels_together() -> None:
    quarter = Warp(torch.tensor([[0.0, -1.0], [1.0, 0.0]]), torch.zeros(2, 3, 3))
    field = torch.rand(11, 11)
    coordinates = warp_coordinates(quarter, torch.tensor([5.0, 5.0]), 11)
    expected = torch.rot90(field, -1)
    torch.testing.assert_close(sample_image(field[None], coordinates)[0], expected, rtol=1e-4, atol=1e-4)
    assert torch.equal(field.view(-1)[nearest_index(coordinates, (11, 11))], expected)
