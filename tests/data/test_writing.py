from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_unet.axes import from_canonical
from napari_unet.data import writing
from napari_unet.data.reading import read_image, read_labels
from napari_unet.data.writing import Layout, label_dtype, write_float, write_labels, write_planes
from napari_unet.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

SIZES = st.floats(1e-3, 1e3)


@st.composite
def stored_axes(draw: st.DrawFn, others: str) -> tuple[str, tuple[int, ...]]:
    axes = "".join(draw(st.permutations(draw(st.lists(st.sampled_from(others), unique=True))))) + "YX"
    return axes, tuple(draw(st.integers(1, 4)) for _ in axes)


@given(
    named=stored_axes("TZ"),
    highest=st.sampled_from([0, 1, 255, 256, 65_535, 65_536, 2**32 - 1]),
    spacing=st.dictionaries(st.sampled_from("ZYX"), SIZES),
    seed=st.integers(0, 9),
)
@settings(deadline=None, max_examples=60)
def test_labels_come_back_as_they_were(
    named: tuple[str, tuple[int, ...]],
    highest: int,
    spacing: dict[str, float],
    seed: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    axes, shape = named
    labels = np.random.default_rng(seed).integers(0, highest, shape, endpoint=True)
    path = tmp_path_factory.mktemp("labels") / "a.tif"
    write_labels(path, labels, axes, spacing)
    read = read_labels(path)
    assert (read.axes, read.guessed) == (axes, False)
    assert read.spacing == spacing
    assert read.data.dtype == (np.uint16 if labels.max() < 2**16 else np.uint32)
    np.testing.assert_array_equal(from_canonical(np.asarray(read.data), axes), labels)


@given(named=stored_axes("TCZ"), spacing=st.dictionaries(st.sampled_from("ZYX"), SIZES))
@settings(deadline=None, max_examples=40)
def test_probabilities_come_back_as_they_were(
    named: tuple[str, tuple[int, ...]], spacing: dict[str, float], tmp_path_factory: pytest.TempPathFactory
) -> None:
    axes, shape = named
    array = np.random.default_rng(0).random(shape)
    path = tmp_path_factory.mktemp("floats") / "a.tif"
    write_float(path, array, axes, spacing)
    read = read_image(path)
    assert (read.axes, read.spacing, read.data.dtype) == (axes, spacing, np.float32)
    np.testing.assert_array_equal(from_canonical(np.asarray(read.data), axes), array.astype(np.float32))


def test_an_unusual_order_is_stored_with_y_and_x_last(tmp_path: Path) -> None:
    array = np.random.default_rng(0).random((7, 6, 3)).astype(np.float32)
    write_float(tmp_path / "a.tif", array, "YXC")
    read = read_image(tmp_path / "a.tif")
    assert read.axes == "CYX"
    np.testing.assert_array_equal(read.plane(0, 0), np.moveaxis(array, -1, 0))


def test_a_stack_is_written_from_planes_that_come_one_by_one(tmp_path: Path) -> None:
    stack = np.random.default_rng(0).integers(0, 9, (2, 5, 16, 24))
    planes = (stack[index] for index in np.ndindex(2, 5))
    write_planes(tmp_path / "a.tif", planes, Layout("TZYX", stack.shape, np.uint16, {"Z": 2.0}))
    read = read_labels(tmp_path / "a.tif")
    assert not isinstance(read.data, np.ndarray)
    assert (read.axes, read.spacing) == ("TZYX", {"Z": 2.0})
    np.testing.assert_array_equal(np.asarray(read.data)[:, 0], stack)


@pytest.mark.parametrize("n_planes", [1, 3])
def test_a_wrong_number_of_planes_leaves_no_file(n_planes: int, tmp_path: Path) -> None:
    planes = (np.zeros((4, 5)) for _ in range(n_planes))
    with pytest.raises(InputError, match="exactly 2 planes"):
        write_planes(tmp_path / "a.tif", planes, Layout("ZYX", (2, 4, 5), np.uint16))
    assert not list(tmp_path.iterdir())


def test_a_plane_of_another_shape_is_not_scrambled(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"\(5, 4\).*\(4, 5\)"):
        write_planes(tmp_path / "a.tif", [np.zeros((5, 4))], Layout("YX", (4, 5), np.uint16))
    assert not list(tmp_path.iterdir())


def test_a_label_too_large_for_the_type_is_not_wrapped(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="65536 does not fit"):
        write_planes(tmp_path / "a.tif", [np.full((4, 5), 65_536)], Layout("YX", (4, 5), np.uint16))
    assert not list(tmp_path.iterdir())


def test_imagej_finds_the_pixel_size_in_the_tags(tmp_path: Path) -> None:
    write_labels(tmp_path / "a.tif", np.ones((4, 5), np.uint8), "YX", {"Y": 0.5, "X": 0.25})
    with tifffile.TiffFile(tmp_path / "a.tif") as tif:
        per_micrometre = tif.pages.first.get_resolution("MICROMETER")
    assert per_micrometre == pytest.approx((4, 2))


def test_big_files_get_big_offsets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    labels = np.ones((4, 5), np.uint16)
    for limit, is_big in ((39, True), (40, False)):
        monkeypatch.setattr(writing, "_CLASSIC_TIFF_BYTES", limit)
        write_labels(tmp_path / "a.tif", labels, "YX")
        with tifffile.TiffFile(tmp_path / "a.tif") as tif:
            assert tif.is_bigtiff == is_big


@pytest.mark.parametrize("labels", [np.array([[-1, 0]]), np.array([[0.5, 0]]), np.array([[1.0, 2.0]])])
def test_what_is_no_label_is_refused(labels: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="whole numbers from 0"):
        write_labels(tmp_path / "a.tif", labels, "YX")


def test_labels_beyond_32_bits_are_refused() -> None:
    assert label_dtype(2**32 - 1) == np.uint32
    with pytest.raises(InputError, match="4294967296"):
        label_dtype(2**32)


def test_axes_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="do not fit"):
        write_labels(tmp_path / "a.tif", np.ones((4, 5), np.uint8), "ZYX")
    with pytest.raises(InputError, match="last"):
        write_planes(tmp_path / "a.tif", [], Layout("YXZ", (4, 5, 2), np.uint16))


def test_a_full_disk_is_reported_with_the_file_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: Any, **options: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tifffile, "imwrite", full)
    with pytest.raises(OSError, match=r"No space left.*a\.tif") as caught:
        write_labels(tmp_path / "a.tif", np.ones((4, 5), np.uint8), "YX")
    assert caught.value.errno == errno.ENOSPC
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_is_reported_with_the_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"a\.tif"):
        write_labels(tmp_path / "file" / "a.tif", np.ones((4, 5), np.uint8), "YX")
