"""Cells from foreground: each rule by hand, against a pixel-by-pixel definition, and whole against block by block."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import dask.array as da
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from napari_unet.config.instances import InstancesConfig
from napari_unet.errors import InputError
from napari_unet.inference.instances import find_classes, find_instances, find_instances_blockwise

if TYPE_CHECKING:
    from numpy.typing import NDArray

ONLY_COMPONENTS = InstancesConfig(max_hole_px=0, grow_px=0)
CONFIGS = st.builds(
    InstancesConfig,
    min_size_px=st.none() | st.integers(0, 12),
    max_hole_px=st.none() | st.integers(0, 8),
    grow_px=st.integers(0, 4),
)


@st.composite
def blobs(draw: st.DrawFn) -> NDArray[np.bool_]:
    """Draw a mask of blobs, plane or volume, from noise of any smoothness."""
    shape = draw(
        st.lists(st.integers(1, 28), min_size=2, max_size=2) | st.lists(st.integers(1, 11), min_size=3, max_size=3)
    )
    noise = np.random.default_rng(draw(st.integers(0, 2**32))).normal(size=shape)
    smooth = ndimage.gaussian_filter(noise, draw(st.sampled_from([0, 0.6, 1.0, 2.0])))
    return np.asarray(smooth > np.quantile(smooth, draw(st.floats(0.05, 0.95))))


def mask_of(*rows: str) -> NDArray[np.bool_]:
    return np.array([[pixel == "#" for pixel in row] for row in rows])


def fill_by_pixels(mask: NDArray[np.bool_], max_hole_px: int | None) -> NDArray[np.bool_]:
    """Fill holes by the definition."""
    cells, _ = ndimage.label(mask)
    background, n = ndimage.label(~mask, structure=np.ones((3,) * mask.ndim))
    edge = np.ones(mask.shape, dtype=bool)
    edge[tuple(slice(1, -1) if size > 1 else slice(None) for size in mask.shape)] = False
    filled = mask.copy()
    for hole in (background == i for i in range(1, n + 1)):
        around = np.unique(cells[ndimage.binary_dilation(hole) & mask])
        is_small = max_hole_px is None or hole.sum() <= max_hole_px
        if is_small and len(around) == 1 and not (hole & edge).any():
            filled |= hole
    return filled


def find_by_pixels(mask: NDArray[np.bool_], config: InstancesConfig) -> NDArray[np.int32]:
    """Make cells up to growing by the definition, looking at pixels only."""
    filled = fill_by_pixels(mask, config.max_hole_px)
    cells, n = ndimage.label(filled)
    sizes = np.bincount(cells.ravel(), minlength=n + 1)
    large = filled & (sizes[cells] >= (config.min_size_px or 0))
    cells, _ = ndimage.label(fill_by_pixels(large, config.max_hole_px))
    order = dict.fromkeys(cells[cells > 0].tolist())
    numbers = dict(zip(order, range(1, len(order) + 1), strict=True)) | {0: 0}
    return np.array([numbers[cell] for cell in cells.ravel().tolist()], dtype=np.int32).reshape(mask.shape)


@settings(deadline=None, max_examples=150)
@given(blobs(), st.lists(st.integers(1, 12), min_size=3, max_size=3), CONFIGS)
def test_blocks_of_any_shape_give_the_labels_of_the_whole(
    mask: NDArray[np.bool_], block: list[int], config: InstancesConfig
) -> None:
    labels = np.full(mask.shape, -1, dtype=np.int32)
    count = find_instances_blockwise(mask, labels, block[: mask.ndim], config)
    np.testing.assert_array_equal(labels, find_instances(mask, config))
    assert count == labels.max()


@settings(deadline=None, max_examples=100)
@given(blobs(), CONFIGS)
def test_cells_before_growing_follow_the_definition(mask: NDArray[np.bool_], config: InstancesConfig) -> None:
    config = config.model_copy(update={"grow_px": 0})
    np.testing.assert_array_equal(find_instances(mask, config), find_by_pixels(mask, config))


@settings(deadline=None, max_examples=100)
@given(blobs(), CONFIGS)
def test_labels_are_consecutive_and_each_is_one_piece(mask: NDArray[np.bool_], config: InstancesConfig) -> None:
    labels = find_instances(mask, config)
    n = int(labels.max())
    assert set(np.unique(labels)) | {0} == set(range(n + 1))
    assert all(ndimage.label(labels == cell)[1] == 1 for cell in range(1, n + 1))


@pytest.mark.parametrize("turn", [np.flip, np.transpose])
def test_turning_the_image_turns_the_cells(turn: np.ufunc) -> None:
    noise = ndimage.gaussian_filter(np.random.default_rng(3).normal(size=(40, 50)), 2)
    config = InstancesConfig(min_size_px=4, grow_px=0)
    cells, turned = find_instances(noise > 0, config), find_instances(turn(noise > 0), config)
    pairs = np.unique(np.stack([turn(cells).ravel(), turned.ravel()]), axis=1)
    assert pairs.shape[1] == cells.max() + 1 == turned.max() + 1


def test_cells_meeting_at_a_corner_are_two() -> None:
    assert find_instances(mask_of("#.", ".#"), ONLY_COMPONENTS).tolist() == [[1, 0], [0, 2]]


def test_numbers_follow_the_first_pixel() -> None:
    # The second column's cell starts first, though the first column's is met first by columns.
    assert find_instances(mask_of("..#", "#.#", "#.."), ONLY_COMPONENTS).tolist() == [[0, 0, 1], [2, 0, 1], [2, 0, 0]]


RING = mask_of("#####", "#...#", "#####")


@pytest.mark.parametrize(("max_hole_px", "size"), [(None, 15), (3, 15), (2, 12), (0, 12)])
def test_holes_are_filled_up_to_the_largest(max_hole_px: int | None, size: int) -> None:
    labels = find_instances(RING, InstancesConfig(max_hole_px=max_hole_px))
    assert np.bincount(labels.ravel(), minlength=2)[1] == size


def test_a_hole_open_at_a_corner_is_none() -> None:
    mask = mask_of("####", "#..#", "###.", "....")
    np.testing.assert_array_equal(find_instances(mask, InstancesConfig()), mask)


def test_a_bay_at_the_edge_of_the_image_is_no_hole() -> None:
    mask = RING[:2]
    np.testing.assert_array_equal(find_instances(mask, InstancesConfig()), mask)


def test_background_between_a_ring_and_a_cell_inside_is_no_hole() -> None:
    mask = mask_of("#######", "#.....#", "#.###.#", "#.#.#.#", "#.###.#", "#.....#", "#######")
    labels = find_instances(mask, InstancesConfig(grow_px=0))
    assert labels[3].tolist() == [1, 0, 2, 2, 2, 0, 1]


def test_a_dropped_speck_in_a_hole_is_filled_with_it() -> None:
    mask = np.pad(np.zeros((5, 5), dtype=bool), 1, constant_values=True)
    mask[3, 3] = True
    assert find_instances(mask, InstancesConfig(grow_px=0)).max() == 2
    assert (find_instances(mask, InstancesConfig(min_size_px=2)) == 1).all()


def test_the_hole_counts_for_the_size_of_a_cell() -> None:
    assert find_instances(RING, InstancesConfig(min_size_px=15)).max() == 1
    assert find_instances(RING, InstancesConfig(min_size_px=16)).max() == 0


def test_the_config_decides_the_smallest_size_before_the_model() -> None:
    mask = mask_of("#.##")
    assert find_instances(mask, InstancesConfig(), min_size_px=2).tolist() == [[0, 0, 1, 1]]
    assert find_instances(mask, InstancesConfig(min_size_px=0), min_size_px=2).max() == 2


def test_a_probability_at_the_threshold_is_foreground() -> None:
    probability = np.array([[0.74, 0.75, 0.76]], dtype=np.float32)
    assert find_instances(probability, InstancesConfig(threshold=0.75)).tolist() == [[0, 1, 1]]


@pytest.mark.parametrize("shape", [(1, 1), (5, 4), (1, 6), (3, 4, 2), (0, 3)])
@pytest.mark.parametrize("value", [False, True])
def test_an_even_image_is_one_cell_or_none(shape: tuple[int, ...], value: bool) -> None:
    labels = np.full(shape, -1)
    count = find_instances_blockwise(np.full(shape, value), labels, [2] * len(shape), InstancesConfig())
    assert count == int(value and 0 not in shape)
    assert (labels == count).all()
    np.testing.assert_array_equal(find_instances(np.full(shape, value), InstancesConfig()), labels)


def test_a_single_plane_volume_gives_the_cells_of_the_plane() -> None:
    noise = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=(40, 40)), 2)
    plane = find_instances(noise > 0, InstancesConfig())
    np.testing.assert_array_equal(find_instances((noise > 0)[None], InstancesConfig())[0], plane)


def test_dask_arrays_are_read_each_block_once() -> None:
    reads = []
    mask = RING.repeat(5, axis=0).repeat(5, axis=1)

    def tell(block: NDArray[np.bool_]) -> NDArray[np.bool_]:
        reads.append(block.shape)
        return block

    lazy = da.from_array(mask, chunks=(5, 5)).map_blocks(tell, dtype=bool, meta=np.empty((0, 0), dtype=bool))
    labels = np.zeros(mask.shape, dtype=np.int32)
    find_instances_blockwise(lazy, labels, (5, 5), InstancesConfig())
    np.testing.assert_array_equal(labels, find_instances(mask, InstancesConfig()))
    assert len(reads) == 15


@pytest.mark.parametrize("block", [(4,), (0, 4), (4, 4, 4)])
def test_a_block_shape_that_does_not_fit_is_refused(block: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="give a size for each axis"):
        find_instances_blockwise(RING, np.zeros(RING.shape), block, InstancesConfig())


@pytest.mark.parametrize("ridge_px", [1, 2])
def test_touching_cells_are_recovered_from_a_target_with_ridges(ridge_px: int) -> None:
    rng = np.random.default_rng(ridge_px)
    seeds = rng.uniform(0, 200, size=(40, 2))
    distance = np.array([np.hypot(*(np.indices((200, 200)) - seed[:, None, None])) for seed in seeds])
    truth = np.where(distance.min(axis=0) < 22, distance.argmin(axis=0) + 1, 0)
    target = truth > 0
    for axis, side in product((0, 1), (slice(None, -1), slice(1, None))[:ridge_px]):
        before, after = np.moveaxis(truth, axis, 0)[:-1], np.moveaxis(truth, axis, 0)[1:]
        np.moveaxis(target, axis, 0)[side] &= ~((before != after) & (before > 0) & (after > 0))
    found = find_instances(target, InstancesConfig(min_size_px=10))
    overlap = np.histogram2d(truth.ravel(), found.ravel(), bins=(np.arange(42), np.arange(found.max() + 2)))[0]
    iou = overlap / (overlap.sum(axis=0) + overlap.sum(axis=1, keepdims=True) - overlap)
    assert found.max() == len(np.unique(truth)) - 1
    best = iou[np.unique(truth)[1:], 1:].max(axis=1)
    assert best.min() > 0.85
    assert best.mean() > 0.95


def test_the_class_is_the_most_probable_one() -> None:
    probabilities = np.random.default_rng(0).dirichlet([1, 1, 1], size=(4, 5)).transpose(2, 0, 1)
    classes = find_classes(probabilities)
    assert classes.dtype == np.uint8
    np.testing.assert_array_equal(
        np.take_along_axis(probabilities, classes[None].astype(int), 0)[0], probabilities.max(0)
    )
