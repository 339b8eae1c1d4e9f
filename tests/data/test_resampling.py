from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_unet.data.rectangles import whole
from napari_unet.data.resampling import ResampledPlane, nearest, resample, resampled_shape

RATIOS = st.floats(0.1, 3)


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def resampled(image: np.ndarray, ratio: float) -> np.ndarray:
    box = whole(resampled_shape(image.shape[-2:], ratio))
    return resample(lambda part: image[(..., *part)], image.shape[-2:], box, ratio)


@given(RATIOS, st.data())
@settings(deadline=None, max_examples=40)
def test_a_part_is_the_same_to_the_last_bit_as_in_the_whole(ratio: float, data: st.DataObject) -> None:
    plane = ResampledPlane(noise(2, 57, 41), np.asarray, ratio)
    box = []
    for size in plane.shape[1:]:
        start = data.draw(st.integers(0, size - 1))
        box.append(slice(start, data.draw(st.integers(start + 1, size))))
    everything = plane[(..., *whole(plane.shape[1:]))]
    assert np.array_equal(plane[(..., *box)], everything[(..., *box)])


def test_a_ratio_of_one_changes_nothing() -> None:
    image = noise(1, 20, 30)
    assert np.array_equal(resampled(image, 1), image)
    labels = np.arange(12).reshape(3, 4)
    assert np.array_equal(nearest(labels, 1), labels)


@given(RATIOS)
@settings(deadline=None, max_examples=30)
def test_a_flat_image_stays_flat(ratio: float) -> None:
    np.testing.assert_allclose(resampled(np.full((1, 30, 20), 3, np.float32), ratio), 3, rtol=1e-5)


@given(RATIOS)
@settings(deadline=None, max_examples=30)
def test_places_stay(ratio: float) -> None:
    """A slope goes on through the places of the new pixels, away from the edges."""
    image = np.broadcast_to(np.arange(200, dtype=np.float32), (1, 200, 200))
    found = resampled(image, ratio)[0, 0]
    expected = (np.arange(found.size) + 0.5) / ratio - 0.5
    inside = (expected > 20) & (expected < 179)
    np.testing.assert_allclose(found[inside], expected[inside], atol=0.1)


def test_reducing_averages_noise_away() -> None:
    assert resampled(noise(1, 400, 400), 0.25).std() < 0.3


@pytest.mark.parametrize("ratio", [0.3, 0.5, 2, 2.7])
def test_image_and_labels_stay_together(ratio: float) -> None:
    labels = np.zeros((60, 60), np.int32)
    labels[20:50, 10:40] = 7
    cells = nearest(labels, ratio)
    assert cells.shape == resampled_shape(labels.shape, ratio)
    agreement = (resampled((labels > 0).astype(np.float32)[None], ratio)[0] > 0.5) == (cells > 0)
    assert agreement.mean() > 0.95
    assert set(np.unique(cells)) == {0, 7}


def test_only_what_is_needed_is_read() -> None:
    boxes = []

    def read(box: tuple[slice, ...]) -> np.ndarray:
        boxes.append(box)
        return np.zeros([part.stop - part.start for part in box], np.float32)

    resample(read, (1000, 1000), (slice(100, 110), slice(0, 10)), 0.5)
    assert boxes == [(slice(199, 221), slice(0, 21))]
