"""Cells from blocks in any order, read back in parts of any shape."""

from __future__ import annotations

from itertools import pairwise, product
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from napari_unet.config.instances import InstancesConfig
from napari_unet.errors import InputError
from napari_unet.inference.blockwise import BlockwiseInstances
from napari_unet.inference.instances import find_instances

if TYPE_CHECKING:
    from random import Random

CUTS = st.sets(st.integers(1, 23), max_size=4)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32), st.tuples(CUTS, CUTS), st.randoms(use_true_random=False), st.integers(0, 3))
def test_uneven_blocks_in_any_order_give_the_labels_of_the_whole(
    seed: int, cuts: tuple[set[int], set[int]], order: Random, grow_px: int
) -> None:
    mask = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=(24, 24)), 0.8) > 0
    config = InstancesConfig(grow_px=grow_px, min_size_px=3)
    axes = ([slice(*ends) for ends in pairwise([0, *sorted(cut), 24])] for cut in cuts)
    boxes = list(product(*axes))
    order.shuffle(boxes)
    blockwise = BlockwiseInstances(np.zeros(mask.shape, dtype=np.int32), config)
    for box in boxes:
        blockwise.add([part.start for part in box], mask[box])
    cells, whole = blockwise.finish(), find_instances(mask, config)
    assert cells.count == whole.max()
    for box in boxes:
        np.testing.assert_array_equal(cells.read(box), whole[box])


@pytest.mark.parametrize("starts", [[], [0], [0, 0, 2], [0, 2, 2]])
def test_blocks_that_do_not_cover_the_array_once_are_refused(starts: list[int]) -> None:
    blockwise = BlockwiseInstances(np.zeros((2, 4), dtype=np.int32), InstancesConfig())
    for start in starts:
        blockwise.add((0, start), np.ones((2, 2), dtype=bool))
    with pytest.raises(InputError, match=f"blocks with {4 * len(starts)} px were given for 8 px"):
        blockwise.finish()
