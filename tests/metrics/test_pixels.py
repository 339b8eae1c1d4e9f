"""Intersection over union and pixel error, by hand and against a literal count."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_unet.errors import InputError
from napari_unet.metrics import class_iou, foreground_iou, pixel_error

LABELS = arrays(np.uint16, (5, 6), elements=st.integers(0, 3))

#  truth      predicted
#  1 1 0 0    4 4 4 0
#  1 1 0 0    4 4 0 0
#  0 0 2 2    0 0 0 6
TRUTH = np.array([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 2, 2]])
PREDICTED = np.array([[4, 4, 4, 0], [4, 4, 0, 0], [0, 0, 0, 6]])


def test_by_hand() -> None:
    # Foreground: 5 pixels in both, 7 in any; 2 of the 12 pixels differ.
    assert foreground_iou(PREDICTED, TRUTH) == 5 / 7
    assert pixel_error(PREDICTED, TRUTH) == 2 / 12


def test_class_iou_by_hand() -> None:
    truth = np.array([[0, 0, 1, 1], [0, 2, 2, 1]])
    predicted = np.array([[0, 1, 1, 1], [0, 2, 5, 0]])
    # Background: both 2, any 4. Class 1: both 2, any 4. Class 2: both 1, any 2. Class 5 is invented.
    assert class_iou(predicted, truth) == {0: 0.5, 1: 0.5, 2: 0.5, 5: 0.0}


def test_two_empty_images_agree() -> None:
    empty = np.zeros((3, 4), np.uint8)
    assert foreground_iou(empty, empty) == 1
    assert pixel_error(empty, empty) == 0


@settings(deadline=None, max_examples=40)
@given(LABELS, LABELS)
def test_symmetric_and_blind_to_labels(first: np.ndarray, second: np.ndarray) -> None:
    assert foreground_iou(first, second) == foreground_iou(second, first) == foreground_iou(first > 0, second * 7)
    assert pixel_error(first, second) == pixel_error(second, first) == pixel_error(first > 0, second * 7)
    assert foreground_iou(first, first) == 1
    assert pixel_error(first, first) == 0


@settings(deadline=None, max_examples=40)
@given(LABELS, LABELS)
def test_class_of_a_mask_is_its_foreground(first: np.ndarray, second: np.ndarray) -> None:
    classes = class_iou(first > 0, second > 0)
    assert classes.get(1, 1.0) == foreground_iou(first, second)
    assert classes.get(0, 1.0) == foreground_iou(first == 0, second == 0)


def test_probability_map_counts_at_its_best_threshold() -> None:
    truth = np.array([[1, 1, 0, 0]])
    # From 0.4 (not included) to 0.6 (included) the cut is right everywhere.
    assert pixel_error(np.array([[0.9, 0.6, 0.4, 0.1]]), truth) == 0
    # No threshold is right: the best cuts miss one pixel.
    assert pixel_error(np.array([[0.9, 0.3, 0.4, 0.1]], np.float32), truth) == 1 / 4


def test_refuses_other_shapes() -> None:
    with pytest.raises(InputError, match=r"\(3, 4\).*\(4, 3\).*crop"):
        foreground_iou(TRUTH, TRUTH.T)


@pytest.mark.parametrize("shape", [(4,), (0, 4)])
def test_refuses_what_is_no_plane(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="plane"):
        foreground_iou(np.ones(shape, int), np.ones(shape, int))


def test_refuses_other_types() -> None:
    with pytest.raises(InputError, match=r"truth.*float64"):
        pixel_error(TRUTH, TRUTH / 2)
    with pytest.raises(InputError, match=r"predicted.*float32"):
        foreground_iou(TRUTH.astype(np.float32), TRUTH)
    with pytest.raises(InputError, match=r"-1.*renumber"):
        class_iou(-TRUTH // 2, TRUTH)


@pytest.mark.parametrize("value", [-0.1, 1.1, np.nan])
def test_refuses_what_is_no_probability(value: float) -> None:
    with pytest.raises(InputError, match="0 to 1"):
        pixel_error(np.full(TRUTH.shape, value), TRUTH)
