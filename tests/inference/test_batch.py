"""Files in, files out: what is written, what is refused, and what stays when something fails or stops."""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import dask.array as da
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from boxes import assert_same_cells, draw_boxes
from napari_unet.axes import from_canonical
from napari_unet.config.execution import ExecutionConfig
from napari_unet.config.instances import InstancesConfig
from napari_unet.config.tiling import TilingConfig
from napari_unet.data.reading import Image, read_image, read_labels
from napari_unet.data.writing import write_float
from napari_unet.errors import InputError
from napari_unet.inference.batch import segment_files
from napari_unet.inference.events import Event, FileAdvanced, FileDone, FileFailed, FileSkipped, FileStarted, PlaneDone
from napari_unet.inference.options import SegmentOptions
from napari_unet.inference.report import REPORT, read_report
from napari_unet.inference.uncertainty import uncertainty
from napari_unet.models.model_file import load_model, save_model
from networks import brightness_model, random_model
from ways import Slow

if TYPE_CHECKING:
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


def test_it_rests_for_a_person_and_writes_the_same(tmp_path: Path) -> None:
    write_boxes(tmp_path / "a.tif")
    way, options = Slow(), SegmentOptions(execution=CPU)
    list(segment_files(random_model(), [tmp_path / "a.tif"], tmp_path / "slow", options, way=way))
    run(random_model(), [tmp_path / "a.tif"], tmp_path / "quick")
    assert way.waits > 1
    slow, quick = (stored(read_labels(tmp_path / name / "a.tif")) for name in ("slow", "quick"))
    np.testing.assert_array_equal(slow, quick)


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
    assert everything_in(tmp_path) == {"a.tif", "out/a.tif", "out/segmentation.json"}


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
    shares = [event.share for event in events if isinstance(event, FileAdvanced)]
    events = [event for event in events if not isinstance(event, FileAdvanced)]
    kinds = [type(event) for event in events]
    assert shares == pytest.approx([*np.arange(1, 7) / 6, 1])
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
    assert everything_in(tmp_path / "out") == {"a.tif", "probabilities/a.tif", REPORT}
    probabilities = read_image(tmp_path / "out" / "probabilities" / "a.tif")
    assert (probabilities.axes, probabilities.spacing) == ("ZYX", SPACING)
    assert probabilities.data.dtype == np.float32
    # Boxes are normalised to 1 and the ground to -1; the head multiplies by 10.
    np.testing.assert_allclose(stored(probabilities), 1 / (1 + np.exp(10 - boxes / 5.0)), rtol=1e-4)


def test_uncertainty_is_the_entropy_of_the_probabilities(tmp_path: Path) -> None:
    boxes = write_boxes(tmp_path / "a.tif", "ZYX")
    run(brightness_model(), [tmp_path / "a.tif"], tmp_path / "out", probabilities=True, uncertainty=True)
    assert everything_in(tmp_path / "out") == {"a.tif", "probabilities/a.tif", "uncertainty/a.tif", REPORT}
    unsure = read_image(tmp_path / "out" / "uncertainty" / "a.tif")
    assert (unsure.axes, unsure.spacing, unsure.data.dtype) == ("ZYX", SPACING, np.float32)
    foreground = 1 / (1 + np.exp(10 - boxes / 5.0))
    np.testing.assert_allclose(stored(unsure), uncertainty(np.stack([1 - foreground, foreground])), atol=1e-4)
    run(brightness_model(), [tmp_path / "a.tif"], tmp_path / "alone", uncertainty=True)
    assert everything_in(tmp_path / "alone") == {"a.tif", "uncertainty/a.tif", REPORT}


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
    assert everything_in(tmp_path / "out") == {"good.tif", "also.tif", REPORT}


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
    with pytest.raises(InputError, match="would both be written to"):
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
    assert everything_in(tmp_path / "out") == {"a.tif", "probabilities/a.tif", REPORT}
    assert read_labels(tmp_path / "out" / "a.tif").shape == (2, 1, 3, 23, 37)


def test_one_can_leave_in_the_middle_of_a_plane(tmp_path: Path) -> None:
    write_boxes(tmp_path / "a.tif", "YX")
    options = SegmentOptions(execution=CPU, tiling=TilingConfig(tile_px=8))
    told = []
    with closing(segment_files(brightness_model(), [tmp_path / "a.tif"], tmp_path / "out", options)) as events:
        for event in events:
            told.append(event)
            if len(told) == 3:
                break
    assert [type(event) for event in told] == [FileStarted, FileAdvanced, FileAdvanced]
    assert 0 < told[1].share < told[2].share < 1
    assert not everything_in(tmp_path / "out")


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


def test_an_output_that_cannot_be_written_is_noticed_before_anything_is_computed(tmp_path: Path) -> None:
    write_boxes(tmp_path / "a.tif")
    (tmp_path / "out").touch()
    with closing(segment_files(brightness_model(), [tmp_path / "a.tif"], tmp_path / "out", SegmentOptions())) as events:
        with pytest.raises(FileExistsError):
            next(events)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> TrainedModel:
    """A model with a checksum, as from a file."""
    return save_and_load(brightness_model(), tmp_path_factory.mktemp("model"))


def save_and_load(model: TrainedModel, folder: Path) -> TrainedModel:
    save_model(model, folder / "cells.safetensors")
    return load_model(folder / "cells.safetensors")


def kinds(events: list[Event]) -> list[str]:
    """How each file ended."""
    return [type(event).__name__ for event in events if isinstance(event, FileDone | FileFailed | FileSkipped)]


@settings(max_examples=15, deadline=None)
@given(kill=st.integers(0, 14), probabilities=st.booleans())
def test_killed_anywhere_and_run_again_it_is_as_if_never_killed(
    saved: TrainedModel, kill: int, probabilities: bool
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = [folder / f"{stem}.tif" for stem in "abcd"]
        for seed, (path, axes) in enumerate(zip(files, ("YX", "ZYX", "YX", "TYX"), strict=True)):
            write_boxes(path, axes, seed)
        options = SegmentOptions(execution=CPU, probabilities=probabilities)
        with closing(segment_files(saved, files, folder / "killed", options)) as events:
            first = [event for _, event in zip(range(kill), events, strict=False)]
        second = list(segment_files(saved, files, folder / "killed", options))
        run(saved, files, folder / "straight", probabilities=probabilities)
        done = {event.path for event in first if isinstance(event, FileDone)}
        assert done == {event.path for event in second if isinstance(event, FileSkipped)}
        assert done.isdisjoint(event.path for event in second if isinstance(event, FileStarted))
        assert everything_in(folder / "killed") == everything_in(folder / "straight")
        for written in everything_in(folder / "straight") - {REPORT}:
            assert_same_pixels(folder / "killed" / written, folder / "straight" / written)


def assert_same_pixels(one: Path, other: Path) -> None:
    np.testing.assert_array_equal(tifffile.imread(one), tifffile.imread(other))


def test_the_report_tells_what_became_of_each_file(saved: TrainedModel, tmp_path: Path) -> None:
    write_boxes(tmp_path / "a.tif", "TYX")
    (tmp_path / "b.tif").touch()
    events = run(saved, [tmp_path / "a.tif", tmp_path / "b.tif"], tmp_path / "out")
    done, failed = (event for event in events if isinstance(event, FileDone | FileFailed))
    report = read_report(tmp_path / "out")
    record = report["a.tif"]
    assert (record.state, record.axes, record.n_planes, record.n_cells) == ("done", "TYX", 2, done.n_cells)
    assert record.origin.image == str(tmp_path / "a.tif")
    assert record.origin.model == saved.card.card_sha256
    assert list(record.results) == ["a.tif"]
    assert (report["b.tif"].state, report["b.tif"].message) == ("failed", failed.message)
    assert len((tmp_path / "out" / REPORT).read_text().splitlines()) == 4


def change_image(folder: Path) -> None:
    write_boxes(folder / "a.tif", "ZYX", seed=1)


def change_time(folder: Path) -> None:
    os.utime(folder / "a.tif", ns=(0, 0))


def lose_result(folder: Path) -> None:
    (folder / "out" / "a.tif").unlink()


@pytest.mark.parametrize("change", [change_image, change_time, lose_result])
def test_a_file_is_made_again_when_it_or_its_result_is_another(saved: TrainedModel, tmp_path: Path, change) -> None:
    write_boxes(tmp_path / "a.tif")
    run(saved, [tmp_path / "a.tif"], tmp_path / "out")
    assert kinds(run(saved, [tmp_path / "a.tif"], tmp_path / "out")) == ["FileSkipped"]
    change(tmp_path)
    assert kinds(run(saved, [tmp_path / "a.tif"], tmp_path / "out")) == ["FileDone"]
    assert kinds(run(saved, [tmp_path / "a.tif"], tmp_path / "out")) == ["FileSkipped"]


@pytest.mark.parametrize(
    ("options", "ending"),
    [
        ({"tiling": TilingConfig(tile_px=16)}, "FileSkipped"),
        ({"tiling": TilingConfig(averaging="rotations")}, "FileDone"),
        ({"instances": InstancesConfig(threshold=0.6)}, "FileDone"),
        ({"axes": "YX"}, "FileDone"),
        ({"probabilities": True}, "FileDone"),
        ({"again": True}, "FileDone"),
    ],
)
def test_a_file_is_made_again_with_settings_that_change_the_result(
    saved: TrainedModel, tmp_path: Path, options: dict[str, object], ending: str
) -> None:
    write_boxes(tmp_path / "a.tif")
    run(saved, [tmp_path / "a.tif"], tmp_path / "out")
    assert kinds(run(saved, [tmp_path / "a.tif"], tmp_path / "out", **options)) == [ending]


def test_labels_are_enough_where_probabilities_were_made_too(saved: TrainedModel, tmp_path: Path) -> None:
    write_boxes(tmp_path / "a.tif")
    run(saved, [tmp_path / "a.tif"], tmp_path / "out", probabilities=True)
    assert kinds(run(saved, [tmp_path / "a.tif"], tmp_path / "out")) == ["FileSkipped"]


def test_another_model_makes_files_again_and_an_unsaved_one_always(saved: TrainedModel, tmp_path: Path) -> None:
    write_boxes(tmp_path / "a.tif")
    for model in (saved, save_and_load(random_model(), tmp_path), brightness_model(), brightness_model(), saved):
        assert kinds(run(model, [tmp_path / "a.tif"], tmp_path / "out")) == ["FileDone"]


def test_labels_that_were_there_before_are_not_overwritten_and_the_other_files_are_done(
    saved: TrainedModel, tmp_path: Path
) -> None:
    files = [tmp_path / f"{name}.tif" for name in "ab"]
    for file in files:
        write_boxes(file)
    painted = tmp_path / "out" / "a.tif"
    painted.parent.mkdir()
    tifffile.imwrite(painted, np.full((5, 5), 9, np.uint16))
    before = painted.read_bytes()
    for ending in ("FileDone", "FileSkipped"):
        first, *others = run(saved, files, tmp_path / "out")
        assert isinstance(first, FileFailed) and "was not made by this program" in first.message
        assert kinds(others) == [ending] and painted.read_bytes() == before
    assert kinds(run(saved, files[:1], tmp_path / "out", again=True)) == ["FileDone"]


def test_what_a_person_did_is_kept_when_everything_is_made_again(saved: TrainedModel, tmp_path: Path) -> None:
    write_boxes(tmp_path / "a.tif")
    labels, kept = tmp_path / "out" / "a.tif", tmp_path / "out" / "replaced"
    run(saved, [tmp_path / "a.tif"], tmp_path / "out")
    run(saved, [tmp_path / "a.tif"], tmp_path / "out", again=True)
    assert not kept.exists()
    for number in (1, 2):
        tifffile.imwrite(labels, np.full((5, 5), number, np.uint16))
        assert kinds(run(saved, [tmp_path / "a.tif"], tmp_path / "out", again=True)) == ["FileDone"]
        assert (tifffile.imread(kept / f"a.{number}.tif") == number).all()


def test_the_result_of_another_image_of_the_same_name_is_not_overwritten(saved: TrainedModel, tmp_path: Path) -> None:
    for seed, day in enumerate(("monday", "tuesday")):
        (tmp_path / day).mkdir()
        write_boxes(tmp_path / day / "a.tif", seed=seed)
    run(saved, [tmp_path / "monday" / "a.tif"], tmp_path / "out")
    before = (tmp_path / "out" / "a.tif").read_bytes()
    (event,) = run(saved, [tmp_path / "tuesday" / "a.tif"], tmp_path / "out")
    assert isinstance(event, FileFailed) and "was made of another image of this name" in event.message
    assert (tmp_path / "out" / "a.tif").read_bytes() == before
    (tmp_path / "monday").rename(tmp_path / "moved")
    assert kinds(run(saved, [tmp_path / "moved" / "a.tif"], tmp_path / "out")) == ["FileDone"]


@pytest.mark.parametrize("told", ["nothing", "an older result"])
def test_labels_of_which_a_run_that_was_killed_could_not_tell_are_made_again(
    saved: TrainedModel, tmp_path: Path, told: str
) -> None:
    write_boxes(tmp_path / "a.tif")
    changed = {"instances": InstancesConfig(threshold=0.6)}
    run(saved, [tmp_path / "a.tif"], tmp_path / "out", **changed)
    told_before = (tmp_path / "out" / REPORT).read_bytes()
    run(saved, [tmp_path / "a.tif"], tmp_path / "out")
    if told == "nothing":
        (tmp_path / "out" / REPORT).unlink()
    else:
        (tmp_path / "out" / REPORT).write_bytes(told_before)
    assert kinds(run(saved, [tmp_path / "a.tif"], tmp_path / "out")) == ["FileDone"]


def test_an_image_that_the_system_refuses_fails_alone(saved: TrainedModel, tmp_path: Path) -> None:
    files = [tmp_path / f"{name}.tif" for name in "ab"]
    for file in files:
        write_boxes(file)

    def read(path: Path, axes: str | None) -> Image:
        if path == files[0]:
            raise PermissionError(13, "Permission denied", str(path))
        return read_image(path, axes)

    first, *others = segment_files(saved, files, tmp_path / "out", SegmentOptions(), read)
    assert isinstance(first, FileFailed) and first.message == f"{files[0]}: cannot be read (Permission denied)."
    assert [event.path for event in others if isinstance(event, FileDone)] == files[1:]


def test_labels_corrected_by_hand_are_not_overwritten_unless_asked(saved: TrainedModel, tmp_path: Path) -> None:
    write_boxes(tmp_path / "a.tif")
    run(saved, [tmp_path / "a.tif"], tmp_path / "out")
    corrected = tmp_path / "out" / "a.tif"
    tifffile.imwrite(corrected, np.full((5, 5), 9, np.uint16))
    before = corrected.read_bytes()
    assert kinds(run(saved, [tmp_path / "a.tif"], tmp_path / "out")) == ["FileSkipped"]
    changed = {"instances": InstancesConfig(threshold=0.6)}
    for _ in range(2):
        (event,) = run(saved, [tmp_path / "a.tif"], tmp_path / "out", **changed)
        assert isinstance(event, FileFailed) and "was changed after it was made" in event.message
        assert corrected.read_bytes() == before
    (tmp_path / "a.tif").write_bytes(b"damaged")
    assert kinds(run(saved, [tmp_path / "a.tif"], tmp_path / "out", **changed)) == ["FileFailed"]
    assert corrected.read_bytes() == before
    write_boxes(tmp_path / "a.tif")
    assert kinds(run(saved, [tmp_path / "a.tif"], tmp_path / "out", again=True)) == ["FileDone"]
    assert corrected.read_bytes() != before


@pytest.mark.parametrize("text", ["", "[1, 2]", '{"a.tif": 1}', '{"name": "another program"}'])
def test_a_foreign_file_of_the_name_of_the_report_is_kept(saved: TrainedModel, tmp_path: Path, text: str) -> None:
    write_boxes(tmp_path / "a.tif")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / REPORT).write_text(text)
    with pytest.raises(InputError, match="no report"):
        run(saved, [tmp_path / "a.tif"], tmp_path / "out", again=True)
    assert (tmp_path / "out" / REPORT).read_text() == text
    assert len(everything_in(tmp_path)) == 2


def test_another_process_may_write_to_the_same_folder(saved: TrainedModel, tmp_path: Path) -> None:
    for stem in "ab":
        write_boxes(tmp_path / f"{stem}.tif")
    options = SegmentOptions(execution=CPU)
    with closing(segment_files(saved, [tmp_path / "a.tif"], tmp_path / "out", options)) as events:
        next(events)
        run(saved, [tmp_path / "b.tif"], tmp_path / "out")
        assert kinds(list(events)) == ["FileDone"]
    assert set(json.loads((tmp_path / "out" / REPORT).read_text())) == {"a.tif", "b.tif"}


def test_images_come_through_any_reader_and_what_it_raises_is_a_failure_of_that_file(
    saved: TrainedModel, tmp_path: Path
) -> None:
    boxes = {"a": draw_boxes("YX", 0), "c": draw_boxes("YX", 1)}
    files = [tmp_path / f"{stem}.raw" for stem in "abc"]
    for path in files:
        path.touch()

    def load(block_info: object = None) -> np.ndarray:
        raise OSError("the drive is gone")

    def read(path: Path, axes: str | None) -> Image:
        gone = da.map_blocks(load, chunks=((1,), (1,), (1,), (30,), (30,)), dtype=np.uint8, meta=np.empty((0,) * 5))
        data = boxes[path.stem][None, None, None] if path.stem in boxes else gone
        return Image(data, "YX", {}, path, guessed=False)

    events = list(segment_files(saved, files, tmp_path / "out", SegmentOptions(execution=CPU), read))
    assert kinds(events) == ["FileDone", "FileFailed", "FileDone"]
    assert any(isinstance(event, FileFailed) and "the drive is gone" in event.message for event in events)
    for stem, expected in boxes.items():
        assert_same_cells(stored(read_labels(tmp_path / "out" / f"{stem}.tif")), expected, "YX")
