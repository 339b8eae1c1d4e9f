from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import skimage.segmentation
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import ndimage

from napari_unet.data.targets import NOT_ANNOTATED, find_touching, make_target, read_annotation
from napari_unet.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

QUICK = settings(deadline=None, max_examples=60)
small = arrays(np.int32, array_shapes(min_dims=2, max_dims=3, max_side=9), elements=st.integers(0, 3))


def everywhere(cells: NDArray[Any]) -> NDArray[np.bool_]:
    return np.ones(cells.shape, bool)


@QUICK
@given(cells=small)
def test_parts_of_two_cells_are_never_neighbours(cells: NDArray[np.int32]) -> None:
    inside = make_target(cells, everywhere(cells), "instances") == 1
    assert not (inside & (cells == 0)).any()
    assert not (find_touching(np.where(inside, cells, 0))).any()


@QUICK
@given(cells=small)
def test_touching_is_another_cell_among_the_neighbours(cells: NDArray[np.int32]) -> None:
    def is_ridge(values: NDArray[np.float64]) -> bool:
        centre = values[len(values) // 2]
        return bool(centre > 0 and ((values > 0) & (values != centre)).any())

    expected = ndimage.generic_filter(cells.astype(float), is_ridge, size=3, mode="constant")
    np.testing.assert_array_equal(find_touching(cells), expected.astype(bool))


def test_every_cell_of_a_mosaic_keeps_its_core() -> None:
    cells = np.kron(np.arange(1, 26).reshape(5, 5), np.ones((6, 6), int)).astype(np.int32)
    inside = make_target(cells, everywhere(cells), "instances") == 1
    _found, count = ndimage.label(inside)
    assert count == 25
    assert len(np.unique(cells[inside])) == 25
    assert find_touching(cells).sum() == (cells.size - inside.sum())


def test_thin_cell_between_two_keeps_its_pixels() -> None:
    cells = np.ones((7, 9), np.int32)
    cells[3], cells[4:] = 2, 3
    target = make_target(cells, everywhere(cells), "instances")
    assert target[:, 4].tolist() == [1, 1, 0, 1, 0, 1, 1]


def test_of_two_thin_cells_the_first_keeps_its_pixels() -> None:
    cells = np.array([[0, 2, 1, 0]], np.int32)
    assert make_target(cells, everywhere(cells), "instances").tolist() == [[0, 0, 1, 0]]


def test_diagonal_contact_is_cut() -> None:
    cells = np.kron([[1, 0], [0, 2]], np.ones((3, 3), int)).astype(np.int32)
    target = make_target(cells, everywhere(cells), "instances")
    assert (target[2, 2], target[3, 3], target.sum()) == (0, 0, 16)


def test_dense_and_sparse_say_the_same() -> None:
    dense = np.array([[0, 1, 5]])
    for found, wanted in zip(read_annotation(dense + 1, "sparse"), read_annotation(dense, "dense"), strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_ignored_pixels_are_neither_annotated_nor_cells() -> None:
    ignore = np.array([[True, False, True]])
    cells, annotated = read_annotation(np.array([[4, 4, 0]], np.uint8), "dense", ignore)
    assert (cells.tolist(), annotated.tolist()) == ([[0, 4, 0]], [[False, True, False]])
    assert make_target(cells, annotated, "instances").tolist() == [[NOT_ANNOTATED, 1, NOT_ANNOTATED]]


def test_class_is_the_label() -> None:
    cells, annotated = read_annotation(np.array([[0, 1, 2, 3]]), "sparse")
    assert make_target(cells, annotated, "classes").tolist() == [[NOT_ANNOTATED, 0, 1, 2]]


@pytest.mark.parametrize(
    ("labels", "advice"),
    [
        (np.zeros((2, 2)), "astype"),
        (np.array([[-1, 2]]), "relabel_sequential"),
        (np.array([[2**31]]), "relabel_sequential"),
    ],
)
def test_what_is_no_label_image_is_refused(labels: NDArray[Any], advice: str) -> None:
    with pytest.raises(InputError, match=advice):
        read_annotation(labels, "dense")


def test_ignore_mask_of_another_shape_is_refused() -> None:
    with pytest.raises(InputError, match=r"\(2, 3\).*\(2, 2\)"):
        read_annotation(np.zeros((2, 2), int), "dense", np.zeros((2, 3), bool))


def test_too_many_classes_are_refused() -> None:
    cells = np.array([[NOT_ANNOTATED]], np.int32)
    with pytest.raises(InputError, match="instances"):
        make_target(cells, everywhere(cells), "classes")


def test_the_advice_for_labels_out_of_range_works() -> None:
    for labels in (np.array([[-1, 7, 3]]), np.array([[2**40, 7, 3]])):
        with pytest.raises(InputError) as caught:
            read_annotation(labels, "dense")
        call = str(caught.value).partition("labels = ")[2].rstrip(".")
        advised = eval(call, {"skimage": skimage, "numpy": np, "labels": labels})
        assert read_annotation(advised, "dense")[0].max() == np.count_nonzero(labels > 0)
