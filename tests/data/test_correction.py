"""A result becomes annotation without touching what a person painted, and teaches nothing that is not so."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_unet.data.correction import take_over
from napari_unet.errors import InputError

SHAPE = (6, 7)
labels = arrays(np.int32, SHAPE, elements=st.integers(0, 4))
painted = arrays(np.uint16, SHAPE, elements=st.sampled_from([0, 0, 0, 1, 2, 5]))


@settings(max_examples=60, deadline=None)
@given(result=labels, painted=painted)
def test_what_is_painted_stays_and_the_rest_is_the_result(result: np.ndarray, painted: np.ndarray) -> None:
    merged = take_over(result, painted)
    kept = painted > 0
    assert merged.dtype == painted.dtype
    np.testing.assert_array_equal(merged[kept], painted[kept])
    np.testing.assert_array_equal((merged == 1)[~kept], (result == 0)[~kept])
    taken = set(np.unique(painted).tolist())
    for cell in np.unique(result[result > 0]):
        numbers = np.unique(merged[(result == cell) & ~kept])
        if (painted[result == cell] > 1).any():
            assert numbers.size == 0 or numbers.tolist() == [0]
        elif numbers.size:
            assert numbers.size == 1 and numbers[0] > 1 and numbers[0] not in taken
            taken.add(int(numbers[0]))


@settings(max_examples=20, deadline=None)
@given(result=labels)
def test_an_empty_annotation_becomes_the_whole_result(result: np.ndarray) -> None:
    merged = take_over(result, np.zeros(SHAPE, np.uint16))
    assert (merged > 0).all()
    for number in np.unique(merged):
        assert np.unique(result[merged == number]).size == 1


@settings(max_examples=20, deadline=None)
@given(result=labels, painted=painted)
def test_classes_keep_their_meaning(result: np.ndarray, painted: np.ndarray) -> None:
    merged = take_over(result, painted, instances=False)
    np.testing.assert_array_equal(merged, np.where(painted > 0, painted, result + 1))


def test_too_many_cells_are_refused() -> None:
    with pytest.raises(InputError, match="numbers up to 255"):
        take_over(np.arange(300).reshape(10, 30), np.zeros((10, 30), np.uint8))
