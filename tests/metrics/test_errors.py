"""What is wrong with a segmentation: every kind by hand, and what must hold for any two label images."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_unet.errors import InputError
from napari_unet.metrics import ERROR_KINDS, CellError, detection, find_errors, overlaps

LABELS = arrays(np.uint16, (5, 6), elements=st.integers(0, 4))
EXCHANGED = {"missed": "false", "false": "missed", "merged": "split", "split": "merged", "outline": "outline"}


def test_each_kind_by_hand() -> None:
    # truth:      1 found, 2 and 3 merged, 4 split, 5 missed, 6 badly outlined
    # predicted: 11 found, 12 the merge, 13 and 14 the halves of 4, 15 false, 16 a third of 6
    truth = np.array([[1, 1, 1, 0, 2, 2, 3, 3, 0, 4, 4, 4, 4, 4, 4, 0, 5, 0, 0, 0, 6, 6, 6]])
    predicted = np.array([[11, 11, 0, 0, 12, 12, 12, 12, 12, 13, 13, 0, 0, 14, 14, 0, 0, 0, 15, 0, 16, 0, 0]])
    errors = find_errors(predicted, truth)
    assert errors.n_correct == 1
    assert errors.found == (
        CellError("split", (4,), (13, 14), (0, 9, 1, 15), (0.0, 11.5), 6, 2 / 6),
        CellError("merged", (2, 3), (12,), (0, 4, 1, 9), (0.0, 6.0), 5, 2 / 5),
        CellError("outline", (6,), (16,), (0, 20, 1, 23), (0.0, 21.0), 3, 1 / 3),
        CellError("missed", (5,), (), (0, 16, 1, 17), (0.0, 16.0), 1, 0.0),
        CellError("false", (), (15,), (0, 18, 1, 19), (0.0, 18.0), 1, 0.0),
    )
    expected = [[0, 0, 0, 0, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 0, 1, 0, 4, 0, 5, 5, 5]]
    assert errors.error_map.tolist() == expected and errors.error_map.dtype == np.uint8


def test_a_cell_that_has_a_match_can_be_part_of_an_error() -> None:
    errors = find_errors(np.array([[7, 7, 7, 7, 7, 7]]), np.array([[1, 1, 1, 1, 2, 2]]))
    assert errors.n_correct == 1
    assert [(error.kind, error.truth, error.predicted) for error in errors.found] == [("merged", (1, 2), (7,))]


def test_a_merge_and_a_split_of_one_cell_are_two_errors() -> None:
    # 1 lies in 7 together with 2, and holds the fragment 8.
    errors = find_errors(np.array([[8, 7, 7, 7, 7, 7]]), np.array([[1, 1, 1, 1, 2, 0]]))
    assert {(error.kind, error.truth, error.predicted) for error in errors.found} == {
        ("merged", (1, 2), (7,)),
        ("split", (1,), (7, 8)),
    }


def test_objects_that_hardly_touch_are_missed_and_false() -> None:
    errors = find_errors(np.array([[0, 0, 0, 9, 9, 9, 9]]), np.array([[4, 4, 4, 4, 0, 0, 0]]))
    assert sorted(error.kind for error in errors.found) == ["false", "missed"]


def test_the_smaller_error_stays_in_sight() -> None:
    truth, predicted = np.zeros((9, 9), int), np.zeros((9, 9), int)
    truth[1:8, 1:8], predicted[3, 7:9], predicted[4, 8] = 1, 2, 2
    errors = find_errors(predicted, truth)
    assert [error.kind for error in errors.found] == ["missed", "false"]
    assert errors.error_map[3, 6:9].tolist() == [1, 4, 4]


@settings(deadline=None, max_examples=40)
@given(LABELS)
def test_the_truth_has_no_errors(labels: np.ndarray) -> None:
    errors = find_errors(labels, labels)
    assert (errors.found, errors.error_map.any()) == ((), False)
    assert errors.n_correct == len(np.unique(labels[labels > 0]))


@settings(deadline=None, max_examples=60)
@given(LABELS, LABELS)
def test_agrees_with_the_counts(predicted: np.ndarray, truth: np.ndarray) -> None:
    errors, counts = find_errors(predicted, truth), detection(overlaps(predicted, truth), 0.5)
    assert errors.n_correct == counts.found
    in_errors = [{label for error in errors.found for label in getattr(error, side)} for side in ("truth", "predicted")]
    # Whatever has no match is part of an error.
    assert len(in_errors[0]) >= counts.missed and len(in_errors[1]) >= counts.false
    assert (errors.found == ()) == (counts.missed == counts.false == 0)


@settings(deadline=None, max_examples=60)
@given(LABELS, LABELS)
def test_exchanging_the_images_exchanges_the_kinds(first: np.ndarray, second: np.ndarray) -> None:
    there, back = find_errors(first, second), find_errors(second, first)
    kinds = Counter((error.kind, error.truth, error.predicted, error.size_px, error.iou) for error in there.found)
    exchanged = Counter((EXCHANGED[e.kind], e.predicted, e.truth, e.size_px, e.iou) for e in back.found)
    assert kinds == exchanged


@settings(deadline=None, max_examples=40)
@given(LABELS, LABELS, st.permutations([10, 400, 7, 65_000]))
def test_new_numbers_change_nothing(predicted: np.ndarray, truth: np.ndarray, numbers: list[int]) -> None:
    before = find_errors(predicted, truth)
    after = find_errors(np.array([0, *numbers])[predicted], truth)
    assert Counter((e.kind, e.truth, e.box, e.iou) for e in before.found) == Counter(
        (e.kind, e.truth, e.box, e.iou) for e in after.found
    )


@settings(deadline=None, max_examples=60)
@given(LABELS, LABELS)
def test_each_error_tells_where_it_is(predicted: np.ndarray, truth: np.ndarray) -> None:
    errors = find_errors(predicted, truth)
    seen = np.zeros(truth.shape, bool)
    for error in errors.found:
        here = np.isin(truth, error.truth) | np.isin(predicted, error.predicted)
        rows, columns = np.nonzero(here)
        assert error.box == (rows.min(), columns.min(), rows.max() + 1, columns.max() + 1)
        assert error.centre == pytest.approx((rows.mean(), columns.mean()))
        assert error.size_px == len(rows)
        seen |= here
    assert np.array_equal(errors.error_map > 0, seen)
    assert {ERROR_KINDS[code - 1] for code in np.unique(errors.error_map[seen])} <= {e.kind for e in errors.found}


def test_a_stack_is_refused() -> None:
    with pytest.raises(InputError, match="plane by plane"):
        find_errors(np.zeros((2, 4, 4), int), np.zeros((2, 4, 4), int))
