"""Results lie exactly on their source, whatever its axes, transforms and kind of array are."""

from __future__ import annotations

from typing import Any

import dask.array as da
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from napari.components import ViewerModel
from napari.layers._layer_actions import _duplicate_layer

from napari_unet.errors import InputError
from napari_unet.widgets._axes import LayerAxes, read_axes
from napari_unet.widgets._layers import (
    Role,
    find_result,
    is_source,
    read_canonical,
    read_scheme,
    result_axes,
    result_geometry,
    show_result,
    store_scheme,
)

SIZES = {"T": 2, "C": 3, "Z": 4, "Y": 8, "X": 6}
CELLS = Role("unet", "labels")
WEIGHTS = Role("weights", "image", {"colormap": "inferno"})


def draw(axes: str) -> np.ndarray:
    shape = tuple(SIZES[axis] for axis in axes)
    return np.random.default_rng(len(axes)).integers(0, 255, shape, dtype=np.uint8)


def named(axes: str) -> tuple[str, ...]:
    return tuple(axes.removesuffix("C").lower())


def angle_matrix(ndim: int, degrees: float) -> np.ndarray:
    """Turn Y and X, and leave the other axes."""
    matrix, angle = np.eye(ndim), np.deg2rad(degrees)
    matrix[-2:, -2:] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    return matrix


@st.composite
def placements(draw_value, ndim: int) -> dict[str, Any]:
    """Draw scale, translation, rotation, shear and an affine transform."""
    number = st.floats(-5, 5)
    shear, affine = np.eye(ndim), np.eye(ndim + 1)
    shear[-2, -1] = draw_value(st.floats(-1, 1))
    affine[:ndim, :ndim] = angle_matrix(ndim, draw_value(st.floats(-180, 180)))
    affine[:-1, -1] = draw_value(st.lists(number, min_size=ndim, max_size=ndim))
    return {
        "scale": draw_value(st.lists(st.floats(0.1, 9), min_size=ndim, max_size=ndim)),
        "translate": draw_value(st.lists(number, min_size=ndim, max_size=ndim)),
        "rotate": angle_matrix(ndim, draw_value(st.floats(-180, 180))),
        "shear": shear,
        "affine": affine,
    }


def as_stored(array: np.ndarray, storage: str) -> Any:
    if storage == "dask":
        return da.from_array(array, chunks=2)
    return [array, array[..., ::2, ::2]] if storage == "multiscale" else array


AXES = ["YX", "ZYX", "TYX", "TZYX", "CYX", "CZYX", "TCYX", "ZCYX", "TCZYX", "YXC", "ZYXC"]
CASES = [(axes, "numpy") for axes in AXES] + [
    (axes, storage) for axes in ("YX", "ZYX", "CYX", "TCYX") for storage in ("dask", "multiscale")
]


def make_source(viewer: ViewerModel, axes: str, storage: str, **placement: Any) -> Any:
    rgb = axes.endswith("C")
    units = ("s" if axis == "T" else "pixel" if axis == "C" else "um" for axis in axes.removesuffix("C"))
    data = as_stored(draw(axes), storage)
    multiscale = storage == "multiscale"
    options = {"rgb": rgb, "multiscale": multiscale, "axis_labels": named(axes), "units": tuple(units)}
    return viewer.add_image(data, name="field", **options, **placement)


def labels_of(source: Any, axes: str) -> np.ndarray:
    """A result as the engine makes it: the first channel, as labels."""
    return np.asarray(read_canonical(source, axes))[:, :1].astype(np.int32)


@pytest.mark.parametrize(("axes", "storage"), CASES)
@settings(max_examples=5, deadline=None)
@given(data=st.data())
def test_a_result_lies_on_its_source(axes: str, storage: str, data: st.DataObject) -> None:
    viewer, image = ViewerModel(), draw(axes)
    source = make_source(viewer, axes, storage, **data.draw(placements(len(axes.removesuffix("C")))))
    assert read_axes(source) == LayerAxes(axes, guessed=False)
    result = show_result(viewer, source, labels_of(source, axes), CELLS, axes)
    index = data.draw(st.tuples(*(st.integers(0, SIZES[axis] - 1) for axis in axes)))
    world = source.data_to_world(index[: source.ndim])
    found = np.round(result.world_to_data(world)).astype(int)
    first_channel = tuple(0 if axis == "C" else place for axis, place in zip(axes, index, strict=True))
    assert result.data[tuple(found)] == image[first_channel]
    expected = [0 if axis == "C" else index[axes.index(axis)] for axis in result_axes(axes)]
    assert found.tolist() == expected
    assert result.units == source.units[-result.ndim :]
    assert result.axis_labels == source.axis_labels[-result.ndim :]


@pytest.mark.parametrize(("axes", "storage"), CASES)
def test_the_engine_sees_tczyx_and_nothing_is_copied(axes: str, storage: str) -> None:
    source = make_source(ViewerModel(), axes, storage)
    canonical = read_canonical(source, axes)
    assert canonical.shape == tuple(SIZES[axis] if axis in axes else 1 for axis in "TCZYX")
    finest = source.data[0] if source.multiscale else source.data
    if storage == "dask":
        assert isinstance(canonical, da.Array)
    else:
        assert np.shares_memory(canonical, np.asarray(finest))


@pytest.mark.parametrize("axes", ["YX", "TZYX", "TCYX", "YXC"])
def test_a_second_result_goes_into_the_same_layer(axes: str) -> None:
    viewer = ViewerModel()
    source = make_source(viewer, axes, "numpy", scale=[2.0] * len(axes.removesuffix("C")))
    labels = labels_of(source, axes)
    first = show_result(viewer, source, labels, CELLS, axes)
    first.name, first.opacity = "my cells", 0.3
    source.translate = np.arange(source.ndim)
    source.scale = [3.0] * source.ndim
    second = show_result(viewer, source, labels + 1, CELLS, axes)
    weights = show_result(viewer, source, labels.astype(np.float32), WEIGHTS, axes)
    assert second is first and (first.name, first.opacity) == ("my cells", 0.3)
    assert first.data.max() == labels.max() + 1
    assert weights.name == "field_weights" and weights.colormap.name == "inferno"
    assert [layer.name for layer in viewer.layers] == ["field", "my cells", "field_weights"]
    for key, value in result_geometry(source, axes).items():
        if key != "shear":
            np.testing.assert_array_equal(getattr(first, key), value)


def test_pixels_that_change_in_place_are_drawn_again() -> None:
    viewer = ViewerModel()
    source = make_source(viewer, "YX", "numpy")
    labels = labels_of(source, "YX")
    layer, drawn = show_result(viewer, source, labels, CELLS, "YX"), []
    layer.events.set_data.connect(drawn.append)
    labels[...] = 3
    assert show_result(viewer, source, labels, CELLS, "YX") is layer
    assert drawn and (layer.data == 3).all()


def test_lazy_results_are_computed_only_where_one_looks() -> None:
    viewer, computed = ViewerModel(), set()

    def compute(block: np.ndarray, block_info: Any = None) -> np.ndarray:
        computed.add(block_info[0]["chunk-location"][2])
        return block

    source = make_source(viewer, "ZYX", "dask")
    lazy = read_canonical(source, "ZYX").astype(np.int32).map_blocks(compute, meta=np.zeros((0,) * 5, np.int32))
    first = show_result(viewer, source, lazy, CELLS, "ZYX")
    assert show_result(viewer, source, lazy, CELLS, "ZYX") is first
    assert isinstance(first.data, da.Array)
    assert computed == {viewer.dims.current_step[0] // 2}


def test_the_layer_one_works_on_stays_selected() -> None:
    viewer = ViewerModel()
    source = make_source(viewer, "YX", "numpy")
    annotations = viewer.add_labels(labels_of(source, "YX")[0, 0, 0])
    show_result(viewer, source, labels_of(source, "YX"), CELLS, "YX")
    assert viewer.layers.selection.active is annotations
    assert set(viewer.layers.selection) == {annotations}


def test_the_scheme_is_stored_in_the_layer() -> None:
    layer = ViewerModel().add_labels(draw("YX").astype(int))
    assert read_scheme(layer) == "dense"
    store_scheme(layer, "sparse")
    assert read_scheme(layer) == "sparse"


def test_a_result_that_became_annotations_is_still_the_result() -> None:
    viewer = ViewerModel()
    source = make_source(viewer, "YX", "numpy")
    result = show_result(viewer, source, labels_of(source, "YX"), CELLS, "YX")
    store_scheme(result, "sparse")
    assert find_result(viewer, source, CELLS) is result
    assert read_scheme(result) == "sparse"


def test_a_deleted_result_comes_as_a_new_layer() -> None:
    viewer = ViewerModel()
    source = make_source(viewer, "YX", "numpy")
    first = show_result(viewer, source, labels_of(source, "YX"), CELLS, "YX")
    viewer.layers.remove(first)
    assert find_result(viewer, source, CELLS) is None
    second = show_result(viewer, source, labels_of(source, "YX"), CELLS, "YX")
    assert second is not first and second in viewer.layers


def test_a_duplicate_is_the_persons_own() -> None:
    viewer = ViewerModel()
    source = make_source(viewer, "YX", "numpy")
    labels = labels_of(source, "YX")
    result = show_result(viewer, source, labels, CELLS, "YX")
    viewer.layers.selection = {result}
    _duplicate_layer(viewer.layers)
    copy = viewer.layers["field_unet copy"]
    # The lowest layer is found first.
    viewer.layers.move(viewer.layers.index(copy), 0)
    kept = copy.data.copy()
    assert is_source(copy) and not is_source(result)
    assert show_result(viewer, source, labels + 1, CELLS, "YX") is result
    assert np.array_equal(copy.data, kept) and np.array_equal(result.data, kept + 1)
    viewer.layers.remove(result)
    assert find_result(viewer, source, CELLS) is None
    assert show_result(viewer, source, labels, CELLS, "YX") is not copy
    assert copy in viewer.layers and np.array_equal(copy.data, kept)


def test_axes_that_were_corrected_make_another_layer() -> None:
    viewer = ViewerModel()
    source = viewer.add_image(draw("CYX"), rgb=False)
    show_result(viewer, source, labels_of(source, "ZYX"), CELLS, "ZYX")
    result = show_result(viewer, source, labels_of(source, "CYX"), CELLS, "CYX")
    assert result.data.shape == (SIZES["Y"], SIZES["X"])
    assert len(viewer.layers) == 2


@pytest.mark.parametrize(
    ("shape", "rgb", "labels", "names", "guessed"),
    [
        ((8, 6), False, None, "YX", False),
        ((4, 8, 6), False, None, "ZYX", True),
        ((8, 6, 3), True, None, "YXC", False),
        ((4, 8, 6), False, ("Time", "row", "column"), "TYX", False),
        ((4, 8, 6), False, ("channel", "Y", "X"), "CYX", False),
        ((4, 8, 6), False, ("z", "z", "x"), "ZYX", True),
        ((2, 4, 8, 6), False, ("t", "plane", "height", "width"), "TZYX", False),
    ],
)
def test_axes_come_from_labels_that_are_names_else_from_the_shape(shape, rgb, labels, names, guessed) -> None:
    layer = ViewerModel().add_image(np.zeros(shape), rgb=rgb, axis_labels=labels)
    assert read_axes(layer) == LayerAxes(names, guessed)


def test_too_many_axes_are_refused() -> None:
    with pytest.raises(InputError, match="2 to 5 axes"):
        read_axes(ViewerModel().add_image(np.zeros((2,) * 6)))


def test_a_layer_turned_along_its_channels_is_refused() -> None:
    turned = np.eye(3)
    turned[:2, :2] = [[0, -1], [1, 0]]
    with pytest.warns(UserWarning, match="Non-orthogonal slicing"):
        layer = ViewerModel().add_image(draw("CYX"), rgb=False, rotate=turned)
    with pytest.raises(InputError, match="Split Stack"):
        result_geometry(layer, "CYX")
