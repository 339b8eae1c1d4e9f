"""The graph of regions by hand: a ring (1) with a hole (2), a speck (3) in it, and open background (4)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_unet.inference.cores import number_cells
from napari_unet.inference.regions import NO_PIXEL, Regions, unique_pairs

RING_WITH_SPECK = Regions(
    is_cell=np.array([False, True, False, True, False]),
    is_core=np.zeros(5, bool),
    size=np.array([0, 16, 8, 1, 24]),
    sureness=np.array([0, 16, 8, 1, 24]),
    first=np.array([NO_PIXEL, 8, 16, 24, 0]),
    is_open=np.array([True, False, False, False, True]),
    pairs=np.array([[1, 2], [1, 4], [3, 2]]),
    owner=np.arange(5),
)


def numbers_of(cells: Regions) -> list[int]:
    return number_cells(cells, RING_WITH_SPECK).cell.tolist()


def test_a_hole_between_two_cells_stays() -> None:
    assert numbers_of(RING_WITH_SPECK.fill_holes(None)) == [0, 1, 0, 2, 0]


@pytest.mark.parametrize(("max_hole_px", "numbers"), [(9, [0, 1, 1, 1, 0]), (8, [0, 1, 0, 0, 0])])
def test_a_dropped_speck_counts_to_the_hole_around_it(max_hole_px: int, numbers: list[int]) -> None:
    regions = RING_WITH_SPECK.drop_small(2).fill_holes(max_hole_px)
    assert numbers_of(regions) == numbers


def test_merging_adds_sizes_and_keeps_the_earliest_pixel() -> None:
    merged = RING_WITH_SPECK.merge(np.array([[1, 2], [2, 3]]))
    ring = merged.owner[1]
    assert merged.owner.tolist().count(ring) == 3
    assert (merged.size[ring], merged.first[ring], merged.is_cell[ring], merged.is_open[ring]) == (25, 8, True, False)
    assert merged.pairs.tolist() == [[ring, merged.owner[4]]]


def test_numbers_follow_the_first_pixel() -> None:
    turned = replace(RING_WITH_SPECK, first=np.array([NO_PIXEL, 24, 16, 8, 0]))
    assert number_cells(turned, turned).cell.tolist() == [0, 2, 0, 1, 0]


def test_no_pairs_stay_no_pairs() -> None:
    assert unique_pairs(np.empty((0, 2), dtype=np.int64)).shape == (0, 2)
