"""Growing over ridges and into rims: what moves, what must not, and how far it looks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import ndimage

from napari_unet.inference.growth import grow_back, growth_reach

if TYPE_CHECKING:
    from numpy.typing import NDArray

PIXELS = st.sampled_from([0, 0, 0, 0, 1, 2, 3])
LABELS = arrays(np.int32, array_shapes(min_dims=2, max_dims=3, max_side=8), elements=PIXELS)
WIDTHS = st.integers(0, 4)
SEEDS = st.integers(0, 2**32)


def grow_over_ridges(labels: NDArray[np.int32], grow_px: int) -> NDArray[np.int32]:
    return grow_back(labels, np.zeros(labels.shape, bool), grow_px)


def rim_of(labels: NDArray[np.int32], seed: int) -> NDArray[np.bool_]:
    """Draw a rim, some of it inside cells, where it does not matter."""
    return np.random.default_rng(seed).random(labels.shape) < 0.5


def cells_within(labels: NDArray[np.int32], steps: int) -> NDArray[np.intp]:
    """Count the cells reached from each background pixel in some steps through background."""
    background = labels == 0
    reached = [
        ndimage.binary_dilation(labels == cell, iterations=steps, mask=background) if steps else labels == cell
        for cell in np.unique(labels[labels > 0])
    ]
    return np.sum([np.zeros(labels.shape, dtype=bool), *reached], axis=0)


@settings(deadline=None, max_examples=150)
@given(LABELS, WIDTHS)
def test_only_background_within_reach_of_two_cells_changes(labels: NDArray[np.int32], grow_px: int) -> None:
    grown = grow_over_ridges(labels, grow_px)
    is_changed = grown != labels
    assert (labels[is_changed] == 0).all()
    assert (cells_within(labels, grow_px)[is_changed] >= 2).all()
    assert grown.dtype == np.int32


@settings(deadline=None, max_examples=150)
@given(LABELS, st.integers(1, 4))
def test_ridge_pixels_beside_a_cell_are_given_away(labels: NDArray[np.int32], grow_px: int) -> None:
    is_ridge = (labels == 0) & (cells_within(labels, grow_px) >= 2)
    beside = ndimage.binary_dilation(labels > 0) & is_ridge
    assert (grow_over_ridges(labels, grow_px)[beside] > 0).all()


@settings(deadline=None, max_examples=150)
@given(arrays(np.int32, (3, 40), elements=PIXELS), SEEDS, WIDTHS, st.integers(0, 39))
def test_pixels_beyond_the_reach_do_not_matter(labels: NDArray[np.int32], seed: int, grow_px: int, at: int) -> None:
    reach, rim = growth_reach(grow_px), rim_of(labels, seed)
    low = max(at - reach, 0)
    seen = slice(low, at + reach + 1)
    part = grow_back(labels[:, seen], rim[:, seen], grow_px)
    np.testing.assert_array_equal(part[:, at - low], grow_back(labels, rim, grow_px)[:, at])


@settings(deadline=None, max_examples=150)
@given(LABELS, SEEDS, WIDTHS)
def test_cells_take_what_they_reach_of_ridges_and_rims(labels: NDArray[np.int32], seed: int, grow_px: int) -> None:
    rim = rim_of(labels, seed)
    is_free = (labels == 0) & (rim | (cells_within(labels, grow_px) >= 2))
    reached = ndimage.binary_dilation(labels > 0, iterations=grow_px, mask=is_free) if grow_px else labels > 0
    np.testing.assert_array_equal(grow_back(labels, rim, grow_px) > 0, reached | (labels > 0))


@settings(deadline=None, max_examples=100)
@given(LABELS, SEEDS, WIDTHS)
def test_cells_stay_where_they_are_and_in_one_piece(labels: NDArray[np.int32], seed: int, grow_px: int) -> None:
    grown = grow_back(labels, rim_of(labels, seed), grow_px)
    np.testing.assert_array_equal(grown[labels > 0], labels[labels > 0])
    for cell in np.unique(labels[labels > 0]):
        reached = ndimage.binary_propagation(labels == cell, mask=grown == cell)
        np.testing.assert_array_equal(reached, grown == cell)


@pytest.mark.parametrize(
    ("row", "grow_px", "expected"),
    [
        ([1, 0, 2], 0, [1, 0, 2]),
        ([1, 0, 2], 1, [1, 1, 2]),
        ([2, 0, 1], 1, [2, 1, 1]),
        ([1, 0, 0, 2], 1, [1, 0, 0, 2]),
        ([1, 0, 0, 2], 2, [1, 1, 2, 2]),
        ([1, 0, 0, 0, 2], 3, [1, 1, 1, 2, 2]),
        ([1, 0, 0, 1], 3, [1, 0, 0, 1]),
        ([0, 1, 0, 2, 0], 2, [0, 1, 1, 2, 0]),
        ([0, 1, 2, 0], 2, [0, 1, 2, 0]),
    ],
)
def test_rows_by_hand(row: list[int], grow_px: int, expected: list[int]) -> None:
    assert grow_over_ridges(np.array([row], dtype=np.int32), grow_px).tolist() == [expected]


def test_a_third_cell_shields_what_lies_behind_it() -> None:
    labels = np.array([[0, 0, 1, 2]], dtype=np.int32)
    np.testing.assert_array_equal(grow_over_ridges(labels, 4), labels)


@given(LABELS, WIDTHS)
@settings(deadline=None, max_examples=50)
def test_the_order_in_memory_does_not_matter(labels: NDArray[np.int32], grow_px: int) -> None:
    np.testing.assert_array_equal(
        grow_over_ridges(np.asfortranarray(labels), grow_px), grow_over_ridges(labels, grow_px)
    )
