from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_unet.axes import CANONICAL, from_canonical, guess_axes, parse_axes, spatial_axes, to_canonical
from napari_unet.errors import InputError


@st.composite
def named_arrays(draw: st.DrawFn) -> tuple[str, np.ndarray]:
    others = draw(st.lists(st.sampled_from("TCZ"), unique=True))
    axes = "".join(draw(st.permutations([*others, "Y", "X"])))
    shape = [draw(st.integers(1, 4)) for _ in axes]
    return axes, np.arange(np.prod(shape)).reshape(shape)


@given(named_arrays())
@settings(deadline=None, max_examples=60)
def test_there_and_back_gives_the_same_array_without_a_copy(named: tuple[str, np.ndarray]) -> None:
    axes, array = named
    canonical = to_canonical(array, axes)
    assert canonical.ndim == 5
    assert np.shares_memory(canonical, array)
    assert [canonical.shape[CANONICAL.index(axis)] for axis in axes] == list(array.shape)
    back = from_canonical(canonical, axes)
    assert np.shares_memory(back, array)
    np.testing.assert_array_equal(back, array)


@given(named_arrays())
@settings(deadline=None, max_examples=30)
def test_labels_of_an_image_have_its_axes_without_channels(named: tuple[str, np.ndarray]) -> None:
    axes, array = named
    labels = to_canonical(array, axes)[:, :1]
    assert from_canonical(labels, spatial_axes(axes)).ndim == len(axes) - ("C" in axes)


def test_an_element_keeps_its_place() -> None:
    array = np.zeros((5, 6, 3))
    array[2, 4, 1] = 7
    assert to_canonical(array, "YXC")[0, 1, 0, 2, 4] == 7


def test_a_dask_array_stays_lazy() -> None:
    lazy = da.map_blocks(lambda block: 1 / 0, da.zeros((3, 4, 5)), dtype=float, meta=np.empty((0, 0, 0)))
    back = from_canonical(to_canonical(lazy, "XZY"), "XZY")
    assert isinstance(back, da.Array)
    assert back.shape == (3, 4, 5)


@pytest.mark.parametrize("axes", ["", "Z", "ZY", "YXX", "QYX", "CYXS", "Y X"])
def test_impossible_axes_are_refused_by_name(axes: str) -> None:
    with pytest.raises(InputError, match=f"'{axes}'"):
        parse_axes(axes)


def test_samples_are_channels_and_case_does_not_matter() -> None:
    assert parse_axes("tyxs") == "TYXC"


@pytest.mark.parametrize(
    ("shape", "rgb", "axes"),
    [
        ((5, 6), False, "YX"),
        ((5, 6), True, "YX"),
        ((9, 5, 6), False, "ZYX"),
        ((5, 6, 3), False, "ZYX"),
        ((5, 6, 3), True, "YXC"),
        ((5, 6, 4), True, "YXC"),
        ((5, 6, 7), True, "ZYX"),
        ((2, 9, 5, 6), False, "TZYX"),
        ((2, 1, 9, 5, 6), False, "TCZYX"),
    ],
)
def test_guesses(shape: tuple[int, ...], rgb: bool, axes: str) -> None:
    assert guess_axes(shape, rgb=rgb) == axes


@pytest.mark.parametrize("shape", [(), (5,), (1,) * 6])
def test_arrays_that_are_no_image_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="2 to 5 axes"):
        guess_axes(shape)


def test_a_wrong_number_of_axes_is_refused() -> None:
    with pytest.raises(InputError, match="name 2 axes"):
        to_canonical(np.zeros((2, 3, 4)), "YX")


def test_no_axis_is_lost_on_the_way_back() -> None:
    with pytest.raises(InputError, match="length 1"):
        from_canonical(np.zeros((2, 1, 1, 3, 4)), "ZYX")
    with pytest.raises(InputError, match="TCZYX"):
        from_canonical(np.zeros((3, 4)), "YX")
