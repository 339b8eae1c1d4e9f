"""Files in, files out: what is written, what is refused, and what stays when something fails or stops."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile

from boxes import assert_same_cells, draw_boxes
from napari_unet.axes import from_canonical
from napari_unet.config.execution import ExecutionConfig
from napari_unet.config.tiling import TilingConfig
from napari_unet.data.reading import Image, read_image, read_labels
from napari_unet.data.writing import write_float
from napari_unet.errors import InputError
from napari_unet.inference.batch import SegmentOptions, segment_files
from napari_unet.inference.events import Event, FileDone, FileFailed, FileStarted, PlaneDone
from networks import brightness_model, random_model

if TYPE_CHECKING:
    from pathlib import Path

    from napari_unet.models.model_file import TrainedModel

SPACING = {"Z": 2.0, "Y": 0.5, "X": 0.25}
CPU = ExecutionConfig(device="cpu", precision="float32")


def run(model: TrainedModel, files: list[Path], output: Path, **options: object) -> list[Event]:
    return list(segment_files(model, files, output, SegmentOptions(execution=CPU, **options)))


def write_boxes(path: Path, axes: str = "YX", seed: int = 0) -> np.ndarray:
    boxes = draw_boxes(axes, seed)
    write_float(path, boxes, axes, {axis: size for axis, size in SPACING.items() if axis in axes})
    return boxes


def stored(image: Image) -> np.ndarray:
    return np.asarray(from_canonical(np.asarray(image.data), image.axes))


def everything_in(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("axes", ["YX", "ZYX", "TYX", "TZYX"])
def test_labels_have_the_axes_and_the_pixel_size_of_their_image(tmp_path: Path, axes: str) -> None:
    boxes = write_boxes(tmp_path / "a.tif", axes)
    events = run(brightness_model(), [tmp_path / "a.tif"], tmp_path / "out")
    labels = read_labels(tmp_path / "out" / "a.tif")
    assert (labels.axes, labels.guessed) == (axes, False)
    assert labels.spacing == {axis: size for axis, size in SPACING.items() if axis in axes}
    assert labels.data.dtype == np.uint16
    assert_same_cells(stored(labels), boxes, axes)
    assert isinstance(events[-1], FileDone)
    planes = stored(labels).reshape(-1, *boxes.shape[-2:])
    assert events[-1].n_cells == sum(len(np.unique(plane)) - 1 for plane in planes)
    assert everything_in(tmp_path) == {"a.tif", "out/a.tif"}


@pytest.mark.parametrize("axes", ["CYX", "ZCYX", "CZYX"])
def test_channels_are_read_and_not_written(tmp_path: Path, axes: str) -> None:
    boxes = draw_boxes(axes.replace("C", ""))
    noise = np.random.default_rng(0).integers(0, 200, boxes.shape)
    write_float(tmp_path / "a.tif", np.stack([noise, boxes], axis=axes.index("C")), axes)
    run(brightness_model(2, read=1), [tmp_path / "a.tif"], tmp_path / "out")
    labels = read_labels(tmp_path / "out" / "a.tif")
    assert labels.axes == axes.replace("C", "")
    assert_same_cells(stored(labels), boxes, labels.axes)


def test_a_colour_picture_is_segmented(tmp_path: Path) -> None:
    boxes = draw_boxes("YX")
    tifffile.imwrite(tmp_path / "a.tif", np.stack([0 * boxes, boxes, 0 * boxes], axis=-1), photometric="rgb")
    events = run(brightness_model(3, read=1), [tmp_path / "a.tif"], tmp_path / "out")
    assert isinstance(events[0], FileStarted)
    assert events[0].axes == "YXC"
    assert_same_cells(stored(read_labels(tmp_path / "out" / "a.tif")), boxes, "YX")


def test_axes_of_the_call_hold_before_those_of_the_file(tmp_path: Path) -> None:
    boxes = write_boxes(tmp_path / "a.tif", "ZYX")
    run(brightness_model(), [tmp_path / "a.tif"], tmp_path / "out", axes="TYX")
    labels = read_labels(tmp_path / "out" / "a.tif")
    assert labels.axes == "TYX"
    assert_same_cells(stored(labels), boxes, "TYX")


def test_events_tell_each_plane_of_each_file_in_order(tmp_path: Path) -> None:
    files = [tmp_path / "a.tif", tmp_path / "b.ome.tif"]
    write_boxes(files[0], "TZYX")
    write_boxes(files[1], "YX")
    events = run(brightness_model(), files, tmp_path / "out")
    kinds = [type(event) for event in events]
    assert kinds == [FileStarted, *[PlaneDone] * 6, FileDone, FileStarted, PlaneDone, FileDone]
    assert [event.path for event in events] == [files[0]] * 8 + [files[1]] * 3
    assert [(event.done, event.total) for event in events[1:7] if isinstance(event, PlaneDone)] == [
        (done, 6) for done in range(1, 7)
    ]
    written = [event.written for event in events if isinstance(event, FileDone)]
    assert written == [tmp_path / "out" / "a.tif", tmp_path / "out" / "b.tif"]
    assert all(path.is_file() for path in written)


def test_probabilities_of_cells_are_one_channel_in_a_folder_of_their_own(tmp_path: Path) -> None:
    boxes = write_boxes(tmp_path / "a.tif", "ZYX")
    run(brightness_model(), [tmp_path / "a.tif"], tmp_path / "out", probabilities=True)
    assert everything_in(tmp_path / "out") == {"a.tif", "probabilities/a.tif"}
    probabilities = read_image(tmp_path / "out" / "probabilities" / "a.tif")
    assert (probabilities.axes, probabilities.spacing) == ("ZYX", SPACING)
    assert probabilities.data.dtype == np.float32
    # Boxes are normalised to 1 and the ground to -1; the head multiplies by 10.
    np.testing.assert_allclose(stored(probabilities), 1 / (1 + np.exp(10 - boxes / 5.0)), rtol=1e-4)


def test_probabilities_of_classes_are_a_channel_each(tmp_path: Path) -> None:
    boxes = write_boxes(tmp_path / "a.tif", "TYX")
    model = brightness_model(n_classes=3, target="classes")
    run(model, [tmp_path / "a.tif"], tmp_path / "out", probabilities=True)
    probabilities = read_image(tmp_path / "out" / "probabilities" / "a.tif")
    assert probabilities.axes == "TCYX"
    classes = read_labels(tmp_path / "out" / "a.tif")
    np.testing.assert_allclose(stored(probabilities).sum(axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(stored(probabilities)[:, 0] > 0.5, boxes == 0)
    np.testing.assert_array_equal(stored(classes) > 0, boxes > 0)


def test_classes_are_written_as_they_are(tmp_path: Path) -> None:
    image = np.array([[0, 20, 49, 51, 70], [99, 101, 150, 255, 0]], np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", image)
    events = run(brightness_model(n_classes=3, target="classes"), [tmp_path / "a.tif"], tmp_path / "out")
    np.testing.assert_array_equal(stored(read_labels(tmp_path / "out" / "a.tif")), [[0, 0, 0, 1, 1], [1, 2, 2, 2, 0]])
    assert isinstance(events[-1], FileDone)
    assert events[-1].n_cells is None


@pytest.mark.parametrize("axes", ["YX", "ZYX"])
def test_the_size_of_the_tiles_does_not_change_the_file(tmp_path: Path, axes: str) -> None:
    shape = (2, 37, 45)[-len(axes) :]
    write_float(tmp_path / "a.tif", np.random.default_rng(0).random(shape) * 100, axes)
    for tile_px in (16, 4096):
        tiling = TilingConfig(tile_px=tile_px)
        run(random_model(), [tmp_path / "a.tif"], tmp_path / str(tile_px), tiling=tiling, probabilities=True)
    tiled, whole = tmp_path / "16", tmp_path / "4096"
    assert stored(read_labels(whole / "a.tif")).max() > 3
    np.testing.assert_array_equal(stored(read_labels(tiled / "a.tif")), stored(read_labels(whole / "a.tif")))
    differences = np.abs(
        stored(read_image(tiled / "probabilities" / "a.tif")) - stored(read_image(whole / "probabilities" / "a.tif"))
    )
    assert differences.max() < 1e-5


def test_a_file_that_fails_is_named_and_the_others_are_done(tmp_path: Path) -> None:
    names = ["good.tif", "empty.tif", "text.tif", "none.tif", "channels.tif", "short.tif", "notes.txt", "also.tif"]
    files = [tmp_path / name for name in names]
    write_boxes(files[0])
    files[1].touch()
    files[2].write_text("no image")
    write_float(files[4], np.zeros((3, 9, 9)), "CYX")
    write_boxes(files[5], "ZYX")
    files[5].write_bytes(files[5].read_bytes()[:-40])
    files[6].write_text("no image")
    write_boxes(files[7])
    events = run(brightness_model(), files, tmp_path / "out")
    failed = [event for event in events if isinstance(event, FileFailed)]
    assert [event.path for event in failed] == files[1:7]
    assert all(event.message for event in failed)
    assert "3 channels, but the model was trained on 1" in failed[3].message
    assert everything_in(tmp_path / "out") == {"good.tif", "also.tif"}


def test_an_image_that_is_gone_is_a_failure_of_its_own_in_a_second_run_too(tmp_path: Path) -> None:
    write_boxes(tmp_path / "a.tif")
    run(brightness_model(), [tmp_path / "a.tif"], tmp_path / "out")
    (tmp_path / "a.tif").unlink()
    (event,) = run(brightness_model(), [tmp_path / "a.tif"], tmp_path / "out")
    assert isinstance(event, FileFailed)


def test_results_of_an_earlier_run_are_replaced(tmp_path: Path) -> None:
    write_boxes(tmp_path / "a.tif", seed=0)
    run(brightness_model(), [tmp_path / "a.tif"], tmp_path / "out")
    boxes = write_boxes(tmp_path / "a.tif", seed=1)
    run(brightness_model(), [tmp_path / "a.tif"], tmp_path / "out")
    assert_same_cells(stored(read_labels(tmp_path / "out" / "a.tif")), boxes, "YX")


@pytest.mark.parametrize(
    ("files", "output", "probabilities"),
    [
        (["a.tif"], ".", False),
        (["b.tif", "a.tif"], ".", False),
        (["sub/../a.tif"], "sub/..", False),
        (["b.tif", "a.tif"], "sub/..", False),
        (["out/probabilities/a.tif"], "out", True),
    ],
)
def test_no_image_is_overwritten_by_a_result(
    tmp_path: Path, files: list[str], output: str, probabilities: bool
) -> None:
    (tmp_path / "sub").mkdir()
    paths = [tmp_path / name for name in files]
    for path in paths:
        write_boxes(path)
    before = {path: path.read_bytes() for path in paths}
    with pytest.raises(InputError, match=r"\.tif: its result would overwrite the image .*another output folder"):
        run(brightness_model(), paths, tmp_path / output, probabilities=probabilities)
    assert before == {path: path.read_bytes() for path in paths}
    assert len(everything_in(tmp_path)) == len(paths)


@pytest.mark.parametrize("second", ["b/a.tif", "a.png", "a.ome.tif", "a.tif"])
def test_two_images_with_one_result_are_refused_before_anything_is_written(tmp_path: Path, second: str) -> None:
    write_boxes(tmp_path / "a.tif")
    with pytest.raises(InputError, match="another image would be written to"):
        run(brightness_model(), [tmp_path / "a.tif", tmp_path / second], tmp_path / "out")
    assert everything_in(tmp_path) == {"a.tif"}


def test_closing_keeps_the_files_that_are_done_and_nothing_half(tmp_path: Path) -> None:
    files = [tmp_path / "a.tif", tmp_path / "b.tif"]
    for path in files:
        write_boxes(path, "TZYX")
    options = SegmentOptions(execution=CPU, probabilities=True)
    with closing(segment_files(brightness_model(), files, tmp_path / "out", options)) as events:
        for event in events:
            if isinstance(event, PlaneDone) and (event.path, event.done) == (files[1], 3):
                break
    assert everything_in(tmp_path / "out") == {"a.tif", "probabilities/a.tif"}
    assert read_labels(tmp_path / "out" / "a.tif").shape == (2, 1, 3, 23, 37)


def test_nothing_happens_before_the_first_event_is_asked_for(tmp_path: Path) -> None:
    write_boxes(tmp_path / "a.tif")
    segment_files(brightness_model(), [tmp_path / "a.tif"], tmp_path / "out", SegmentOptions()).close()
    assert everything_in(tmp_path) == {"a.tif"}


def test_an_output_that_cannot_be_written_ends_the_run(tmp_path: Path) -> None:
    files = [tmp_path / "a.tif", tmp_path / "b.tif"]
    for path in files:
        write_boxes(path)
    (tmp_path / "out").touch()
    with pytest.raises(OSError, match="out"):
        run(brightness_model(), files, tmp_path / "out")
