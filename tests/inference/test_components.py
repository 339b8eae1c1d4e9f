"""The regions of one block and its seams, by hand."""

from __future__ import annotations

import numpy as np

from napari_unet.inference.components import BACKGROUND, CORE, SHELL, describe_block, seam_pairs


def test_a_block_knows_where_it_lies() -> None:
    kinds = np.full((3, 3), BACKGROUND, np.uint8)
    kinds[1, 1] = SHELL
    ids, regions = describe_block(kinds, kinds == SHELL, (slice(2, 5), slice(0, 3)), (9, 9))
    assert ids.tolist() == [[2, 2, 2], [2, 1, 2], [2, 2, 2]]
    assert regions.size.tolist() == [1, 8]
    assert regions.first.tolist() == [3 * 9 + 1, 2 * 9]
    assert regions.is_open.tolist() == [False, True]
    assert regions.pairs.tolist() == [[1, 2]]


def test_background_holds_together_at_corners_and_cells_do_not() -> None:
    box = (slice(0, 2), slice(0, 2))
    _, regions = describe_block(np.where(np.eye(2), SHELL, BACKGROUND).astype(np.uint8), np.eye(2) > 0, box, (2, 2))
    assert regions.is_cell.tolist() == [True, True, False]


def test_cores_come_before_what_is_around_them() -> None:
    kinds = np.array([[CORE, SHELL, CORE, BACKGROUND]], np.uint8)
    foreground = np.array([[1, 0.6, 0.8, 0]], np.float32)
    ids, regions = describe_block(kinds, foreground, (slice(0, 1), slice(0, 4)), (1, 4))
    assert ids.tolist() == [[1, 3, 2, 4]]
    assert regions.is_core.tolist() == [True, True, False, False]
    assert regions.sureness.tolist() == [65535, 52428, 39321, 0]
    assert regions.is_cell.tolist() == [True, True, True, False]
    assert regions.pairs.tolist() == [[1, 3], [2, 3], [2, 4]]


def test_seams_tell_faces_from_corners_and_skip_what_is_not_known() -> None:
    ids = np.array([[5, 6, 0], [7, 1, 8], [0, 9, 4]], dtype=np.int32)
    faces, corners = seam_pairs(ids, (slice(1, 2), slice(1, 2)))
    assert faces.tolist() == [[1, 6], [1, 7], [1, 8], [1, 9]]
    assert corners.tolist() == [[1, 4], [1, 5]]


def test_a_block_that_is_the_whole_array_has_no_seams() -> None:
    faces, corners = seam_pairs(np.ones((2, 3, 4), dtype=np.int32), (slice(0, 2), slice(0, 3), slice(0, 4)))
    assert len(faces) == len(corners) == 0
