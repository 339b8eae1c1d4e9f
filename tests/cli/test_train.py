from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile

from napari_unet import load_model, load_recipe
from napari_unet.models.starter import load_starter
from napari_unet.training.run_folder import RunFolder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., tuple[int, str, str]]


def test_a_model_its_run_and_a_summary(train: Run, data: Path) -> None:
    code, result, progress = train()
    model = load_model(data / "cells.safetensors")
    assert code == 0
    assert result.startswith(f"{data / 'cells.safetensors'}: 2 steps in ")
    assert "validation IoU" in result
    assert "training on cpu in float32: 2 annotated planes" in progress
    assert "step 1, loss" in progress
    assert model.card.recipe == load_recipe(data / "cells.run" / "recipe.toml")
    assert (model.card.recipe.model.depth, model.card.recipe.training.steps) == (1, 2)


def test_resume_goes_on_with_the_recipe_of_the_run(run: Run, model: Path, data: Path) -> None:
    places = "train", data / "images", data / "labels", "-o", model, "--resume"
    code, result, progress = run(*places, "--steps", 5)
    assert (code, "5 steps" in result, "going on from step 2" in progress) == (0, True, True)
    assert load_model(model).card.recipe.model.base_channels == 2
    code, _, progress = run(*places)
    assert (code, "nothing was left to do" in progress) == (0, True)


def test_a_new_training_moves_the_old_run_aside(train: Run, model: Path, data: Path) -> None:
    (data / "cells.run" / "mark").touch()
    train()
    assert (data / "cells.run.1" / "mark").exists()
    assert not (data / "cells.run" / "mark").exists()
    _, _, progress = train()
    assert f"the earlier {data / 'cells.run'} is now {data / 'cells.run.2'}" in progress


def test_a_training_that_goes_on_is_left_alone(train: Run, model: Path, data: Path) -> None:
    folder = RunFolder(model.with_suffix(".run"))
    before = model.read_bytes(), folder.checkpoint.read_bytes()
    with folder.claim():
        code, _, said = train()
    assert code == 2 and "a training is going on there" in said
    assert (model.read_bytes(), folder.checkpoint.read_bytes()) == before
    assert not (data / "cells.run.1").exists()


def test_a_model_without_its_run_is_moved_aside(train: Run, model: Path, data: Path) -> None:
    before = model.read_bytes()
    shutil.rmtree(data / "cells.run")
    _, _, progress = train()
    assert f"the earlier {model} is now {data / 'cells.1.safetensors'}" in progress
    assert (data / "cells.1.safetensors").read_bytes() == before and model.is_file()
    train()
    assert not (data / "cells.2.safetensors").exists()  # it stands in the run that was moved aside


def test_settings_of_the_network_that_cannot_count_are_named(run: Run, model: Path, data: Path) -> None:
    places = "train", data / "images", data / "labels", "-o", data / "next.safetensors", "--training.rescale", 1
    given = "--init", model, "--steps", 1, "--training.patch-px", 32, "--model.depth", 2, "--model.base-channels", 2
    code, _, errors = run(*places, *given)
    assert (code, "start from: depth stays 1; '--init none'" in errors) == (0, True)
    (data / "my.toml").write_text("[model]\ndepth = 2\nbase_channels = 2\n")
    code, _, errors = run(*places, *given[:-4], "--recipe", data / "my.toml")
    assert (code, "start from: depth stays 1; '--init none'" in errors) == (0, True)
    code, _, errors = run(*places, *given[:-4])
    assert (code, "start from" in errors) == (0, False)


CHANGES = {
    "preset": (("--preset", "paper"), "training.optimizer = adamw"),
    "option": (("--training.optimizer", "sgd"), "training.optimizer = adamw"),
    "network": (("--model.depth", "3"), "model.depth = 1"),
}


@pytest.mark.parametrize(("arguments", "message"), CHANGES.values(), ids=CHANGES)
def test_a_run_keeps_its_settings(arguments: tuple[str, ...], message: str, run: Run, model: Path, data: Path) -> None:
    recipe = (data / "cells.run" / "recipe.toml").read_bytes()
    places = "train", data / "images", data / "labels", "-o", model, "--resume", "--steps", 4
    code, result, errors = run(*places, *arguments)
    assert (code, result, message in errors) == (2, "", True), errors
    assert (data / "cells.run" / "recipe.toml").read_bytes() == recipe


def test_resuming_with_other_images_is_said(train: Run, model: Path, data: Path) -> None:
    for folder in ("images", "labels"):
        (data / folder / "two.tif").rename(data / folder / "three.tif")
    code, _, errors = train("--resume", "--steps", 3)
    assert code == 0, errors
    assert "new in this run: three\n" in errors
    assert "no longer in this run: two\n" in errors
    assert "in this run" not in train("--resume", "--steps", 3, "--execution.device", "auto")[2]


def test_an_output_that_is_a_folder_is_called_one(run: Run, data: Path) -> None:
    (data / "o").mkdir()
    code, _, errors = run("train", data / "images", data / "labels", "-o", f"{data / 'o'}/")
    assert (code, "this is a folder" in errors) == (2, True)


def test_options_win_over_the_file_and_the_file_over_the_preset(train: Run, data: Path) -> None:
    file = data / "my.toml"
    file.write_text("[training]\nsteps = 1\nmomentum = 0.5\nseed = 3\n[weight_map]\nbalance_classes = false\n")
    code, _, errors = train("--preset", "paper", "--recipe", file, "--training.seed", 4, "--steps", 3)
    recipe = load_model(data / "cells.safetensors").card.recipe
    assert code == 0, errors
    assert (recipe.training.optimizer, recipe.training.momentum, recipe.weight_map.balance_classes) == (
        "sgd",
        0.5,
        False,
    )
    assert (recipe.training.seed, recipe.training.steps, recipe.model.depth) == (4, 3, 1)


def test_start_from_another_model(train: Run, run: Run, model: Path, data: Path) -> None:
    first = data / "first.safetensors"
    model.rename(first)
    places = "train", data / "images", data / "labels", "-o", model
    code, _, errors = run(
        *places, "--init", first, "--steps", 1, "--training.patch-px", 32, "--training.learning-rate", 1e-9
    )
    assert code == 0, errors
    before, after = (load_model(path).network.state_dict() for path in (first, model))
    kernels = [name for name, value in before.items() if value.ndim == 4]
    assert all(np.allclose(before[name], after[name], atol=1e-6) for name in kernels)


def test_the_starter_is_what_a_training_begins_with_unless_another_network_is_wanted(
    train: Run, run: Run, data: Path
) -> None:
    places = "train", data / "images", data / "labels", "-o", data / "cells.safetensors"
    barely = "--steps", 1, "--training.patch-px", 4, "--training.batch-size", 1, "--training.learning-rate", 1e-9
    code, _, errors = run(*places, *barely, "--training.rescale", 1)
    assert (code, "not starting" in errors) == (0, False), errors
    begun, starter = (model.network.state_dict() for model in (load_model(data / "cells.safetensors"), load_starter()))
    assert np.allclose(begun["head.weight"], starter["head.weight"], atol=1e-5)
    code, _, errors = train()
    assert (code, "not starting from the starter model" in errors) == (0, True)
    code, _, errors = train("--init", "none")
    assert (code, "not starting" in errors) == (0, False)


def test_a_model_with_other_channels_is_refused(train: Run, model: Path, data: Path) -> None:
    for name in ("one", "two"):
        plane = tifffile.imread(data / "images" / f"{name}.tif")
        tifffile.imwrite(data / "images" / f"{name}.tif", np.stack([plane] * 3, axis=-1), photometric="rgb")
    before = model.read_bytes()
    for start in (("--init", model), ("--resume",)):
        code, result, errors = train(*start)
        assert (code, result, "3 channels" in errors) == (2, "", True)
    assert model.read_bytes() == before


def test_missing_files_are_named(train: Run, data: Path) -> None:
    code, result, errors = train(images=data / "nothing.tif")
    assert (code, result) == (2, "")
    assert f"There is no file, folder or match '{data / 'nothing.tif'}'" in errors


def test_a_guess_of_axes_is_shown(train: Run, data: Path) -> None:
    for folder in ("images", "labels"):
        plane = tifffile.imread(data / folder / "one.tif")
        tifffile.imwrite(data / f"{folder}.tif", np.stack([plane, plane]))
    places = {"images": data / "images.tif", "labels": data / "labels.tif"}
    code, _, errors = train(**places)
    assert code == 0, errors
    assert "axes ZYX guessed from shape (2, 64, 64)" in errors
    assert "--axes" in errors
    code, _, errors = train("--axes", "ZYX", **places)
    assert (code, "guessed" in errors) == (0, False)


def test_labels_that_name_their_axes_name_those_of_the_image(train: Run, data: Path) -> None:
    image, labels = (tifffile.imread(data / folder / "one.tif") for folder in ("images", "labels"))
    tifffile.imwrite(data / "image.tif", np.stack([image] * 2), metadata=None, photometric="minisblack")
    series = np.stack([labels] * 2).astype(np.uint16)
    tifffile.imwrite(data / "labels.tif", series, imagej=True, metadata={"axes": "TYX"})
    code, _, errors = train(images=data / "image.tif", labels=data / "labels.tif")
    assert (code, "guessed" in errors) == (0, False), errors
    assert load_model(data / "cells.safetensors").card.axes == "TYX"


def test_what_does_not_pair_is_named(train: Run, data: Path) -> None:
    (data / "labels" / "two.tif").rename(data / "labels" / "three.tif")
    code, _, errors = train()
    assert code == 0
    assert f"image without labels: {data / 'images' / 'two.tif'}" in errors
    assert f"labels without image: {data / 'labels' / 'three.tif'}" in errors


def cut_short(folder: Path) -> None:
    file = folder / "images" / "one.tif"
    file.write_bytes(file.read_bytes()[:2000])


def relabel(change: Callable[[Any], Any]) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        for file in (folder / "labels").iterdir():
            tifffile.imwrite(file, change(tifffile.imread(file)))

    return apply


def unpair(folder: Path) -> None:
    for file in (folder / "labels").iterdir():
        file.rename(file.with_name(f"other-{file.name}"))


def empty_images(folder: Path) -> None:
    for file in (folder / "images").iterdir():
        file.unlink()


BAD_INPUTS = {
    "truncated TIFF": (cut_short, "one.tif: the file is damaged, cut off"),
    "different shape": (relabel(lambda labels: labels[:-1]), "differ in Y: the first has"),
    "labels of float type": (relabel(lambda labels: labels.astype(np.float32)), "labels are whole numbers"),
    "empty labels": (relabel(np.zeros_like), "Nothing is annotated"),
    "one class only": (relabel(np.ones_like), "There is no background"),
    "unpaired names": (unpair, "No image has labels"),
    "empty folder": (empty_images, "holds no image"),
}


@pytest.mark.parametrize(("spoil", "message"), BAD_INPUTS.values(), ids=BAD_INPUTS)
def test_bad_input_is_explained_and_nothing_is_touched(
    spoil: Callable[[Path], None], message: str, train: Run, model: Path, data: Path
) -> None:
    run_before, model_before = (data / "cells.run" / "checkpoint.safetensors").read_bytes(), model.read_bytes()
    spoil(data)
    code, result, errors = train()
    assert (code, result) == (2, "")
    assert message in errors
    assert "Traceback" not in errors
    assert (data / "cells.run" / "checkpoint.safetensors").read_bytes() == run_before
    assert model.read_bytes() == model_before
    assert not (data / "cells.run.1").exists()


WRONG_CALLS = {
    "missing file": (("--recipe", "none.toml"), "recipe none.toml: no such file"),
    "missing model": (("--init", "none.safetensors"), "none.safetensors: no such model file"),
    "nothing to resume": (("--resume",), "there is no run in this folder"),
    "value out of bounds": (("--model.dropout", "1"), "model.dropout = '1': input should be less than 1"),
    "two budgets": (("--steps", "1", "--seconds", "1"), "not allowed with argument"),
    "misspelt": (("--training.learning-rat", "1"), "did you mean --training.learning-rate?"),
    "axes": (("--axes", "QYX"), "Axes 'QYX' cannot be used"),
}


@pytest.mark.parametrize(("arguments", "message"), WRONG_CALLS.values(), ids=WRONG_CALLS)
def test_a_wrong_call_is_explained(arguments: tuple[str, ...], message: str, train: Run, data: Path) -> None:
    code, result, errors = train(*arguments)
    assert (code, result) == (2, "")
    assert message in errors
    assert sorted(path.name for path in data.iterdir()) == ["images", "labels"]


@pytest.mark.parametrize("output", ["cells.pt", "file/cells.safetensors", "images.safetensors"])
def test_an_output_that_cannot_be_written_is_refused_first(output: str, run: Run, data: Path) -> None:
    (data / "file").touch()
    (data / "images.safetensors").mkdir()
    code, _, errors = run("train", data / "images", data / "labels", "-o", data / output)
    assert code == 2
    assert errors.startswith(f"napari-unet: -o {data / output}: ")
    assert "training on" not in errors


def test_a_full_disk_keeps_what_was_saved(train: Run, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = model.read_bytes()

    def full(folder: RunFolder, *_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder.checkpoint))

    monkeypatch.setattr(RunFolder, "save_checkpoint", full)
    code, result, errors = train("--resume", "--steps", 4)
    assert (code, result) == (1, "")
    assert "checkpoint.safetensors: No space left on device" in errors
    assert "--resume goes on with it" in errors
    assert model.read_bytes() == before
    monkeypatch.undo()
    assert train("--resume", "--steps", 4)[0] == 0


def test_an_unforeseen_error_is_one_line_and_a_traceback_on_demand(train: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("napari_unet.training.train.load_training_images", lambda *_: 1 / 0)
    code, _, errors = train()
    assert (code, errors) == (1, "napari-unet: ZeroDivisionError: division by zero (--debug shows where)\n")
    with pytest.raises(ZeroDivisionError):
        train("--debug")


def test_ctrl_c_before_the_first_step_waits_for_it(train: Run, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def press(_: RunFolder, *inputs: object) -> None:
        assert inputs
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(RunFolder, "save_inputs", press)
    code, result, errors = train("--steps", 50)
    assert (code, "1 steps in" in result, "stopping after this step" in errors) == (130, True, True)
    assert load_model(data / "cells.safetensors").card.recipe.training.steps == 50


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot send Ctrl-C to one process")
def test_ctrl_c_keeps_the_model(data: Path, quick: tuple[str, ...]) -> None:
    model = data / "cells.safetensors"
    command = [sys.executable, "-m", "napari_unet", "train", data / "images", data / "labels", "-o", model, *quick]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None and process.stdout is not None
        for line in process.stderr:
            if line.startswith("step 1,"):
                break
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "stopping after this step and saving" in errors
    assert output.startswith(f"{model}: ")
    assert load_model(model).card.recipe.model.depth == 1
    assert RunFolder(data / "cells.run").checkpoint.is_file()
