from __future__ import annotations

import errno
import os
import signal
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile

from napari_unet.cli.progress import FilesProgress
from napari_unet.inference import batch
from napari_unet.inference.events import FileDone

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., tuple[int, str, str]]


def test_labels_of_every_file(run: Run, model: Path, data: Path) -> None:
    code, result, errors = run("segment", model, data / "images", "-o", data / "out", "--device", "cpu")
    assert code == 0, errors
    for name, line in zip(("one.tif", "two.tif"), result.splitlines(), strict=True):
        labels = tifffile.imread(data / "out" / name)
        assert labels.shape == (64, 64)
        n_cells = len(np.unique(labels[labels > 0]))
        assert line.startswith(f"{data / 'out' / name}: {n_cells} cells, ")
    assert not (data / "out" / "probabilities").exists()


def test_options_change_the_result_and_others_come_from_the_model(run: Run, model: Path, data: Path) -> None:
    run("segment", model, data / "images", "-o", data / "own", "--probabilities")
    probabilities = tifffile.imread(data / "own" / "probabilities" / "one.tif")
    assert probabilities.dtype == np.float32
    assert 0 <= probabilities.min() < probabilities.max() <= 1
    low = f"{probabilities.min() / 2:.6f}"
    options = "--instances.threshold", low, "--min-size-px", 0, "--tiling.tile-px", 16
    code, _, errors = run("segment", model, data / "images" / "one.tif", "-o", data / "all", *options)
    assert code == 0, errors
    assert (tifffile.imread(data / "all" / "one.tif") == 1).all()


def test_a_bad_file_is_named_and_the_others_are_done(run: Run, model: Path, data: Path) -> None:
    (data / "images" / "broken.tif").write_bytes((data / "images" / "one.tif").read_bytes()[:2000])
    tifffile.imwrite(data / "images" / "colours.tif", np.zeros((40, 40, 3), np.uint8), photometric="rgb")
    code, result, errors = run("segment", model, data / "images", "-o", data / "out")
    assert code == 1
    assert f"failed: {data / 'images' / 'broken.tif'}: " in errors
    assert "damaged, cut off" in errors
    assert f"failed: {data / 'images' / 'colours.tif'}: " in errors
    assert "2 of 4 files failed" in errors
    assert [line.partition(":")[0] for line in result.splitlines()] == [
        str(data / "out" / f"{n}.tif") for n in ("one", "two")
    ]
    assert sorted(path.name for path in (data / "out").iterdir()) == ["one.tif", "segmentation.json", "two.tif"]


@pytest.mark.parametrize("shape", [(1, 1), (3, 2), (5, 33)])
def test_images_smaller_than_the_halo(shape: tuple[int, int], run: Run, model: Path, data: Path) -> None:
    image = data / "small.tif"
    tifffile.imwrite(image, np.arange(np.prod(shape), dtype=np.uint16).reshape(shape))
    code, _, errors = run("segment", model, image, "-o", data / "out")
    assert code == 0, errors
    assert tifffile.imread(data / "out" / "small.tif").size == np.prod(shape)


def test_a_guess_of_axes_is_shown_once(run: Run, model: Path, data: Path) -> None:
    for name in ("a", "b"):
        tifffile.imwrite(data / f"stack_{name}.tif", np.stack([tifffile.imread(data / "images" / "one.tif")] * 2))
    code, _, errors = run("segment", model, data / "stack_*.tif", "-o", data / "out")
    assert (code, errors.count("axes ZYX guessed")) == (0, 1)
    code, _, errors = run("segment", model, data / "stack_*.tif", "-o", data / "out", "--axes", "TYX")
    assert (code, errors) == (0, "")
    assert tifffile.imread(data / "out" / "stack_a.tif").shape == (2, 64, 64)


WRONG_CALLS = {
    "no model": (("segment", "none.safetensors", "images"), "none.safetensors: no such model file"),
    "no model file": (("segment", "images/one.tif", "images"), "not a readable safetensors file"),
    "no image": (("segment", "cells.safetensors", "none"), "There is no file, folder or match 'none'"),
    "empty folder": (("segment", "cells.safetensors", "empty"), "holds no image"),
    "setting of training": (("segment", "cells.safetensors", "images", "--training.steps", "1"), "unknown argument"),
    "bad value": (("segment", "cells.safetensors", "images", "--instances.grow-px", "x"), "instances.grow_px = 'x'"),
    "bad axes": (("segment", "cells.safetensors", "images", "--axes", "QQ"), "'QQ'"),
    "over the images": (("segment", "cells.safetensors", "images", "-o", "images"), "would overwrite"),
}


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize(("arguments", "message"), WRONG_CALLS.values(), ids=WRONG_CALLS)
def test_a_wrong_call_is_explained(
    arguments: tuple[str, ...], message: str, run: Run, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(data)
    (data / "empty").mkdir()
    before = {file: file.read_bytes() for file in (data / "images").iterdir()}
    code, result, errors = run(*arguments, *(() if "-o" in arguments else ("-o", "out")))
    assert (code, result) == (2, "")
    assert message in errors
    assert not (data / "out").exists()
    assert {file: file.read_bytes() for file in (data / "images").iterdir()} == before


def test_the_same_call_again_goes_on_where_it_was_stopped(run: Run, model: Path, data: Path) -> None:
    call = "segment", model, data / "images", "-o", data / "out"
    code, first, _ = run("segment", model, data / "images" / "two.tif", "-o", data / "out")
    written = (data / "out" / "two.tif").stat().st_mtime_ns
    code, second, errors = run(*call)
    assert code == 0, errors
    one, two = second.splitlines()
    assert two == f"{first.rpartition(',')[0]}, made before"
    assert not one.endswith("made before")
    assert (data / "out" / "two.tif").stat().st_mtime_ns == written
    code, third, _ = run(*call, "--again")
    assert (code, "made before" in third) == (0, False)
    assert (data / "out" / "two.tif").stat().st_mtime_ns != written


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_between_two_tiles_and_leaves_no_half_file(
    number: int, run: Run, model: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    show = FilesProgress.show

    def show_and_stop(progress: FilesProgress, event: object) -> None:
        show(progress, event)
        if isinstance(event, FileDone):
            os.kill(os.getpid(), number)

    with monkeypatch.context() as stopping:
        stopping.setattr(FilesProgress, "show", show_and_stop)
        code, result, errors = run("segment", model, data / "images", "-o", data / "out", "--probabilities")
    assert (code, "stopping" in errors, len(result.splitlines())) == (130, True, 1)
    assert not list((data / "out").rglob(".*"))
    code, result, _ = run("segment", model, data / "images", "-o", data / "out", "--probabilities")
    assert (code, result.count("made before"), len(result.splitlines())) == (0, 1, 2)


def test_the_folder_of_a_run_names_its_model(run: Run, model: Path, data: Path) -> None:
    code, _, errors = run("segment", model.with_suffix(".run"), data / "images", "-o", data / "out")
    assert code == 0, errors


def test_several_files_and_patterns_are_each_segmented_once(run: Run, model: Path, data: Path) -> None:
    places = data / "images" / "two.tif", data / "images" / "t*.tif", data / "images" / "one.tif"
    code, result, errors = run("segment", model, *places, "-o", data / "out")
    assert code == 0, errors
    assert [line.partition(":")[0] for line in result.splitlines()] == [
        str(data / "out" / f"{name}.tif") for name in ("two", "one")
    ]


def test_output_that_cannot_be_written(run: Run, model: Path, data: Path) -> None:
    (data / "file").touch()
    code, result, errors = run("segment", model, data / "images", "-o", data / "file" / "out")
    assert (code, result) == (1, "")
    assert errors.startswith("napari-unet: ")
    assert str(data / "file") in errors


def test_a_full_disk_leaves_no_half_file(run: Run, model: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, *_: Any, **_named: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(batch, "write_labels", full)
    code, result, errors = run("segment", model, data / "images", "-o", data / "out")
    assert (code, result, errors) == (1, "", f"napari-unet: {data / 'out' / 'one.tif'}: No space left on device\n")


class InProcessClient:
    """Does what `distributed.Client` is asked for, at once."""

    def __init__(self, address: str) -> None:
        if address != "tcp://here:8786":
            raise OSError(f"timed out connecting to {address}")

    def __enter__(self) -> InProcessClient:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def scatter(self, value: Any, *, broadcast: bool) -> Any:
        return value if broadcast else None

    def submit(self, function: Callable[..., Any], *arguments: Any, pure: bool) -> Future:
        def result() -> Any:
            if "dies" in arguments[1].path.name:
                raise RuntimeError("killed worker")
            return function(*arguments)

        return Future(result)


class Future:
    def __init__(self, result: Callable[[], Any]) -> None:
        self.result = result


def test_files_go_to_the_workers_of_a_cluster(
    run: Run, model: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    distributed = ModuleType("distributed")
    distributed.Client = InProcessClient  # type: ignore[attr-defined]
    distributed.as_completed = lambda futures: list(futures)[::-1]  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "distributed", distributed)
    (data / "images" / "dies.tif").write_bytes(b"")
    call = "segment", model, data / "images", "-o", data / "out", "--scheduler"
    code, result, errors = run(*call, "tcp://here:8786")
    assert (code, len(result.splitlines())) == (1, 2)
    assert "dies.tif: the worker failed (killed worker)" in errors
    code, result, _ = run(*call, "tcp://here:8786")
    assert (code, result.count("made before")) == (1, 2)
    code, _, errors = run(*call, "tcp://nowhere:1")
    assert (code, "no answer from there" in errors) == (2, True)
    monkeypatch.setitem(sys.modules, "distributed", None)
    code, _, errors = run(*call, "tcp://here:8786")
    assert (code, "[cluster]" in errors) == (2, True)


def test_one_file_under_two_spellings_is_one(run: Run, model: Path, data: Path) -> None:
    spellings = data / "images" / "one.tif", data / "labels" / ".." / "images" / "one.tif"
    code, result, errors = run("segment", model, *spellings, "-o", data / "out")
    assert (code, len(result.splitlines())) == (0, 1), errors
    code, _, errors = run("segment", model, spellings[0], data / "labels" / "one.tif", "-o", data / "out")
    assert code == 2
    assert f"{spellings[0]} and {data / 'labels' / 'one.tif'} would both be written" in errors


def test_the_option_that_makes_labels_again_is_named(run: Run, model: Path, data: Path) -> None:
    (data / "out").mkdir()
    tifffile.imwrite(data / "out" / "one.tif", np.ones((64, 64), np.uint16))
    code, _, errors = run("segment", model, data / "images", "-o", data / "out")
    assert (code, "ask for everything to be made again (--again): it is kept" in errors) == (1, True)


def test_a_file_is_no_folder_for_results(run: Run, model: Path, data: Path) -> None:
    (data / "file").touch()
    code, _, errors = run("segment", model, data / "images", "-o", data / "file")
    assert (code, "this is a file, and results need a folder" in errors) == (2, True)


def test_a_link_to_nothing_is_named(run: Run, model: Path, data: Path) -> None:
    link = data / "images" / "gone.tif"
    link.symlink_to(data / "nowhere.tif")
    code, result, errors = run("segment", model, data / "images", "-o", data / "out")
    assert (code, len(result.splitlines())) == (1, 2)
    assert f"failed: {link} is a link to a file that is not there" in errors


def test_the_time_between_frames_is_kept(run: Run, model: Path, data: Path) -> None:
    plane = tifffile.imread(data / "images" / "one.tif")
    metadata = {"axes": "TYX", "finterval": 5.0, "unit": "um"}
    tifffile.imwrite(data / "s.tif", np.stack([plane] * 2), imagej=True, resolution=(2, 2), metadata=metadata)
    code, _, errors = run("segment", model, data / "s.tif", "-o", data / "out")
    assert code == 0, errors
    with tifffile.TiffFile(data / "out" / "s.tif") as tif:
        pixels = tifffile.xml2dict(tif.ome_metadata)["OME"]["Image"]["Pixels"]
    assert (pixels["TimeIncrement"], pixels["TimeIncrementUnit"], pixels["PhysicalSizeX"]) == (5, "s", 0.5)
