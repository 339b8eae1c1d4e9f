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
from napari_unet.inference.regions import CERTAIN

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
def noises(draw: st.DrawFn, plane_px: int, volume_px: int, sigmas: list[float]) -> NDArray[np.float64]:
    """Draw smooth noise, plane or volume."""
    planes = st.lists(st.integers(1, plane_px), min_size=2, max_size=2)
    shape = draw(planes | st.lists(st.integers(1, volume_px), min_size=3, max_size=3))
    noise = np.random.default_rng(draw(st.integers(0, 2**32))).normal(size=shape)
    return np.asarray(ndimage.gaussian_filter(noise, draw(st.sampled_from(sigmas))))


@st.composite
def blobs(draw: st.DrawFn) -> NDArray[np.bool_]:
    """Draw a mask of blobs, plane or volume, from noise of any smoothness."""
    smooth = draw(noises(28, 11, [0, 0.6, 1.0, 2.0]))
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


@st.composite
def probabilities(draw: st.DrawFn) -> NDArray[np.float32]:
    """Draw the probability of blobs that are joined here and there."""
    smooth = draw(noises(24, 9, [0.6, 1.0, 2.0]))
    return np.asarray(
        np.argsort(np.argsort(smooth.ravel())).reshape(smooth.shape) / max(1, smooth.size - 1), np.float32
    )


CORES = st.builds(
    InstancesConfig,
    threshold=st.floats(0.2, 0.6),
    outline_threshold=st.floats(0.05, 0.6),
    core_threshold=st.floats(0.3, 0.95),
    core_reach_px=st.integers(0, 30),
    min_size_px=st.integers(0, 6),
    min_probability=st.none() | st.floats(0, 0.99),
    max_hole_px=st.none() | st.integers(0, 8),
    grow_px=st.integers(0, 2),
)


def sure_by_pixels(foreground: NDArray[np.float32], config: InstancesConfig) -> NDArray[np.bool_]:
    """Give the foreground of cells that are sure enough, by the definition."""
    mask: NDArray[np.bool_] = foreground >= config.threshold
    pieces, n = ndimage.label(mask)
    # Probabilities are added up as whole numbers.
    means = ndimage.mean(np.rint(foreground * np.float32(CERTAIN)), pieces, np.arange(n + 1))
    return mask & (means >= (config.min_probability or 0) * CERTAIN)[pieces]


def take_apart_by_pixels(foreground: NDArray[np.float32], config: InstancesConfig) -> NDArray[np.int32]:
    """Take cells apart by the definition, growing from pixel to pixel; numbers in any order."""
    assert config.core_threshold is not None
    mask = sure_by_pixels(foreground, config)
    cells = find_by_pixels(mask, config)
    background, _ = ndimage.label(~mask, structure=np.ones((3,) * mask.ndim))
    mask |= np.bincount(background.ravel())[background] < (config.min_size_px or 0)
    cores, n = ndimage.label(mask & (foreground >= config.core_threshold))
    sizes = np.bincount(cores.ravel(), minlength=n + 1)
    result = cells.copy()
    for cell in range(1, int(cells.max()) + 1):
        within = cells == cell
        least = max(config.min_size_px or 0, 0.05 * sizes[cores[within & (cores > 0)]].max(initial=0))
        kept = [core for core in np.unique(cores[within]) if core and sizes[core] >= least]
        if len(kept) < 2:
            continue
        part = np.where(within & np.isin(cores, kept), cores, 0)
        for _ in range(config.core_reach_px):
            reached = [ndimage.binary_dilation(part == core) & within & mask & (part == 0) for core in kept]
            # Of several the one that starts first: cores are numbered in that order.
            for core, grown in reversed(list(zip(kept, reached, strict=True))):
                part[grown] = core
        result[within] = np.where(part[within], part[within] + len(cells.ravel()), 0)
    return result


@settings(deadline=None, max_examples=100)
@given(probabilities(), CORES)
def test_taking_apart_follows_the_definition(foreground: NDArray[np.float32], config: InstancesConfig) -> None:
    config = config.model_copy(update={"grow_px": 0, "core_threshold": max(config.core_threshold, 0.61)})
    found, expected = find_instances(foreground, config), take_apart_by_pixels(foreground, config)
    pairs = np.unique(np.stack([found.ravel(), expected.ravel()]), axis=1)
    assert pairs.shape[1] == len(np.unique(found)) == len(np.unique(expected))
    assert ((found == 0) == (expected == 0)).all()


@settings(deadline=None, max_examples=150)
@given(probabilities(), st.lists(st.integers(1, 12), min_size=3, max_size=3), CORES)
def test_blocks_of_any_shape_are_taken_apart_like_the_whole(
    foreground: NDArray[np.float32], block: list[int], config: InstancesConfig
) -> None:
    labels = np.full(foreground.shape, -1, dtype=np.int32)
    count = find_instances_blockwise(foreground, labels, block[: foreground.ndim], config)
    np.testing.assert_array_equal(labels, find_instances(foreground, config))
    assert count == labels.max()
    assert set(np.unique(labels)) | {0} == set(range(count + 1))


def replaced(config: InstancesConfig, **settings: float) -> InstancesConfig:
    return config.model_copy(update=settings)


def row(*tenths: int) -> NDArray[np.float32]:
    return np.array([tenths], np.float32) / 10


@pytest.mark.parametrize(
    ("least", "expected"),
    [
        (None, [1, 1, 1, 0, 2, 2, 0, 3]),
        (0.0, [1, 1, 1, 0, 2, 2, 0, 3]),
        (0.59, [1, 1, 1, 0, 2, 2, 0, 0]),  # means are 0.7, 0.6 and 0.5
        (0.65, [1, 1, 1, 0, 0, 0, 0, 0]),
    ],
)
def test_cells_that_are_hardly_foreground_are_dropped(least: float | None, expected: list[int]) -> None:
    config = InstancesConfig(min_probability=least, grow_px=0)
    assert find_instances(row(6, 9, 6, 0, 5, 7, 0, 5), config).tolist() == [expected]
    assert find_instances(row(6, 9, 6, 0, 5, 7, 0, 5).astype(np.float16), config).tolist() == [expected]


def test_the_dim_ring_round_a_hole_is_dropped_and_what_lies_in_the_hole_stays() -> None:
    ring = np.full((5, 5), 0.6, np.float32)
    ring[1:4, 1:4], ring[2, 2] = 0.1, 0.9
    expected = np.zeros((7, 7), np.int32)
    expected[3, 3] = 1
    config = InstancesConfig(min_probability=0.7, grow_px=0)
    np.testing.assert_array_equal(find_instances(np.pad(ring, 1), config), expected)
    assert find_instances(np.pad(ring, 1), config.model_copy(update={"min_probability": 0.55})).max() == 2


@settings(deadline=None, max_examples=50)
@given(blobs(), st.floats(0, 0.99))
def test_the_cells_of_a_mask_are_sure(mask: NDArray[np.bool_], least: float) -> None:
    config = InstancesConfig(min_probability=least)
    np.testing.assert_array_equal(find_instances(mask, config), find_instances(mask, InstancesConfig()))


@settings(deadline=None, max_examples=100)
@given(probabilities(), CORES)
def test_cells_reach_to_their_outlines_and_are_as_many(
    foreground: NDArray[np.float32], config: InstancesConfig
) -> None:
    before, grown = (find_instances(foreground, replaced(config, grow_px=width)) for width in (0, 1))
    np.testing.assert_array_equal(grown[before > 0], before[before > 0])
    is_beside = ndimage.binary_dilation(before > 0) & (foreground < config.threshold) & (before == 0)
    assert grown[is_beside & (foreground >= config.outline_threshold)].all()
    assert grown.max() == before.max()


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, [0, 1, 1, 1, 1, 0, 0, 0]),  # the last pixel of 0.4 is beyond the width of growing, 0.3 no outline
        ({"outline_threshold": 0.3}, [1, 1, 1, 1, 1, 0, 0, 0]),
        ({"outline_threshold": 0.5}, [0, 0, 1, 0, 0, 0, 0, 0]),
        ({"grow_px": 0}, [0, 0, 1, 0, 0, 0, 0, 0]),
        ({"grow_px": 3}, [0, 1, 1, 1, 1, 1, 0, 0]),
        ({"threshold": 0.45}, [0, 0, 1, 0, 0, 0, 0, 0]),  # a threshold that is given is the outline, too
        ({"threshold": 0.45, "outline_threshold": 0.4}, [0, 1, 1, 1, 1, 0, 0, 0]),
        ({"threshold": 0.35}, [0, 1, 1, 1, 1, 1, 1, 2]),  # and a ridge, between two cells
    ],
)
def test_outlines_by_hand(settings: dict[str, float], expected: list[int]) -> None:
    config = InstancesConfig.model_validate(settings)
    assert find_instances(row(3, 4, 9, 4, 4, 4, 1, 4), config).tolist() == [expected]


def test_what_is_dropped_is_no_outline_of_what_is_not() -> None:
    config = InstancesConfig(min_size_px=2)
    assert find_instances(row(9, 9, 4, 6, 4), config).tolist() == [[1, 1, 1, 0, 0]]


def test_what_is_joined_by_less_than_the_core_is_two() -> None:
    joined, core = row(0, 9, 9, 6, 7, 9, 0), InstancesConfig(core_threshold=0.8)
    assert find_instances(joined, InstancesConfig()).tolist() == [[0, 1, 1, 1, 1, 1, 0]]
    assert find_instances(joined, core).tolist() == [[0, 1, 1, 1, 2, 2, 0]]


@pytest.mark.parametrize(
    ("foreground", "settings"),
    [
        (row(0, 6, 7, 6, 0), {}),  # no core at all
        (row(0, 9, 6, 6, 6), {}),  # a single core
        (row(0, 9, 6, 9, 9), {"min_size_px": 2}),  # the other core is too small
        (row(0, 9, 6, 9, 9), {"core_threshold": 0.5}),  # a core that is no more than foreground
    ],
)
def test_a_cell_without_two_cores_stays_whole(foreground: NDArray[np.float32], settings: dict[str, float]) -> None:
    config = InstancesConfig.model_validate({"core_threshold": 0.8, **settings})
    np.testing.assert_array_equal(find_instances(foreground, config), foreground >= 0.5)


def test_what_lies_beyond_the_reach_of_all_cores_is_background() -> None:
    config = InstancesConfig(core_threshold=0.8, core_reach_px=2)
    assert find_instances(row(9, 6, 9, 6, 6, 6, 6), config).tolist() == [[1, 1, 2, 2, 2, 0, 0]]


@pytest.mark.parametrize(("min_size_px", "is_filled"), [(4, True), (3, False), (0, False)])
def test_of_a_cell_that_is_taken_apart_small_holes_are_filled(min_size_px: int, is_filled: bool) -> None:
    ring = np.full((3, 7), 0.9, np.float32)
    ring[1, 2:5] = 0.1
    ring[[0, 2], 3] = 0.6
    config = InstancesConfig(core_threshold=0.8, grow_px=0, min_size_px=min_size_px)
    labels = find_instances(np.pad(ring, 1), config)[1:-1, 1:-1]
    assert labels.max() == 2 and ((labels > 0) == (is_filled | (ring > 0.5))).all()


def test_a_mask_has_no_cores() -> None:
    mask = mask_of("###", "###")
    np.testing.assert_array_equal(find_instances(mask, InstancesConfig(core_threshold=0.9)), mask)


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
