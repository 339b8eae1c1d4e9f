from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile

from drawing import draw_image
from napari_unet.cli import main

QUICK = (
    *("--model.depth", "1", "--model.base-channels", "2", "--training.patch-px", "32", "--training.batch-size", "2"),
    *("--training.rescale", "1"),
    *("--execution.device", "cpu", "--execution.precision", "float32"),
)

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def quick() -> tuple[str, ...]:
    """Settings of a tiny network."""
    return QUICK


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    """Run a command and give exit code, stdout and stderr."""

    def run_command(*arguments: object) -> tuple[int, str, str]:
        capfd.readouterr()
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as stop:
            code = int(stop.code or 0)
        return code, *capfd.readouterr()

    return run_command


def write_data(folder: Path) -> None:
    """Write `images` and `labels` of two drawings."""
    for name, seed in (("one", 1), ("two", 2)):
        drawn = draw_image(name, seed)
        for kind, array in (("images", drawn.image), ("labels", drawn.labels)):
            (folder / kind).mkdir(exist_ok=True)
            tifffile.imwrite(folder / kind / f"{name}.tif", np.asarray(array)[0, 0, 0])


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder with images and labels."""
    write_data(tmp_path)
    return tmp_path


@pytest.fixture
def train(run: Run, data: Path) -> Run:
    """Train on `data` for two steps, or as told."""

    def train_quickly(*arguments: object, images: object = None, labels: object = None) -> tuple[int, str, str]:
        places = images or data / "images", labels or data / "labels"
        given = arguments if {"--steps", "--seconds"} & set(arguments) else ("--steps", 2, *arguments)
        return run("train", *places, "-o", data / "cells.safetensors", *QUICK, *given)

    return train_quickly


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a trained model and its run."""
    folder = tmp_path_factory.mktemp("trained")
    write_data(folder)
    places = folder / "images", folder / "labels", "-o", folder / "cells.safetensors"
    assert main([str(argument) for argument in ("train", *places, *QUICK, "--steps", 2)]) == 0
    return folder


@pytest.fixture
def model(trained: Path, data: Path) -> Path:
    """A trained model and its run, in `data`."""
    shutil.copytree(trained / "cells.run", data / "cells.run")
    return Path(shutil.copy(trained / "cells.safetensors", data))
