"""Overlaps, SEG, average precision, F1 and panoptic quality, by hand and against dense tables."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import linear_sum_assignment
from skimage.metrics import contingency_table

from napari_unet.errors import InputError
from napari_unet.metrics import IOU_THRESHOLDS, detection, overlaps, seg

LABELS = arrays(np.uint16, (5, 6), elements=st.integers(0, 3))
EMPTY = np.zeros((3, 8), np.uint16)

#  truth              predicted
#  1 1 1 1 0 2 2 2    7 7 7 0 0 9 9 9
#  1 1 1 1 0 2 2 2    7 7 7 0 0 9 0 0
#  0 0 0 0 0 0 3 3    0 5 0 0 0 0 0 0
# 1 and 7: 6 shared of 8, IoU 0.75.  2 and 9: 4 shared of 6, IoU 2/3.  3 is missed, 5 is false.
TRUTH = np.array([[1, 1, 1, 1, 0, 2, 2, 2], [1, 1, 1, 1, 0, 2, 2, 2], [0, 0, 0, 0, 0, 0, 3, 3]])
PREDICTED = np.array([[7, 7, 7, 0, 0, 9, 9, 9], [7, 7, 7, 0, 0, 9, 0, 0], [0, 5, 0, 0, 0, 0, 0, 0]])


def dense_iou(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Intersection over union of each true (rows) with each predicted object, from scikit-image's table."""
    shared = contingency_table(truth, predicted, sparse_type="array").toarray()
    union = shared.sum(1, keepdims=True) + shared.sum(0, keepdims=True) - shared
    present = np.ix_(np.unique(truth[truth > 0]), np.unique(predicted[predicted > 0]))
    return shared[present] / union[present]


def test_overlaps_by_hand() -> None:
    table = overlaps(PREDICTED, TRUTH)
    assert table.truth_ids.tolist() == [1, 2, 3]
    assert table.truth_sizes.tolist() == [8, 6, 2]
    assert table.predicted_ids.tolist() == [5, 7, 9]
    assert table.predicted_sizes.tolist() == [1, 6, 4]
    assert (table.rows.tolist(), table.columns.tolist(), table.shared.tolist()) == ([0, 1], [1, 2], [6, 4])
    assert table.iou.tolist() == [0.75, 4 / 6]


def test_scores_by_hand() -> None:
    table = overlaps(PREDICTED, TRUTH)
    assert seg(table) == pytest.approx((0.75 + 4 / 6 + 0) / 3)
    half = detection(table, 0.5)
    assert (half.found, half.false, half.missed) == (2, 1, 1)
    assert half.ap == 2 / 4
    assert half.f1 == 2 / 3
    assert half.pq == pytest.approx((0.75 + 4 / 6) / 3)
    # At 0.7 only the first pair remains: one found, two false, two missed; at 0.8 none.
    assert (detection(table, 0.7).ap, detection(table, 0.7).f1) == (1 / 5, 1 / 3)
    assert detection(table, 0.7).pq == pytest.approx(0.75 / 3)
    assert detection(table, 0.8).ap == 0


def test_threshold_is_met_by_an_equal_iou() -> None:
    # 7 of 10 pixels: 0.7 is reached, although 0.5 + 4 * 0.05 is a little more than 0.7 in floating point.
    truth, predicted = np.ones((1, 10), int), np.array([[1] * 7 + [0] * 3])
    found = [threshold for threshold in IOU_THRESHOLDS if detection(overlaps(predicted, truth), threshold).found]
    assert found == [0.5, 0.55, 0.6, 0.65, 0.7]


def test_two_equal_halves_match_once() -> None:
    halves, whole = np.array([[1, 1, 2, 2]]), np.array([[3, 3, 3, 3]])
    for predicted, truth in ((halves, whole), (whole, halves)):
        counts = detection(overlaps(predicted, truth), 0.5)
        assert (counts.found, counts.false + counts.missed) == (1, 1)
    # Half is not more than half for SEG, where the truth is the whole; each half is covered by the whole.
    assert seg(overlaps(halves, whole)) == 0
    assert seg(overlaps(whole, halves)) == 0.5


def test_empty_images() -> None:
    nothing, invented, missed = overlaps(EMPTY, EMPTY), overlaps(PREDICTED, EMPTY), overlaps(EMPTY, TRUTH)
    assert seg(nothing) == detection(nothing, 0.5).ap == detection(nothing, 0.5).f1 == detection(nothing, 0.5).pq == 1
    assert seg(missed) == detection(missed, 0.5).ap == detection(invented, 0.5).ap == detection(invented, 0.5).pq == 0
    assert math.isnan(seg(invented))


@settings(deadline=None, max_examples=60)
@given(LABELS, LABELS)
def test_counts_equal_the_optimal_assignment(predicted: np.ndarray, truth: np.ndarray) -> None:
    iou = dense_iou(predicted, truth)
    for threshold in IOU_THRESHOLDS:
        counts = detection(overlaps(predicted, truth), threshold)
        best = linear_sum_assignment(iou >= threshold, maximize=True)
        assert counts.found == np.count_nonzero(iou[best] >= threshold)
        assert (counts.found + counts.missed, counts.found + counts.false) == iou.shape


@settings(deadline=None, max_examples=60)
@given(LABELS, LABELS)
def test_seg_is_the_jaccard_index_of_the_covering_object(predicted: np.ndarray, truth: np.ndarray) -> None:
    scores = []
    for true_id in np.unique(truth[truth > 0]):
        inside = truth == true_id
        covering = [i for i in range(1, 4) if 2 * np.sum(inside & (predicted == i)) > inside.sum()]
        scores += [np.sum(inside & (predicted == i)) / np.sum(inside | (predicted == i)) for i in covering] or [0.0]
    if scores:
        assert seg(overlaps(predicted, truth)) == pytest.approx(np.mean(scores))


@settings(deadline=None, max_examples=40)
@given(LABELS, LABELS, st.permutations([1, 2, 3]))
def test_labels_are_only_names(predicted: np.ndarray, truth: np.ndarray, order: list[int]) -> None:
    renamed = np.array([0, *order], np.uint32)[predicted] * 60000
    before, after = overlaps(predicted, truth), overlaps(renamed, truth)
    assert seg(after) == pytest.approx(seg(before), nan_ok=True)
    for threshold in IOU_THRESHOLDS:
        assert detection(after, threshold).ap == detection(before, threshold).ap
        assert detection(after, threshold).pq == pytest.approx(detection(before, threshold).pq)


@settings(deadline=None, max_examples=40)
@given(LABELS, LABELS)
def test_ap_falls_with_the_threshold_and_is_symmetric(first: np.ndarray, second: np.ndarray) -> None:
    there = [detection(overlaps(first, second), threshold) for threshold in IOU_THRESHOLDS]
    back = [detection(overlaps(second, first), threshold) for threshold in IOU_THRESHOLDS]
    assert [counts.ap for counts in there] == sorted((counts.ap for counts in there), reverse=True)
    assert [(c.ap, c.f1) for c in there] == [(c.ap, c.f1) for c in back]
    assert [c.pq for c in there] == pytest.approx([c.pq for c in back])


@settings(deadline=None, max_examples=20)
@given(LABELS)
def test_a_perfect_prediction_scores_one(labels: np.ndarray) -> None:
    table = overlaps(labels, labels)
    assert seg(table) == 1
    assert all(detection(table, threshold).pq == 1 for threshold in IOU_THRESHOLDS)


def test_a_stack_is_one_array_and_a_mask_its_components() -> None:
    mask = np.zeros((2, 3, 3), bool)
    mask[:, 0, 0] = mask[0, 2, 2] = mask[0, 1, 1] = True
    # The first column of two pixels is one object, the two pixels on the diagonal are one each.
    assert sorted(overlaps(mask, mask).truth_sizes.tolist()) == [1, 1, 2]


def test_memory_does_not_grow_with_the_largest_label() -> None:
    labels = np.array([[1, 2**31, 2**32 - 1]], np.uint32)
    tracemalloc.start()
    try:
        assert seg(overlaps(labels, labels)) == 1
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_refuses_probabilities() -> None:
    with pytest.raises(InputError, match=r"predicted.*float64"):
        overlaps(PREDICTED / 9, TRUTH)


@pytest.mark.parametrize("threshold", [0.49, 1.01, math.nan])
def test_refuses_a_threshold_at_which_matches_are_not_unique(threshold: float) -> None:
    with pytest.raises(InputError, match=r"from 0\.5"):
        detection(overlaps(PREDICTED, TRUTH), threshold)
