from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile

from napari_unet import weight_map
from napari_unet.config.weight_map import WeightMapConfig

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., tuple[int, str, str]]


def test_as_the_function_makes_it(run: Run, data: Path) -> None:
    labels = tifffile.imread(data / "labels" / "one.tif")
    code, result, _ = run("weight-map", data / "labels" / "one.tif", "-o", data / "w.tif")
    assert (code, result.startswith(f"{data / 'w.tif'}: weights from ")) == (0, True)
    np.testing.assert_array_equal(tifffile.imread(data / "w.tif"), weight_map(labels))


def test_settings_count_and_planes_stand_for_themselves(run: Run, data: Path) -> None:
    stack = np.stack([tifffile.imread(data / "labels" / f"{name}.tif") for name in ("one", "two")])
    tifffile.imwrite(data / "stack.tif", stack, metadata={"axes": "ZYX"}, ome=True)
    options = "--weight-map.formula", "falk2019", "--scheme", "sparse"
    assert run("weight-map", data / "stack.tif", "-o", data / "w.tif", *options)[0] == 0
    expected = [weight_map(plane, WeightMapConfig(formula="falk2019"), scheme="sparse") for plane in stack]
    np.testing.assert_array_equal(tifffile.imread(data / "w.tif"), np.stack(expected))


@pytest.mark.parametrize(
    ("labels", "output", "message"),
    [
        ("labels/one.tif", "w.png", "a weight map is written as TIFF"),
        ("labels", "w.tif", "2 files; one weight map is made of one label image"),
        ("nothing.tif", "w.tif", "There is no file, folder or match"),
        ("float.tif", "w.tif", "labels are whole numbers"),
    ],
)
def test_wrong_calls(labels: str, output: str, message: str, run: Run, data: Path) -> None:
    tifffile.imwrite(data / "float.tif", np.zeros((8, 8), np.float32))
    code, result, errors = run("weight-map", data / labels, "-o", data / output)
    assert (code, result, message in errors) == (2, "", True)
    assert not (data / output).exists()


def test_the_labels_are_not_overwritten(run: Run, data: Path) -> None:
    labels = data / "labels" / "one.tif"
    before = labels.read_bytes()
    code, _, errors = run("weight-map", labels, "-o", data / "images" / ".." / "labels" / "one.tif")
    assert (code, "would be overwritten" in errors) == (2, True) and labels.read_bytes() == before


def test_what_is_wrong_with_labels_is_said_with_their_name(run: Run, data: Path) -> None:
    tifffile.imwrite(data / "negative.tif", np.full((8, 8), -1, np.int32))
    code, _, errors = run("weight-map", data / "negative.tif", "-o", data / "w.tif")
    assert (code, str(data / "negative.tif") in errors) == (2, True)
