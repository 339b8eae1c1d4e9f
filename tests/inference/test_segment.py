"""Labels of arrays whose cells are known: in the right plane, in the right place, of the right shape."""

from __future__ import annotations

from typing import Any

import dask.array as da
import numpy as np
import pytest

from boxes import assert_same_cells, draw_boxes
from napari_unet.config.instances import InstancesConfig
from napari_unet.config.tiling import TilingConfig
from napari_unet.config.training import WORKING_DIAMETER_PX
from napari_unet.errors import InputError
from napari_unet.inference.options import left_empty, makes_cells_by, settle
from napari_unet.inference.segment import Segmenter, segment
from networks import brightness_model, make_model, random_model

ALL_AXES = ["YX", "ZYX", "TYX", "TZYX", "XY", "XYZ", "CYX", "YXC", "ZCYX", "TZYXC", "TCZYX", "CTZYX"]


def add_channel(boxes: np.ndarray, axes: str) -> np.ndarray:
    """Put a channel of noise before the one with the boxes, where the axes name channels."""
    if "C" not in axes:
        return boxes
    noise = np.random.default_rng(1).integers(0, 200, boxes.shape, np.uint8)
    return np.stack([noise, boxes], axis=axes.index("C"))


@pytest.mark.parametrize("axes", ALL_AXES)
def test_every_plane_has_its_cells_in_their_place(axes: str) -> None:
    boxes = draw_boxes(axes.replace("C", ""))
    n_channels = 1 + ("C" in axes)
    model = brightness_model(n_channels, read=n_channels - 1)
    labels = segment(model, add_channel(boxes, axes), axes=axes)
    assert labels.dtype == np.int32
    assert_same_cells(labels, boxes, axes.replace("C", ""))


@pytest.mark.parametrize("axes", ["YX", "ZYX", "TZYX", "CYX", "YXC", "CZYX", "ZYXC"])
def test_axes_that_nobody_named_are_guessed_with_the_channels_of_the_model(axes: str) -> None:
    n_channels = 1 + ("C" in axes)
    model = brightness_model(n_channels, read=n_channels - 1)
    image = add_channel(draw_boxes(axes.replace("C", "")), axes)
    np.testing.assert_array_equal(segment(model, image), segment(model, image, axes=axes))


@pytest.mark.parametrize("n_classes", [2, 3])
def test_classes_by_hand(n_classes: int) -> None:
    image = np.array([[0, 20, 49, 51, 70], [99, 101, 150, 255, 0]], np.uint8)
    expected = [[0, 0, 0, 1, 1], [1, 2, 2, 2, 0]]
    labels = segment(brightness_model(n_classes=n_classes, target="classes"), image)
    assert labels.dtype == np.uint8
    np.testing.assert_array_equal(labels, np.minimum(expected, n_classes - 1))


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint8, np.uint16, np.int64, np.float16, np.float32, np.float64])
def test_the_type_of_the_image_does_not_matter(dtype: type) -> None:
    boxes = draw_boxes("YX")
    image = boxes.astype(dtype)
    labels = segment(brightness_model(), image * np.uint8(100) if dtype is bool else image)
    assert_same_cells(labels, boxes, "YX")


def test_a_lazy_array_gives_the_same_as_one_in_memory() -> None:
    boxes = draw_boxes("TZYX")
    lazy = da.from_array(boxes, chunks=(1, 2, 10, 10))
    np.testing.assert_array_equal(segment(brightness_model(), lazy), segment(brightness_model(), boxes))


def test_an_image_smaller_than_the_halo_is_segmented() -> None:
    image = np.array([[0, 100, 0]], np.uint8)
    np.testing.assert_array_equal(segment(random_model(), image).shape, (1, 3))
    np.testing.assert_array_equal(segment(brightness_model(), image), [[0, 1, 0]])


@pytest.mark.parametrize("tile_px", [12, 24])
def test_the_size_of_the_tiles_does_not_matter(tile_px: int) -> None:
    image = np.random.default_rng(0).integers(0, 100, (2, 37, 45), np.uint8)
    whole = segment(random_model(), image, tiling=TilingConfig(tile_px=4096))
    assert whole.max() > 3
    np.testing.assert_array_equal(segment(random_model(), image, tiling=TilingConfig(tile_px=tile_px)), whole)


def test_settings_of_the_call_hold_before_those_of_the_recipe() -> None:
    image = np.zeros((20, 20), np.uint8)
    image[3:5, 3:5] = image[10:14, 10:14] = 100
    model = brightness_model()
    assert segment(model, image).max() == 2
    larger = segment(model, image, instances=InstancesConfig(grow_px=0, min_size_px=5))
    np.testing.assert_array_equal(larger > 0, (image > 0) & (np.arange(20) > 6))


@pytest.mark.parametrize(("small_cell_px", "limit"), [(None, 0), (40.0, 20), (1.0, 0)])
def test_the_smallest_cell_follows_from_the_training_data(small_cell_px: float | None, limit: int) -> None:
    card = make_model().card.model_copy(update={"small_cell_px": small_cell_px})
    assert settle(InstancesConfig(), card, 1.0).min_size_px == limit
    assert settle(InstancesConfig(min_size_px=7), card, 1.0).min_size_px == 7


def test_planes_come_one_by_one_with_probabilities_where_they_are_wanted() -> None:
    boxes = draw_boxes("TZYX")
    segmenter = Segmenter(brightness_model())
    planes = list(segmenter.planes(boxes[:, None], keep_probabilities=True))
    assert [(plane.t, plane.z) for plane in planes] == list(np.ndindex(boxes.shape[:2]))
    for plane in planes:
        assert plane.n_cells == plane.labels.max()
        assert plane.probabilities is not None
        np.testing.assert_allclose(plane.probabilities.sum(axis=0), 1, atol=0.01)
        np.testing.assert_array_equal(plane.probabilities[1] > 0.5, plane.labels > 0)
    assert next(segmenter.planes(boxes[:, None])).probabilities is None


@pytest.mark.parametrize(
    ("in_channels", "shape", "axes"), [(1, (3, 9, 9), "CYX"), (3, (9, 9), "YX"), (3, (2, 9, 9), None)]
)
def test_a_wrong_number_of_channels_is_told_with_both_numbers(
    in_channels: int, shape: tuple[int, ...], axes: str | None
) -> None:
    given = shape[0] if len(shape) == 3 else 1
    with pytest.raises(InputError, match=f"has {given} channels, but the model was trained on {in_channels}"):
        segment(brightness_model(in_channels), np.zeros(shape), axes=axes)


def test_axes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InputError, match="name 3 axes"):
        segment(brightness_model(), np.zeros((9, 9)), axes="ZYX")


def test_settings_left_empty_are_those_of_the_model() -> None:
    told = {"threshold": 0.4, "small_cell_px": 40.0, "smallest_share": 0.75, "cell_diameter_px": 21.04, "scale": 0.5}
    told |= {"min_probability": 0.6}
    own = {"threshold": 0.7, "outline_threshold": 0.2, "min_size_px": 7, "min_probability": 0.1, "core_threshold": 0.8}
    card = make_model(instances=own).card.model_copy(update=told)
    expected = {"tiling.cell_diameter_px": 21, "instances.threshold": 0.4, "instances.min_size_px": 30}
    expected |= {"instances.min_probability": 0.6, "instances.outline_threshold": 0.4}
    assert left_empty(card) == expected
    assert makes_cells_by(card) == own
    cored = card.model_copy(update={"core_threshold": 0.9})
    assert left_empty(cored) == {**expected, "instances.core_threshold": 0.9}
    assert left_empty(make_model(instances={}).card)["tiling.cell_diameter_px"] == WORKING_DIAMETER_PX


def test_lengths_that_the_network_sees_are_settled_in_pixels_of_the_image() -> None:
    card = make_model(instances={}).card.model_copy(update={"core_threshold": 0.9})
    settled = settle(InstancesConfig(core_reach_px=20, grow_px=2), card, 0.25)
    assert (settled.core_threshold, settled.core_reach_px, settled.grow_px) == (0.9, 80, 8)


@pytest.mark.parametrize("scale", [0.25, 1.0, 3.0])
def test_settling_leaves_what_a_person_said(scale: float) -> None:
    card = make_model().card.model_copy(update={"threshold": 0.4, "small_cell_px": 40.0})
    probabilities = {"threshold": 0.7, "outline_threshold": 0.3, "core_threshold": 0.8, "min_probability": 0.6}
    said = InstancesConfig(min_size_px=5, max_hole_px=9, grow_px=0, core_reach_px=0, **probabilities)
    assert settle(said, card, scale) == said


@pytest.mark.parametrize(("said", "outline"), [({}, 0.4), ({"threshold": 0.7}, 0.7), ({"outline_threshold": 0.2}, 0.2)])
def test_a_threshold_that_a_person_gave_is_the_outline_and_one_that_a_model_chose_is_not(
    said: dict[str, float], outline: float
) -> None:
    card = make_model().card.model_copy(update={"threshold": 0.6})
    assert settle(InstancesConfig.model_validate(said), card, 1.0).outline_threshold == outline


@pytest.mark.parametrize("shape", [(16, 24, 3), (5, 16, 24, 4)])
def test_what_looks_like_colours_is_not_guessed(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=r"name its axes, axes='Z?YXC' or axes='T?ZYX'"):
        segment(brightness_model(), np.zeros(shape, np.uint8))
    axes = "TZYX"[-len(shape) :]
    assert segment(brightness_model(), np.zeros(shape, np.uint8), axes=axes).shape == shape


@pytest.mark.parametrize(
    ("image", "message"),
    [
        ("x.tif", "segment takes an array, not 'x.tif'"),
        (np.zeros((8, 8), complex), "integers, floats and booleans are allowed"),
        (np.zeros((0, 8)), "there is no pixel in it"),
    ],
)
def test_what_is_no_image_is_refused(image: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        segment(brightness_model(), image)
