"""Noise has the statistics it claims."""

from __future__ import annotations

import numpy as np
import pytest

from napari_unet.config.samples import SamplesConfig
from napari_unet.samples.noise import Camera, noise_tile, slabs, slow_field, vesicle_tile

CAMERA = Camera(electrons=100, gain=2, offset=10, read_noise=3, white=4095, dtype=np.uint16)


@pytest.mark.parametrize("ndim", [2, 3])
def test_tile_is_periodic_and_standardised(ndim):
    tile = noise_tile(ndim, [(2.0, 1.0), (4.0, 0.5)], np.random.default_rng(0))
    assert tile.values.std() == pytest.approx(1, abs=0.1)
    assert np.abs(tile.values).max() <= 2
    points = np.random.default_rng(1).uniform(0, 50, (ndim, 20))
    np.testing.assert_allclose(tile.at(points), tile.at(points - tile.values.shape[0]), atol=1e-4)


@pytest.mark.parametrize("noise", [1, 3])
def test_camera_counts_electrons_with_poisson_and_read_noise(noise):
    image = CAMERA.record(np.ones((300, 300), np.float32), SamplesConfig(noise=noise), (0,)).astype(float)
    assert image.mean() == pytest.approx(10 + 2 * 100, rel=0.01)
    assert image.std() == pytest.approx(2 * noise * np.sqrt(100 + 9), rel=0.02)


def test_camera_without_noise_is_exact_and_saturates():
    signal = np.array([[0, 0.5, 1, 1000]], np.float32)
    assert CAMERA.record(signal, SamplesConfig(noise=0), (0,)).tolist() == [[10, 110, 210, 4095]]
    assert CAMERA.record(signal, SamplesConfig(noise=0, inverted=True), (0,)).tolist() == [[4085, 3985, 3885, 0]]


@pytest.mark.parametrize("shape", [(9, 13), (5, 30, 8)])
@pytest.mark.parametrize("period", [0.5, 3.3, 100.0])
def test_slow_field_has_the_shape_and_varies_slowly(shape, period):
    field = slow_field(shape, [period] * len(shape), np.random.default_rng(0))
    assert field.shape == shape
    if period == 100:
        assert np.abs(np.diff(field, axis=0)).max() < 0.1


def test_slabs_cover_the_first_axis_once():
    pairs = list(slabs((5000, 1000), halo=3))
    assert len(pairs) > 2
    assert [row for _, keep in pairs for row in range(5000)[keep]] == list(range(5000))
    assert all(read.start == max(0, keep.start - 3) and read.stop == min(5000, keep.stop + 3) for read, keep in pairs)


@pytest.mark.parametrize("ndim", [2, 3])
def test_vesicles_are_dark_shells_with_nothing_between(ndim):
    values = vesicle_tile(ndim, np.random.default_rng(0)).values
    assert values.min() < -0.8
    assert values.max() <= 0
    assert (values > -0.3).mean() > 0.5
