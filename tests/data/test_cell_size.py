from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drawing import draw_image
from napari_unet.config.training import (
    CROWDED_DIAMETER_PX,
    UNFAMILIAR_DIAMETER_PX,
    WORKING_DIAMETER_PX,
    TrainingConfig,
)
from napari_unet.data.cell_size import (
    cell_sizes,
    choose_scale,
    scale_to_wanted,
    scale_to_working_size,
    small_cell,
    typical_diameter,
)
from napari_unet.data.crowding import are_crowded
from napari_unet.data.training_image import TrainingImage


def test_each_cell_counts_in_each_plane() -> None:
    labels = np.zeros((2, 1, 1, 8, 8), np.uint8)
    labels[0, ..., :2, :3] = 4
    labels[1, ..., :2, :3] = 4
    labels[1, ..., 5, 5] = 9
    image = TrainingImage("two", labels, labels)
    assert sorted(cell_sizes([image, image], "dense")) == [1, 1, 6, 6, 6, 6]
    assert sorted(cell_sizes([image], "sparse")) == [1, 6, 6]


def test_cells_that_are_left_out_do_not_count() -> None:
    labels = np.zeros((1, 1, 1, 20, 20), np.uint8)
    labels[..., :4, :4], labels[..., 4:20, 4:20] = 1, 2
    image = TrainingImage("one", labels, labels, ignore=labels == 2)
    assert cell_sizes([image], "dense").tolist() == [16]
    assert not are_crowded([image], "dense") and are_crowded([replace(image, ignore=None)], "dense")


def discs(diameter: float) -> np.ndarray:
    return np.full(9, round(math.pi / 4 * diameter**2))


@pytest.mark.parametrize("diameter", [60.0, 115.0, 200.0])
def test_large_cells_come_to_the_working_size(diameter: float) -> None:
    assert scale_to_working_size(discs(diameter)) * diameter == pytest.approx(WORKING_DIAMETER_PX, rel=0.05)


@pytest.mark.parametrize("diameter", [70.0, 115.0, 200.0])
def test_crowded_cells_come_to_a_larger_size(diameter: float) -> None:
    factor = scale_to_working_size(discs(diameter), crowded=True)
    assert factor * diameter == pytest.approx(CROWDED_DIAMETER_PX, rel=0.05)


@pytest.mark.parametrize("diameter", [60.0, 115.0, 200.0])
def test_unfamiliar_cells_come_to_a_size_between(diameter: float) -> None:
    factor = scale_to_working_size(discs(diameter), familiar=False)
    assert factor * diameter == pytest.approx(UNFAMILIAR_DIAMETER_PX, rel=0.05)


@pytest.mark.parametrize("diameter", [8.0, 13.0])
def test_small_cells_are_enlarged(diameter: float) -> None:
    assert scale_to_working_size(discs(diameter)) * diameter == pytest.approx(
        min(WORKING_DIAMETER_PX, 3 * diameter), rel=0.05
    )


@pytest.mark.parametrize("diameter", [15.0, 27.0])
def test_smaller_cells_are_enlarged_if_they_are_familiar(diameter: float) -> None:
    for crowded in (False, True):
        factor = scale_to_working_size(discs(diameter), crowded)
        assert factor * diameter == pytest.approx(min(WORKING_DIAMETER_PX, 1.5 * diameter), rel=0.05)
        assert scale_to_working_size(discs(diameter), crowded, familiar=False) == 1


@pytest.mark.parametrize("diameter", [29.0, 32.0, 44.0])
def test_cells_of_a_usual_size_are_left_alone(diameter: float) -> None:
    assert scale_to_working_size(discs(diameter)) == scale_to_working_size(discs(diameter), crowded=True) == 1
    assert scale_to_working_size(discs(diameter), familiar=False) == 1


def test_tiny_cells_are_not_enlarged_without_end() -> None:
    assert scale_to_working_size(np.array([1])) == 3
    assert scale_to_working_size(cell_sizes([], "dense")) == 1


def test_discs_are_measured() -> None:
    assert 60 <= np.median(cell_sizes([draw_image()], "dense")) <= 130


@pytest.mark.parametrize(
    ("settings", "kept", "expected"),
    [({"rescale": 0.7}, 0.5, 0.7), ({}, 0.5, 0.5), ({}, None, 0.32), ({"target": "classes"}, None, 1.0)],
)
def test_a_person_decides_then_the_model_to_start_from_then_the_cells(
    settings: dict[str, object], kept: float | None, expected: float
) -> None:
    assert choose_scale(TrainingConfig.model_validate(settings), kept, lambda: 0.32) == expected


@pytest.mark.parametrize("trained", [None, 0.4, 1.7])
def test_the_network_sees_cells_of_any_size_as_it_saw_those_of_the_training(trained: float | None) -> None:
    assert scale_to_wanted(trained, 30, 30) == pytest.approx(trained or 1)
    assert scale_to_wanted(trained, 30, None) == (trained or 1)
    for wanted in (20, 60, 200):
        assert scale_to_wanted(trained, 30, wanted) * wanted == pytest.approx((trained or 1) * 30)


def test_a_network_that_learnt_from_all_sizes_sees_those_it_knows_best_as_they_are() -> None:
    assert [scale_to_wanted(None, None, diameter) for diameter in (16, 40, 100)] == [1.5, 1, 0.32]
    assert scale_to_wanted(None, 30, 1) == 3


def test_half_of_the_cells_are_larger_than_the_typical_one() -> None:
    assert typical_diameter(discs(20)) == pytest.approx(20, rel=0.01)
    assert typical_diameter(np.zeros(0, np.int64)) is None


@settings(deadline=None, max_examples=50)
@given(sizes=st.lists(st.integers(1, 10**6), min_size=1, max_size=40))
def test_a_small_cell_is_no_larger_than_the_small_ones_that_are_known(sizes: list[int]) -> None:
    assert 0 < small_cell(np.array(sizes)) <= np.percentile(sizes, 5)


def test_the_fewer_cells_are_known_the_smaller_further_ones_may_be() -> None:
    sizes = np.exp(np.random.default_rng(0).normal(6, 0.7, 2000))
    misjudged = [np.mean(sizes < small_cell(sizes[n : n + 5])) for n in range(0, 500, 5)]
    assert np.mean(misjudged) < 0.14 < np.mean([np.mean(sizes < sizes[n : n + 5].min()) for n in range(0, 500, 5)])
    assert small_cell(sizes) == pytest.approx(np.percentile(sizes, 5), rel=0.05)
