"""Crowded cells nearly touch each other, whatever their size."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_unet.data.crowding import are_crowded, crowd
from napari_unet.data.training_image import TrainingImage
from napari_unet.samples import draw_sample


def grid(edge: int, gap: int, n: int = 3) -> np.ndarray:
    """``n`` x ``n`` square cells."""
    step = edge + gap
    labels = np.zeros((step * n + gap, step * n + gap), np.int32)
    for number, (row, column) in enumerate(np.ndindex(n, n)):
        top, left = gap + row * step, gap + column * step
        labels[top : top + edge, left : left + edge] = number + 1
    return labels


@settings(deadline=None, max_examples=40)
@given(st.integers(8, 150))
def test_the_gap_counts_in_diameters(edge: int) -> None:
    assert crowd([grid(edge, max(1, edge // 8))])
    assert not crowd([grid(edge, edge)])


def test_half_of_the_cells_are_enough_and_planes_count_together() -> None:
    close, single = grid(10, 1, n=2), grid(10, 20, n=1)
    assert crowd([close] + [single] * 4)
    assert not crowd([close] + [single] * 5)


@pytest.mark.parametrize("planes", [[], [np.zeros((5, 5), int)], [grid(5, 9, n=1)]])
def test_without_two_cells_nothing_is_crowded(planes: list[np.ndarray]) -> None:
    assert crowd(planes) is False


def test_background_that_is_painted_is_no_neighbour() -> None:
    labels = np.where(grid(10, 20) > 0, grid(10, 20) + 1, 1)
    image = TrainingImage("drawn", labels[None, None, None].astype(np.float32), labels[None, None, None])
    assert not are_crowded([image], "sparse")
    assert are_crowded([image], "dense")


def test_membranes_leave_crowded_cells() -> None:
    sample = draw_sample("membranes", (2, 128, 128))
    assert are_crowded([TrainingImage("drawn", sample.image[None, None], sample.labels[None, None])], "dense")


@pytest.mark.parametrize("plane", range(9))
def test_planes_that_nobody_painted_do_not_hide_the_others(plane: int) -> None:
    labels = np.zeros((9, 1, 1, *grid(10, 1).shape), np.int32)
    labels[plane] = grid(10, 1)
    assert are_crowded([TrainingImage("series", labels, labels)], "dense")
