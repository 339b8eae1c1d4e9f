"""Warping and Rand error, by hand and against literal, slow definitions."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import label
from skimage.metrics import adapted_rand_error

from napari_unet.errors import InputError
from napari_unet.metrics import pixel_error, rand_error, warped, warping_error

LABELS = arrays(np.uint16, (5, 6), elements=st.integers(0, 3))
MASKS = arrays(bool, (6, 7))


def topology(mask: np.ndarray) -> tuple[int, int]:
    """Count the 4-connected cells and the 8-connected pieces of background, outside included."""
    padded = np.pad(mask, 1)
    return label(padded)[1], label(~padded, np.ones((3, 3)))[1]


def slowly_warped(mask: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Flip one pixel after the other, as long as any flip towards the target leaves the topology of the image alone."""
    current, changed = mask.copy(), True
    while changed:
        changed = False
        for y0, x0 in ((0, 0), (0, 1), (1, 0), (1, 1)):
            for y, x in np.argwhere(current != target):
                # The implementation counts rows and columns from its margin, one pixel outside.
                if ((y + 1) % 2, (x + 1) % 2) != (y0, x0):
                    continue
                flipped = current.copy()
                flipped[y, x] = target[y, x]
                if topology(flipped) == topology(current):
                    current, changed = flipped, True
    return current


def pair_counting_rand_error(predicted: np.ndarray, truth: np.ndarray) -> float:
    """Count the pairs of true foreground pixels one by one."""
    pairs = list(combinations(zip(truth[truth > 0], predicted[truth > 0], strict=True), 2))
    real = sum(a[0] == b[0] for a, b in pairs)
    found = sum(a[1] == b[1] for a, b in pairs)
    both = sum(a == b for a, b in pairs)
    return 1 - 2 * both / (real + found) if real + found else 0.0


def two_cells(border: int) -> np.ndarray:
    """Draw two cells in a plane of 6 x 9, apart by a background line in one column."""
    cells = np.ones((6, 9), np.uint8)
    cells[:, border] = 0
    cells[:, border + 1 :] *= 2
    return cells


@settings(deadline=None, max_examples=60)
@given(MASKS, MASKS)
def test_warp_equals_the_slow_one(mask: np.ndarray, target: np.ndarray) -> None:
    np.testing.assert_array_equal(warped(mask, target), slowly_warped(mask, target))


@settings(deadline=None, max_examples=60)
@given(MASKS, MASKS)
def test_warp_keeps_the_topology_and_only_approaches(mask: np.ndarray, target: np.ndarray) -> None:
    result = warped(mask, target)
    assert topology(result) == topology(mask)
    assert not ((result != target) & (mask == target)).any()
    assert warping_error(target, mask) <= pixel_error(target, mask)


@pytest.mark.parametrize("border", [3, 5])
def test_a_shifted_border_costs_nothing(border: int) -> None:
    assert warping_error(two_cells(border), two_cells(4)) == 0
    assert warping_error(two_cells(border) > 0, two_cells(4) > 0) == 0
    assert pixel_error(two_cells(border), two_cells(4)) == 12 / 54


def test_a_merge_costs_its_opening_and_a_split_one_pixel() -> None:
    wall, gap, none = two_cells(4) > 0, two_cells(4) > 0, np.ones((6, 9), bool)
    gap[2:4, 4] = True
    assert warping_error(gap, wall) == 2 / 54  # neither of the two pixels can turn without joining the cells
    assert warping_error(wall, none) == 1 / 54  # the wall grows from the edges until one pixel would split the cell


def test_a_missed_and_an_invented_cell_cost_a_pixel() -> None:
    empty, cell = np.zeros((5, 5), bool), np.zeros((5, 5), bool)
    cell[1:4, 1:4] = True
    assert warping_error(empty, cell) == 1 / 25  # the cell shrinks to a pixel that may not vanish
    assert warping_error(cell, empty) == 9 / 25  # an empty plane has nothing to grow from


def test_a_filled_hole_costs_a_pixel() -> None:
    solid, ring = np.ones((5, 5), bool), np.ones((5, 5), bool)
    ring[1:4, 1:4] = False
    assert warping_error(solid, ring) == 1 / 25


def test_a_diagonal_membrane_separates() -> None:
    membrane = ~np.eye(6, dtype=bool)
    assert warping_error(np.ones((6, 6), bool), membrane) > 0
    assert rand_error(membrane, membrane) == 0
    assert rand_error(np.ones((6, 6), bool), membrane) > 0


def test_a_merge_of_touching_cells_costs() -> None:
    touching = np.repeat([[1, 1, 1, 2, 2, 2]], 4, axis=0)
    assert pixel_error(touching > 0, touching) == 0
    assert warping_error(np.ones_like(touching), touching) > 0
    assert warping_error(touching * 5, touching) == 0
    assert warping_error(np.repeat([[1, 1, 2, 2, 2, 2]], 4, axis=0), touching) == 0


@settings(deadline=None, max_examples=60)
@given(LABELS, LABELS)
def test_rand_error_counts_pairs(predicted: np.ndarray, truth: np.ndarray) -> None:
    if (truth > 0).any():
        assert rand_error(predicted, truth) == pytest.approx(pair_counting_rand_error(predicted, truth))


def test_rand_error_is_that_of_scikit_image() -> None:
    rng = np.random.default_rng(3)
    truth, predicted = rng.integers(0, 9, (2, 40, 40))
    assert rand_error(predicted, truth) == pytest.approx(adapted_rand_error(truth, predicted)[0])


def test_rand_error_by_hand() -> None:
    # Three pixels of cell 1, two of cell 2; one pixel of 1 went to segment 8, the pixel outside does not count.
    truth = np.array([[1, 1, 1, 2, 2, 0]])
    predicted = np.array([[7, 7, 8, 8, 8, 8]])
    # True pairs 3 + 1, predicted pairs 1 + 3, in both 1 + 1: F = 2 * 2 / 8.
    assert rand_error(predicted, truth) == 0.5


def test_rand_error_of_probabilities_takes_components_at_the_best_threshold() -> None:
    truth = np.array([[1, 1, 1, 0, 2, 2, 2]])
    probability = np.array([[0.9, 0.9, 0.9, 0.55, 0.8, 0.9, 0.9]])
    assert rand_error(probability > 0.5, truth) > 0
    assert rand_error(probability, truth) == 0
    assert warping_error(probability, truth) == 0


def test_one_threshold_serves_all_planes() -> None:
    truth = np.array([[[1, 1, 0, 2, 2]], [[1, 1, 0, 2, 2]]])
    dark, bright = [[0.35, 0.35, 0.05, 0.35, 0.35]], [[0.9, 0.9, 0.65, 0.9, 0.9]]
    assert rand_error(np.array([dark]), truth[:1]) == rand_error(np.array([bright]), truth[1:]) == 0
    assert rand_error(np.array([dark, bright]), truth) > 0


def test_a_stack_scores_the_mean_of_its_planes() -> None:
    truth = np.stack([two_cells(4), two_cells(4)])
    predicted = np.stack([two_cells(4), np.ones((6, 9), np.uint8)])
    for error in (rand_error, warping_error):
        assert error(predicted[None], truth[None]) == error(predicted[1], truth[1]) / 2


def test_planes_without_true_cells() -> None:
    empty, cells = np.zeros((6, 9), np.uint8), two_cells(4)
    assert rand_error(empty, empty) == warping_error(empty, empty) == 0
    assert math.isnan(rand_error(cells, empty))
    # The undefined plane is left out of the mean.
    merged = np.ones_like(cells)
    assert rand_error(np.stack([merged, merged]), np.stack([cells, empty])) == rand_error(merged, cells)


def test_cells_of_one_pixel_hold_no_pair() -> None:
    singles = np.array([[1, 0, 2, 0, 3]])
    assert rand_error(singles, singles) == 0
    assert rand_error((singles > 0).astype(int), singles) == 1


@settings(deadline=None, max_examples=40)
@given(LABELS, LABELS, st.permutations([1, 2, 3]))
def test_labels_are_only_names(predicted: np.ndarray, truth: np.ndarray, order: list[int]) -> None:
    names = np.array([0, *order], np.uint32) * 60000
    assert warping_error(names[predicted], names[truth]) == warping_error(predicted, truth)
    assert rand_error(names[predicted], names[truth]) == pytest.approx(rand_error(predicted, truth), nan_ok=True)
    assert warping_error(truth, names[truth]) == rand_error(truth, names[truth]) == 0


def test_refuses_a_probability_map_as_truth() -> None:
    with pytest.raises(InputError, match=r"truth.*float64"):
        warping_error(two_cells(4), two_cells(4) / 2)
