from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_unet.geometry import AxisGeometry
from napari_unet.inference.tiling import Tile, plan_tiles, read_mirrored, split_tile

lengths = st.integers(1, 700)
depths = st.integers(1, 5)
edges = st.integers(4, 300)


def assert_valid(tiles: list[Tile], axis: AxisGeometry) -> None:
    for tile in tiles:
        inner, outer = tile.inner[0], tile.outer[0]
        assert inner.start % axis.alignment == 0
        assert outer.start == inner.start - axis.halo
        assert axis.output_size(outer.stop - outer.start) >= inner.stop - inner.start


@given(lengths, depths, edges)
def test_inner_parts_cover_an_axis_once_and_are_aligned(length, depth, tile_px):
    axis = AxisGeometry(depth)
    tiles = plan_tiles([length], [axis], tile_px)
    assert tiles[0].inner[0].start == 0
    assert [tile.inner[0].stop for tile in tiles] == [*(tile.inner[0].start for tile in tiles[1:]), length]
    assert_valid(tiles, axis)


@given(lengths, depths, edges)
def test_tiles_are_no_larger_than_allowed(length, depth, tile_px):
    axis = AxisGeometry(depth)
    smallest = axis.alignment + 4
    for tile in plan_tiles([length], [axis], tile_px):
        assert axis.output_size(tile.outer[0].stop - tile.outer[0].start) <= max(tile_px, smallest)


def test_tiles_are_nearly_equal():
    sizes = [tile.inner[0].stop - tile.inner[0].start for tile in plan_tiles([2048], [AxisGeometry(4)], 736)]
    assert sizes == [672, 688, 688]


def test_an_image_of_the_size_of_a_tile_is_one_tile():
    [tile] = plan_tiles([388, 372], [AxisGeometry(4)] * 2, tile_px=388)
    assert tile == Tile(inner=(slice(0, 388), slice(0, 372)), outer=(slice(-92, 480), slice(-92, 464)))


@given(st.tuples(lengths, lengths, lengths), st.tuples(depths, depths, depths), st.integers(64, 300))
def test_a_plan_of_many_axes_is_the_product_of_its_axes(shape, axis_depths, tile_px):
    geometry = [AxisGeometry(depth) for depth in axis_depths]
    count = np.zeros([-(-length // 16) for length in shape], int)
    for tile in plan_tiles(shape, geometry, tile_px):
        count[tuple(slice(-(-part.start // 16), -(-part.stop // 16)) for part in tile.inner)] += 1
    assert (count == 1).all()


@given(lengths, depths, edges, edges)
def test_the_parts_of_a_tile_cover_it_once_and_are_aligned(length, depth, tile_px, smaller_px):
    axis = AxisGeometry(depth)
    for tile in plan_tiles([length], [axis], tile_px):
        parts = split_tile(tile, [axis], smaller_px)
        covered = [index for part in parts for index in range(part.inner[0].start, part.inner[0].stop)]
        assert covered == list(range(tile.inner[0].start, tile.inner[0].stop))
        assert_valid(parts, axis)


@given(
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    st.tuples(st.integers(0, 40), st.integers(0, 40)),
    st.tuples(st.integers(0, 40), st.integers(0, 40)),
)
def test_reading_beyond_the_edge_mirrors_like_numpy(shape, before, after):
    image = np.arange(2 * np.prod(shape)).reshape(2, *shape)
    outer = [slice(-low, length + high) for low, length, high in zip(before, shape, after, strict=True)]
    expected = np.pad(image, [(0, 0), *zip(before, after, strict=True)], mode="reflect")
    np.testing.assert_array_equal(read_mirrored(image, outer), expected)


def test_one_pixel_is_repeated_without_end():
    assert (read_mirrored(np.full((1, 1), 7), [slice(-100, 50), slice(-3, 2)]) == np.full((150, 5), 7)).all()


def test_only_the_chunks_needed_are_read():
    read = []

    def load(block_info):
        read.append(tuple(block_info[None]["chunk-location"]))
        return np.zeros((1, 10, 10))

    image = da.map_blocks(load, chunks=((1,), (10,) * 8, (10,) * 8), dtype=float, meta=np.zeros((0, 0, 0)))
    read_mirrored(image, [slice(-5, 8), slice(42, 58)])
    assert sorted(read) == [(0, 0, 4), (0, 0, 5)]


@pytest.mark.parametrize("start", [-25, 3, 60])
def test_a_window_far_from_the_image_still_reads_the_mirrored_image(start):
    image = np.arange(7)
    period = np.concatenate([image, image[-2:0:-1]])
    expected = period[np.arange(start, start + 5) % 12]
    assert (read_mirrored(image, [slice(start, start + 5)]) == expected).all()
