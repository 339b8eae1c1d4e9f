from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from napari_unet.config.weight_map import WeightMapConfig
from napari_unet.data.targets import NOT_ANNOTATED, make_target, read_annotation
from napari_unet.data.weight_map import WeightMap, class_weights, plane_weights, weight_map
from napari_unet.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

QUICK = settings(deadline=None, max_examples=25)
Formula = Literal["paper", "falk2019"]


def draw_cells(seed: int, shape: tuple[int, ...], count: int) -> NDArray[np.int32]:
    """Balls of random size, touching and overwriting each other."""
    rng = np.random.default_rng(seed)
    cells = np.zeros(shape, np.int32)
    grid = np.indices(shape)
    for number in range(1, count + 1):
        centre = rng.uniform(0, shape).reshape(-1, *(1,) * len(shape))
        cells[((grid - centre) ** 2).sum(axis=0) <= rng.uniform(0.5, 9) ** 2] = number
    return cells


def literal(
    labels: NDArray[Any], formula: Formula, scheme: Literal["dense", "sparse"], spacing: tuple[float, ...] | None
) -> NDArray[np.float64]:
    """Follow the formula with one distance transform a cell."""
    cells, annotated = read_annotation(labels, scheme)
    target = make_target(cells, annotated, "instances")
    sampling = None if spacing is None else [size / min(spacing[-2:]) for size in spacing]
    distances = [np.full(cells.shape, np.inf)] * 2
    for number in np.unique(cells[cells > 0]):
        distances.append(ndimage.distance_transform_edt(cells != number, sampling=sampling))
    d1, d2 = np.sort(distances, axis=0)[:2]
    background, inside = target == 0, target == 1
    if formula == "falk2019":
        term = 0.1 + 50 * np.exp(-((d1 + d2) ** 2) / (2 * 6**2)) + 0.9 * np.exp(-(d1**2) / (2 * 10**2))
        return np.where(background, term, inside)
    present = [mask for mask in (background, inside) if mask.any()]
    balance = sum((mask * annotated.sum() / (len(present) * mask.sum()) for mask in present), np.zeros(cells.shape))
    return balance + background * 10 * np.exp(-((d1 + d2) ** 2) / (2 * 5**2))


@QUICK
@given(
    seed=st.integers(0, 2**32),
    shape=st.tuples(st.integers(1, 80), st.integers(1, 80)),
    count=st.integers(0, 12),
    formula=st.sampled_from(["paper", "falk2019"]),
    scheme=st.sampled_from(["dense", "sparse"]),
)
def test_plane_follows_the_formula(
    seed: int, shape: tuple[int, int], count: int, formula: Formula, scheme: Literal["dense", "sparse"]
) -> None:
    labels = draw_cells(seed, shape, count)
    found = weight_map(labels, WeightMapConfig(formula=formula), scheme=scheme)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, literal(labels, formula, scheme, None), rtol=0, atol=1e-5)


@QUICK
@given(
    seed=st.integers(0, 2**32),
    spacing=st.sampled_from([None, (1.0, 1.0, 1.0), (2.0, 0.5, 0.5), (0.7, 0.4, 0.3), (30.0, 0.1, 0.2)]),
    formula=st.sampled_from(["paper", "falk2019"]),
)
def test_volume_follows_the_formula(seed: int, spacing: tuple[float, ...] | None, formula: Formula) -> None:
    labels = draw_cells(seed, (7, 20, 24), 6)
    found = weight_map(labels, WeightMapConfig(formula=formula), spacing=spacing)
    np.testing.assert_allclose(found, literal(labels, formula, "dense", spacing), rtol=0, atol=1e-5)


@QUICK
@given(
    seed=st.integers(0, 2**32),
    formula=st.sampled_from(["paper", "falk2019"]),
    scheme=st.sampled_from(["dense", "sparse"]),
    spacing=st.sampled_from([None, (0.3, 0.4)]),
)
def test_update_equals_full_redo(
    seed: int, formula: Formula, scheme: Literal["dense", "sparse"], spacing: tuple[float, ...] | None
) -> None:
    rng = np.random.default_rng(seed)
    config = WeightMapConfig(formula=formula, border_width_px=2, surround_width_px=2)
    labels = draw_cells(seed, (90, 110), 25)
    ignore = rng.random(labels.shape) < 0.02
    followed = WeightMap(labels, config, scheme=scheme, ignore=ignore, spacing=spacing)
    for _ in range(4):
        edges = [np.sort(rng.integers(0, size + 1, 2)) for size in labels.shape]
        rectangle = tuple(slice(int(a), int(min(b, a + 20))) for a, b in edges)
        before = followed.target.copy()
        labels[rectangle] = rng.choice(
            [0, 1, 2, 30, labels.max() + 1], labels[rectangle].shape, p=[0.1, 0.1, 0.1, 0.6, 0.1]
        )
        ignore[rectangle] = rng.random() < 0.2
        redone = followed.update(labels, rectangle, ignore)
        full = WeightMap(labels, config, scheme=scheme, ignore=ignore, spacing=spacing)
        np.testing.assert_array_equal(followed.target, full.target)
        np.testing.assert_array_equal(followed.weights, full.weights)
        followed.target[redone] = before[redone]
        np.testing.assert_array_equal(followed.target, before)
        followed.target[redone] = full.target[redone]


def test_volume_update_equals_full_redo() -> None:
    labels = draw_cells(3, (9, 40, 50), 12)
    followed = WeightMap(labels, spacing=(3, 1, 1))
    labels[4:6, 10:14, 20:31] = 77
    followed.update(labels, (slice(4, 6), slice(10, 14), slice(20, 31)))
    np.testing.assert_array_equal(followed.weights, weight_map(labels, spacing=(3, 1, 1)))


def test_update_brings_a_vanishing_cell_back_and_takes_it_away() -> None:
    labels = np.zeros((12, 30), np.int32)
    labels[3:6], labels[6, 5:25], labels[7:10] = 1, 2, 3
    followed = WeightMap(labels)
    for height in (8, 6):
        rectangle = (slice(5, 9), slice(5, 8))
        labels[rectangle] = np.array([1, 2, 3, 3])[:, None] if height == 6 else 2
        followed.update(labels, rectangle)
        np.testing.assert_array_equal(followed.target, WeightMap(labels).target)


def test_many_tiles_and_large_numbers_follow_the_formula() -> None:
    labels = draw_cells(5, (150, 1100), 40) * 100_003
    np.testing.assert_allclose(weight_map(labels), literal(labels, "paper", "dense", None), rtol=0, atol=1e-5)


def test_hand_computed_row() -> None:
    labels = np.array([[1, 1, 0, 0, 0, 2]])
    weights = weight_map(labels, WeightMapConfig(border_weight=4, border_width_px=3))
    border = 4 * np.exp(-(4**2) / (2 * 3**2))  # d1 + d2 is 1 + 3, 2 + 2 and 3 + 1
    np.testing.assert_allclose(weights, [[1, 1, 1 + border, 1 + border, 1 + border, 1]], rtol=1e-6)


def test_ridge_between_touching_cells_weighs_most() -> None:
    labels = np.repeat([[0, 1, 1, 1, 2, 2, 2, 0]], 8, axis=0)
    weights = weight_map(labels, WeightMapConfig(balance_classes=False))
    np.testing.assert_allclose(weights[4, 3:5], 1 + 10 * np.exp(-1 / 50), rtol=1e-6)
    assert weights[4, 1:3].tolist() == [1, 1]


@pytest.mark.parametrize("formula", ["paper", "falk2019"])
def test_background_alone_weighs_the_same_everywhere(formula: Formula) -> None:
    weights = weight_map(np.zeros((20, 30), np.uint8), WeightMapConfig(formula=formula))
    np.testing.assert_array_equal(weights, np.float32(1 if formula == "paper" else 0.1))


def test_one_cell_of_one_pixel_has_no_border() -> None:
    labels = np.zeros((10, 10), np.uint16)
    labels[4, 4] = 9
    weights = weight_map(labels)
    assert weights[4, 4] == 50
    np.testing.assert_allclose(np.delete(weights.ravel(), 44), 100 / (2 * 99), rtol=1e-6)


def test_not_annotated_weighs_nothing_and_is_no_neighbour() -> None:
    labels = np.zeros((9, 30), np.int32)
    labels[:, :8], labels[:, 14:] = 1, 2
    ignore = np.zeros(labels.shape, bool)
    ignore[:, 12:] = True
    weights = weight_map(labels, WeightMapConfig(balance_classes=False), ignore=ignore)
    assert not weights[ignore].any()
    np.testing.assert_array_equal(weights[~ignore], 1)


def test_sparse_background_weighs_only_where_painted() -> None:
    labels = np.zeros((20, 40), np.int32)
    labels[:, 5:10], labels[:, 13:20], labels[5:15, 10:13] = 2, 3, 1
    weights = weight_map(labels, scheme="sparse")
    np.testing.assert_array_equal(weights > 0, labels > 0)
    assert weights[10, 11] > weights[10, 7] + 5


@given(counts=st.lists(st.integers(0, 10**9), min_size=2, max_size=6).filter(any))
def test_classes_weigh_the_same_in_sum_and_one_in_the_mean(counts: list[int]) -> None:
    pixels = np.array(counts)
    weights = class_weights(pixels, WeightMapConfig(), "classes").astype(float)
    sums = (weights * pixels)[pixels > 0]
    np.testing.assert_allclose(sums, pixels.sum() / len(sums), rtol=1e-6)
    assert (weights[pixels == 0] == 1).all()


def test_not_annotated_is_no_class() -> None:
    counts = np.zeros(256, np.int64)
    counts[[0, 2, NOT_ANNOTATED]] = 10, 30, 1000
    weights = class_weights(counts, WeightMapConfig(formula="falk2019"), "classes")
    np.testing.assert_allclose(weights[[0, 2, NOT_ANNOTATED]], [2, 2 / 3, 0], rtol=1e-6)


def test_class_map_has_no_border() -> None:
    cells, annotated = read_annotation(draw_cells(1, (30, 30), 5), "dense")
    target = make_target(cells, annotated, "classes")
    assert not plane_weights(cells, target, WeightMapConfig(), "classes").any()


def test_plane_weights_are_the_rest_of_the_weight_map() -> None:
    labels = draw_cells(8, (60, 60), 9)
    config = WeightMapConfig(balance_classes=False)
    cells, annotated = read_annotation(labels, "dense")
    rest = plane_weights(cells, make_target(cells, annotated, "instances"), config, "instances")
    np.testing.assert_array_equal(rest + 1, weight_map(labels, config))


@pytest.mark.parametrize("spacing", [(1.0,), (1.0, 0.0), (1.0, 1.0, 1.0)])
def test_spacing_that_does_not_fit_is_refused(spacing: tuple[float, ...]) -> None:
    with pytest.raises(InputError, match="2 numbers above 0"):
        weight_map(np.zeros((4, 4), int), spacing=spacing)


def test_series_is_refused() -> None:
    with pytest.raises(InputError, match="4 axes"):
        weight_map(np.zeros((1, 1, 4, 4), int))


def test_no_border_weight_leaves_the_class_balance() -> None:
    labels = draw_cells(4, (30, 30), 6)
    weights = weight_map(labels, WeightMapConfig(border_weight=0, balance_classes=False))
    np.testing.assert_array_equal(weights, 1)
