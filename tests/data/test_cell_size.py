from __future__ import annotations

import math

import numpy as np
import pytest

from drawing import draw_image
from napari_unet.config.training import WORKING_DIAMETER_PX
from napari_unet.data.cell_size import cell_sizes, scale_to_working_size
from napari_unet.data.training_image import TrainingImage


def test_each_cell_counts_in_each_plane() -> None:
    labels = np.zeros((2, 1, 1, 8, 8), np.uint8)
    labels[0, ..., :2, :3] = 4
    labels[1, ..., :2, :3] = 4
    labels[1, ..., 5, 5] = 9
    image = TrainingImage("two", labels, labels)
    assert sorted(cell_sizes([image, image], "dense")) == [1, 1, 6, 6, 6, 6]
    assert sorted(cell_sizes([image], "sparse")) == [1, 6, 6]


def discs(diameter: float) -> np.ndarray:
    return np.full(9, round(math.pi / 4 * diameter**2))


@pytest.mark.parametrize("diameter", [60.0, 115.0, 200.0])
def test_large_cells_come_to_the_working_size(diameter: float) -> None:
    assert scale_to_working_size(discs(diameter)) * diameter == pytest.approx(WORKING_DIAMETER_PX, rel=0.05)


@pytest.mark.parametrize("diameter", [8.0, 13.0])
def test_small_cells_are_enlarged(diameter: float) -> None:
    assert 20 < scale_to_working_size(discs(diameter)) * diameter < WORKING_DIAMETER_PX


@pytest.mark.parametrize("diameter", [15.0, 32.0, 44.0])
def test_cells_of_a_usual_size_are_left_alone(diameter: float) -> None:
    assert scale_to_working_size(discs(diameter)) == 1


def test_tiny_cells_are_not_enlarged_without_end() -> None:
    assert scale_to_working_size(np.array([1])) == 3
    assert scale_to_working_size(cell_sizes([], "dense")) == 1


def test_discs_are_measured() -> None:
    assert 60 <= np.median(cell_sizes([draw_image()], "dense")) <= 130
