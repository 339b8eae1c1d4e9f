from __future__ import annotations

from typing import Any

import dask.array as da
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pydantic import ValidationError

from napari_unet.config.normalization import NormalizationConfig
from napari_unet.data.normalization import CLIP, Normalization, PlaneScaler, fit_normalization
from napari_unet.errors import InputError

EACH = NormalizationConfig()
POOLED = NormalizationConfig(over="training data")
DTYPES = ["bool", "u1", "i1", "u2", ">u2", "i4", "u8", "f2", "f4", ">f4", "f8"]


def stack(shape: tuple[int, ...] = (2, 3, 4, 16, 24), seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(100, 20, shape)


def images() -> st.SearchStrategy[np.ndarray]:
    return st.sampled_from(DTYPES).flatmap(lambda dtype: hnp.arrays(dtype, (1, 2, 2, 5, 6)))


@given(images())
@settings(deadline=None, max_examples=100)
def test_any_image_becomes_finite_small_numbers(data: np.ndarray) -> None:
    scaler = fit_normalization([data], EACH).for_image(data)
    scaled = scaler(data[0, :, 0])
    assert scaled.dtype == np.float32
    assert scaled.shape == (2, 5, 6)
    assert np.isfinite(scaled).all()
    assert scaled.min() >= CLIP[0]
    assert scaled.max() <= CLIP[1]


@given(factor=st.floats(0.01, 100), offset=st.floats(-1000, 1000))
@settings(deadline=None, max_examples=40)
def test_gain_and_offset_of_the_camera_do_not_matter(factor: float, offset: float) -> None:
    data = stack()
    normalization = fit_normalization([data], EACH)
    expected = normalization.for_image(data)(data[0, :, 0])
    other = data * factor + offset
    np.testing.assert_allclose(normalization.for_image(other)(other[0, :, 0]), expected, atol=1e-4)


@given(y=st.integers(0, 15), x=st.integers(0, 23), dtype=st.sampled_from(["u1", "u2", "f4", "f8"]))
@settings(deadline=None, max_examples=40)
def test_a_part_is_mapped_as_the_whole(y: int, x: int, dtype: str) -> None:
    data = stack().astype(dtype)
    scaler = fit_normalization([data], EACH).for_image(data)
    np.testing.assert_array_equal(scaler(data[1, :, 2, y:, x:]), scaler(data[1, :, 2])[:, y:, x:])


def test_a_lazy_stack_is_mapped_as_one_in_memory() -> None:
    data = stack((1, 1, 200, 16, 24))
    normalization = fit_normalization([data], EACH)
    lazy = da.from_array(data, chunks=(1, 1, 1, 16, 24))
    assert normalization.for_image(lazy) == normalization.for_image(data)


def test_a_big_stack_is_not_read_as_a_whole() -> None:
    read = []

    def plane(block_id: tuple[int, ...]) -> np.ndarray:
        read.append(block_id)
        return np.full((1, 1, 1, 8, 8), block_id[2])

    chunks = ((1,), (1,), (1,) * 1000, (8,), (8,))
    lazy = da.map_blocks(plane, chunks=chunks, dtype=float, meta=np.empty((0,) * 5))
    scaler = fit_normalization([lazy], EACH).for_image(lazy)
    assert len(read) <= 64
    assert scaler.low[0] < 20
    assert scaler.high[0] > 950


def test_percentiles_become_minus_one_and_one() -> None:
    data = np.arange(101.0).reshape(1, 1, 1, 1, 101)
    config = NormalizationConfig(low_percentile=10, high_percentile=90)
    scaler = fit_normalization([data], config).for_image(data)
    assert (scaler.low, scaler.high) == ((10.0,), (90.0,))
    np.testing.assert_allclose(scaler(np.array([[[10, 50, 90, 70]]])), [[[-1, 0, 1, 0.5]]], atol=1e-6)


def test_each_channel_has_its_own_interval() -> None:
    data = stack()
    data[:, 1] *= 1000
    scaled = fit_normalization([data], EACH).for_image(data)(data[0, :, 0])
    assert np.ptp(scaled[0]) == pytest.approx(np.ptp(scaled[1]), rel=0.5)


def test_not_a_number_is_dark_and_does_not_count() -> None:
    data = stack((1, 1, 1, 16, 24))
    holed = data.copy()
    holed[..., ::2] = np.nan
    normalization = fit_normalization([holed], EACH)
    scaler = normalization.for_image(holed)
    assert scaler == normalization.for_image(data[..., 1::2])
    assert (scaler(holed[0, :, 0])[..., ::2] == -1).all()


def test_infinity_is_clipped() -> None:
    plane = np.array([[[-np.inf, np.inf, np.nan]]])
    np.testing.assert_array_equal(PlaneScaler((0.0,), (1.0,))(plane), [[[*CLIP, -1]]])


@pytest.mark.parametrize("value", [0, 7, np.nan, np.inf])
def test_a_constant_image_becomes_zero(value: float) -> None:
    data = np.full((1, 2, 1, 4, 5), value)
    np.testing.assert_array_equal(fit_normalization([data], EACH).for_image(data)(data[0, :, 0]), np.zeros((2, 4, 5)))


def test_few_bright_pixels_on_a_constant_ground_are_kept() -> None:
    data = np.zeros((1, 1, 1, 100, 100), np.uint8)
    data[..., 50, 50] = 200
    scaled = fit_normalization([data], EACH).for_image(data)(data[0, :, 0])
    assert (scaled[0, 50, 50], scaled[0, 0, 0]) == (1, -1)


def test_over_the_training_data_the_interval_is_fixed() -> None:
    dark, bright = stack(seed=1), stack(seed=2) + 1000
    normalization = fit_normalization(iter([dark, bright]), POOLED)
    assert normalization.for_image(dark) == normalization.for_image(bright)
    low, high = normalization.intervals[0]
    assert low < 100
    assert high > 1100


def test_over_each_image_its_brightness_is_taken_away() -> None:
    dark = stack()
    normalization = fit_normalization([dark], EACH)
    bright = dark + 1000
    np.testing.assert_allclose(
        normalization.for_image(dark)(dark[0, :, 0]), normalization.for_image(bright)(bright[0, :, 0]), atol=1e-4
    )


@pytest.mark.parametrize("config", [EACH, POOLED])
def test_it_is_stored_as_text_and_comes_back(config: NormalizationConfig) -> None:
    normalization = fit_normalization([stack()], config)
    assert Normalization.model_validate_json(normalization.model_dump_json()) == normalization


@pytest.mark.parametrize("config", [EACH, POOLED])
def test_another_number_of_channels_is_refused(config: NormalizationConfig) -> None:
    normalization = fit_normalization([stack()], config)
    with pytest.raises(InputError, match=r"has 1 channels.*trained on 3"):
        normalization.for_image(stack((1, 1, 1, 4, 4)))
    with pytest.raises(InputError, match=r"\[1, 3\] channels"):
        fit_normalization([stack(), stack((1, 1, 1, 4, 4))], config)


def test_no_image_is_refused() -> None:
    with pytest.raises(InputError, match="at least one image"):
        fit_normalization([], EACH)


@pytest.mark.parametrize("wrong", [{"low_percentile": 99.9}, {"high_percentile": 101}, {"over": "tile"}])
def test_impossible_settings_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        NormalizationConfig(**wrong)


@pytest.mark.parametrize("shape", [(1, 1, 40, 256, 256), (1, 2, 1, 3000, 3000)])
def test_what_lies_between_the_pixels_looked_at_is_seen(shape: tuple[int, ...]) -> None:
    """An image is blank only if it is: cells on a few planes of a masked stack, or spots in a large plane."""
    image = np.zeros(shape, np.uint16)
    image[:, 0, shape[2] * 3 // 4 - 1, 101:104, 101:104] = 1000
    for data in (image, da.from_array(image)):
        scaler = fit_normalization([data], NormalizationConfig()).for_image(data)
        assert (scaler.low[0], scaler.high[0]) == (0, 1000)
        assert scaler.low[1:] == scaler.high[1:]
    blank = np.full_like(image, 7)
    assert fit_normalization([blank], NormalizationConfig()).for_image(blank).is_blank
