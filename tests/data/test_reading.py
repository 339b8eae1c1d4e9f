from __future__ import annotations

import logging
import pickle
from pathlib import Path
from typing import Any

import dask.array as da
import imagecodecs
import numpy as np
import PIL.Image
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_unet.data.reading import find_files, read_image, read_labels
from napari_unet.errors import InputError

REAL_DATA = Path(__file__).parents[3] / "shared" / "data"

STACK = np.random.default_rng(0).integers(0, 60_000, (5, 48, 64)).astype(np.uint16)
ZYX: dict[str, Any] = {"metadata": {"axes": "ZYX"}, "photometric": "minisblack"}

FORMS: dict[str, dict[str, Any]] = {
    "plain": ZYX,
    "multi-page": {"metadata": None, "photometric": "minisblack"},
    "ImageJ": ZYX | {"imagej": True},
    "ImageJ, big-endian": ZYX | {"imagej": True, "byteorder": ">"},
    "OME": ZYX | {"ome": True},
    "OME, tiled, deflate": ZYX | {"ome": True, "compression": "zlib", "tile": (16, 32)},
    "LZW": ZYX | {"compression": "lzw"},
    "LZW, predictor, strips": ZYX | {"compression": "lzw", "predictor": True, "rowsperstrip": 7},
    "deflate": ZYX | {"compression": "zlib"},
    "zstd": ZYX | {"compression": "zstd"},
    "BigTIFF": ZYX | {"bigtiff": True},
    "BigTIFF, deflate, big-endian": ZYX | {"bigtiff": True, "compression": "zlib", "byteorder": ">"},
    "tiled": ZYX | {"tile": (16, 16)},
    "big-endian": ZYX | {"byteorder": ">"},
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_tiff_gives_the_same_pixels(form: str, tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "stack.tif", STACK, **FORMS[form])
    image = read_image(tmp_path / "stack.tif")
    assert (image.axes, image.shape) == ("ZYX", (1, 1, 5, 48, 64))
    assert image.guessed == (form == "multi-page")
    assert image.data.dtype == np.uint16
    assert image.data.dtype.isnative
    assert not isinstance(image.data, np.ndarray) or isinstance(image.data, np.memmap), "the stack was read as a whole"
    np.testing.assert_array_equal(np.asarray(image.data)[0, 0], STACK)
    for z, plane in enumerate(image.planes()):
        np.testing.assert_array_equal(plane, STACK[None, z])


@pytest.mark.parametrize("dtype", ["bool", "u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8"])
@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_every_type_of_pixel(dtype: str, byteorder: Any, compression: str | None, tmp_path: Path) -> None:
    stack = (STACK % 100).astype(dtype)
    tifffile.imwrite(tmp_path / "stack.tif", stack, byteorder=byteorder, compression=compression, **ZYX)
    image = read_image(tmp_path / "stack.tif")
    assert image.data.dtype == stack.dtype
    np.testing.assert_array_equal(np.asarray(image.data)[0, 0], stack)
    np.testing.assert_array_equal(image.plane(0, 3), stack[None, 3])


def test_a_lazy_stack_may_be_sent_to_another_process(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "stack.tif", STACK, compression="zlib", **ZYX)
    sent = pickle.loads(pickle.dumps(read_image(tmp_path / "stack.tif").data))
    np.testing.assert_array_equal(np.asarray(sent)[0, 0], STACK)


def test_not_a_number_and_constant_images_pass(tmp_path: Path) -> None:
    for name, value in (("nan", np.nan), ("zero", 0.0)):
        tifffile.imwrite(tmp_path / f"{name}.tif", np.full((9, 8), value, np.float32))
        np.testing.assert_array_equal(read_image(tmp_path / f"{name}.tif").plane(0, 0), np.full((1, 9, 8), value))


@pytest.mark.parametrize("axes", ["TZCYX", "TYX", "CYX", "ZCYX", "TZYX"])
@pytest.mark.parametrize("kind", ["imagej", "ome"])
def test_the_axes_of_the_file_are_taken(axes: str, kind: str, tmp_path: Path) -> None:
    sizes = dict(zip("TCZYX", (2, 3, 4, 9, 8), strict=True))
    array = np.arange(np.prod([sizes[a] for a in axes]), dtype=np.uint16).reshape([sizes[a] for a in axes])
    tifffile.imwrite(tmp_path / "a.tif", array, photometric="minisblack", metadata={"axes": axes}, **{kind: True})
    image = read_image(tmp_path / "a.tif")
    assert (image.axes, image.guessed) == (axes, False)
    assert image.shape == tuple(sizes[axis] if axis in axes else 1 for axis in "TCZYX")


def test_the_caller_knows_better_than_the_file(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", STACK, **ZYX)
    image = read_image(tmp_path / "a.tif", axes="tyx")
    assert (image.axes, image.guessed, image.shape) == ("TYX", False, (5, 1, 1, 48, 64))


def test_axes_that_do_not_fit_are_refused_with_the_file(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", STACK, **ZYX)
    with pytest.raises(InputError, match=r"a\.tif.*name 2 axes"):
        read_image(tmp_path / "a.tif", axes="YX")


def test_imagej_pixel_size(tmp_path: Path) -> None:
    metadata = {"axes": "ZYX", "spacing": 2.5, "unit": "um"}
    tifffile.imwrite(tmp_path / "a.tif", STACK, imagej=True, resolution=(4, 2), metadata=metadata)
    assert read_image(tmp_path / "a.tif").spacing == {"Z": 2.5, "Y": 0.5, "X": 0.25}


def test_imagej_pixels_are_no_length(tmp_path: Path) -> None:
    metadata = {"axes": "ZYX", "unit": "pixel"}
    tifffile.imwrite(tmp_path / "a.tif", STACK, imagej=True, resolution=(4, 2), metadata=metadata)
    assert read_image(tmp_path / "a.tif").spacing == {}


def test_the_time_between_frames(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", STACK, imagej=True, metadata={"axes": "TYX", "finterval": 5.0})
    assert (read_image(tmp_path / "a.tif").interval_s, read_image(tmp_path / "a.tif").spacing) == (5, {})
    metadata = {"axes": "TYX", "TimeIncrement": 2.0, "TimeIncrementUnit": "min"}
    tifffile.imwrite(tmp_path / "b.tif", STACK, ome=True, metadata=metadata, photometric="minisblack")
    assert read_image(tmp_path / "b.tif").calibration == {"T": 120}
    tifffile.imwrite(tmp_path / "c.tif", STACK, imagej=True, metadata={"axes": "TYX"})
    assert read_image(tmp_path / "c.tif").interval_s is None


@pytest.mark.parametrize(("unit", "spacing"), [("CENTIMETER", {"Y": 0.25, "X": 0.5}), ("INCH", {}), ("NONE", {})])
def test_pixel_size_in_the_tags_of_a_plain_file(unit: str, spacing: dict[str, float], tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", STACK[0], resolution=(20_000, 40_000), resolutionunit=unit)
    assert read_image(tmp_path / "a.tif").spacing == pytest.approx(spacing)


def test_ome_pixel_size_in_any_unit(tmp_path: Path) -> None:
    metadata = {"axes": "ZYX", "PhysicalSizeX": 250, "PhysicalSizeXUnit": "nm", "PhysicalSizeY": 0.5}
    tifffile.imwrite(tmp_path / "a.tif", STACK, ome=True, photometric="minisblack", metadata=metadata)
    assert read_image(tmp_path / "a.tif").spacing == {"Y": 0.5, "X": 0.25}


COLOURS = np.random.default_rng(1).integers(0, 255, (16, 24, 4)).astype(np.uint8)


@pytest.mark.parametrize("n_samples", [3, 4])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_colours_are_channels_and_transparency_is_dropped(n_samples: int, suffix: str, tmp_path: Path) -> None:
    path, picture = tmp_path / f"a{suffix}", COLOURS[..., :n_samples]
    if suffix == ".png":
        PIL.Image.fromarray(picture).save(path)
    else:
        alpha = {"extrasamples": ["unassalpha"]} if n_samples == 4 else {}
        tifffile.imwrite(path, picture, photometric="rgb", **alpha)
    image = read_image(path)
    assert (image.axes, image.guessed) == ("YXC", False)
    np.testing.assert_array_equal(image.plane(0, 0), np.moveaxis(picture[..., :3], -1, 0))


def test_big_endian_colours_stay_in_one_piece(tmp_path: Path) -> None:
    picture = COLOURS[..., :3].astype(np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", picture, photometric="rgb", byteorder=">")
    data = read_image(tmp_path / "a.tif").data
    assert isinstance(data, da.Array)
    assert data.npartitions == 1
    np.testing.assert_array_equal(np.asarray(data)[0, :, 0], np.moveaxis(picture, -1, 0))


def test_colours_stored_plane_by_plane(tmp_path: Path) -> None:
    planar = np.moveaxis(COLOURS[..., :3], -1, 0)
    tifffile.imwrite(tmp_path / "a.tif", planar, photometric="rgb", planarconfig="separate", compression="lzw")
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif").plane(0, 0), planar)


def test_a_png_of_16_bits_keeps_them(tmp_path: Path) -> None:
    picture = (COLOURS[..., :3].astype(np.uint16) + 1) * 200
    (tmp_path / "a.png").write_bytes(imagecodecs.png_encode(picture))
    np.testing.assert_array_equal(read_image(tmp_path / "a.png").plane(0, 0), np.moveaxis(picture, -1, 0))


@pytest.mark.parametrize(("mode", "n_channels"), [("L", 1), ("RGB", 3), ("CMYK", 3)])
def test_jpeg(mode: str, n_channels: int, tmp_path: Path) -> None:
    PIL.Image.new(mode, (24, 16), 128 if mode == "L" else (10, 200, 30, 0)[: len(mode)]).save(tmp_path / "a.JPG")
    assert read_image(tmp_path / "a.JPG").shape == (1, n_channels, 1, 16, 24)


def test_a_mask_of_booleans_becomes_labels(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", STACK > 30_000, **ZYX)
    labels = read_labels(tmp_path / "a.tif")
    assert labels.data.dtype == np.uint8
    np.testing.assert_array_equal(np.asarray(labels.data)[0, 0], STACK > 30_000)


def test_labels_of_a_palette_are_its_indices(tmp_path: Path) -> None:
    indices = np.arange(16, dtype=np.uint8).reshape(4, 4)
    picture = PIL.Image.fromarray(indices).convert("P")
    picture.putpalette(list(np.random.default_rng(0).bytes(768)))
    picture.save(tmp_path / "a.png")
    expected = np.asarray(PIL.Image.open(tmp_path / "a.png"))
    np.testing.assert_array_equal(read_labels(tmp_path / "a.png").plane(0, 0)[0], expected)
    assert read_image(tmp_path / "a.png").n_channels == 3


def test_labels_are_whole_numbers(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.ones((9, 8), np.float32))
    with pytest.raises(InputError, match=r"a\.tif is of type float32.*integers.*Convert"):
        read_labels(tmp_path / "a.tif")


def test_labels_have_no_colours(tmp_path: Path) -> None:
    PIL.Image.fromarray(COLOURS[..., :3]).save(tmp_path / "a.png")
    with pytest.raises(InputError, match=r"a\.png.*3 channels.*name the axes"):
        read_labels(tmp_path / "a.png")


def test_complex_numbers_are_refused(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.ones((9, 8), np.complex64))
    with pytest.raises(InputError, match="complex64"):
        read_image(tmp_path / "a.tif")


def test_images_of_different_shape_in_one_file_are_not_lost(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", STACK[0])
    tifffile.imwrite(tmp_path / "a.tif", STACK[0, :20], append=True)
    with pytest.raises(InputError, match=r"holds 2 images.*separate files"):
        read_image(tmp_path / "a.tif")


@pytest.fixture(scope="module")
def whole_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("whole")
    contents = {}
    for form, options in FORMS.items():
        tifffile.imwrite(folder / "stack.tif", STACK[:2], **options)
        contents[form] = (folder / "stack.tif").read_bytes()
    return contents


@given(form=st.sampled_from(sorted(FORMS)), share=st.floats(0, 1, exclude_max=True))
@settings(deadline=None, max_examples=150)
def test_a_tiff_that_was_cut_is_refused_or_complete(
    whole_files: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory, form: str, share: float
) -> None:
    path = tmp_path_factory.mktemp("cut") / "cut.tif"
    path.write_bytes(whole_files[form][: int(share * len(whole_files[form]))])
    try:
        pixels = np.asarray(read_image(path).data)
    except InputError as error:
        assert str(path) in str(error)
    else:
        np.testing.assert_array_equal(pixels[0, 0], STACK[:2])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.5, 0.7])
def test_a_tiff_without_its_pixels_is_refused(
    whole_files: dict[str, bytes], tmp_path: Path, form: str, share: float, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "cut.tif"
    path.write_bytes(whole_files[form][: int(share * len(whole_files[form]))])
    with caplog.at_level(logging.DEBUG), pytest.raises(InputError, match=r"cut\.tif.*cut off"):
        read_image(path)
    assert not caplog.records


def test_planes_that_the_header_promises_and_the_file_lacks_are_not_made_up(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "five.tif", STACK, ome=True, **ZYX)
    with tifffile.TiffFile(tmp_path / "five.tif") as tif:
        header = tif.ome_metadata
    assert header
    tifffile.imwrite(tmp_path / "two.tif", STACK[:2], description=header.encode(), **ZYX | {"metadata": None})
    with pytest.raises(InputError, match=r"two\.tif.*missing"):
        read_image(tmp_path / "two.tif")


def test_damaged_pixels_are_found_when_they_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, STACK, compression="zlib", **ZYX)
    with tifffile.TiffFile(path) as tif:
        start = tif.pages[2].dataoffsets[0]
    content = bytearray(path.read_bytes())
    content[start : start + 40] = b"\0" * 40
    path.write_bytes(bytes(content))
    image = read_image(path)
    np.testing.assert_array_equal(image.plane(0, 1)[0], STACK[1])
    with pytest.raises(InputError, match=r"a\.tif.*damaged"):
        image.plane(0, 2)


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9])
def test_a_picture_that_was_cut_is_refused(suffix: str, share: float, tmp_path: Path) -> None:
    PIL.Image.fromarray(COLOURS[..., :3]).resize((200, 200)).save(tmp_path / f"whole{suffix}")
    content = (tmp_path / f"whole{suffix}").read_bytes()
    (tmp_path / f"cut{suffix}").write_bytes(content[: int(share * len(content))])
    for read in (read_image, read_labels):
        with pytest.raises(InputError, match="cut off"):
            read(tmp_path / f"cut{suffix}")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no file .*nothing\.tif"):
        read_image(tmp_path / "nothing.tif")


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.docx").write_text("text")
    with pytest.raises(InputError, match=r"a\.docx.*\.tif.*Save it as TIFF"):
        read_image(tmp_path / "a.docx")


def test_files_come_in_the_order_people_count(tmp_path: Path) -> None:
    names = ["t1.tif", "t2.TIF", "t10.tif", "t10b.png", "u1_2.jpg", "u1_11.jpg"]
    for name in [*reversed(names), ".t3.tif", "notes.txt"]:
        (tmp_path / name).touch()
    (tmp_path / "folder.tif").mkdir()
    assert [file.name for file in find_files(tmp_path)] == names
    assert [file.name for file in find_files(f"{tmp_path}/t*.tif")] == ["t1.tif", "t10.tif"]
    assert find_files(tmp_path / "t1.tif") == [tmp_path / "t1.tif"]


def test_brackets_in_the_name_of_a_file_are_no_pattern(tmp_path: Path) -> None:
    (tmp_path / "cell[1].tif").touch()
    assert find_files(str(tmp_path / "cell[1].tif")) == [tmp_path / "cell[1].tif"]


def test_nothing_found_is_said(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(InputError, match="holds no image"):
        find_files(tmp_path)
    for given_path in (tmp_path / "nothing", f"{tmp_path}/*.tif"):
        with pytest.raises(InputError, match="no file, folder or match"):
            find_files(given_path)


@pytest.mark.skipif(not REAL_DATA.is_dir(), reason=f"{REAL_DATA} is not there")
def test_real_sets_are_read_as_their_files_say() -> None:
    folders = sorted(REAL_DATA.glob("*/images"))
    assert folders
    for folder in folders:
        image_path = find_files(folder)[0]
        image = read_image(image_path)
        labels = read_labels(image_path.parents[1] / "labels" / image_path.name)
        assert image.shape[2:] == labels.shape[2:]
        np.testing.assert_array_equal(np.asarray(labels.data).ravel(), tifffile.imread(labels.path).ravel())
