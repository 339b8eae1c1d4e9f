from __future__ import annotations

from typing import TYPE_CHECKING

import napari_unet
from napari_unet import load_model
from napari_unet.models.model_file import save_model
from networks import make_model

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

    Run = Callable[..., tuple[int, str, str]]


def entries(text: str) -> dict[str, str]:
    lines = (line.partition("  ") for line in text.splitlines())
    return {name: value for name, _, value in lines}


def test_a_model_is_described(run: Run, model: Path) -> None:
    code, result, errors = run("info", model)
    described = {name: value.strip() for name, value in entries(result).items()}
    assert (code, errors) == (0, "")
    assert described["architecture"] == "unet, depth 1, 2 base channels"
    assert described["parameters"] == f"{sum(p.numel() for p in load_model(model).network.parameters()):,}"
    assert described["classes"] == "background, cell"
    assert described["metrics"].startswith("validation_iou ")
    assert f"napari_unet {napari_unet.__version__}" in described["versions"]


def test_a_run_tells_where_it_stands(run: Run, model: Path) -> None:
    code, result, _ = run("info", model.with_suffix(".run"))
    assert code == 0
    assert entries(result)["state"].strip().startswith("step 2, ")


def test_other_things_are_refused(run: Run, data: Path) -> None:
    code, result, errors = run("info", data / "images")
    assert (code, result, "there is no run in this folder" in errors) == (2, "", True)
    code, result, errors = run("info", data / "images" / "one.tif")
    assert (code, result, "not a readable safetensors file" in errors) == (2, "", True)


def test_the_starter_can_be_named_also_beside_a_folder_of_that_name(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "starter").mkdir()
    code, result, _ = run("info", "starter")
    described = {name: value.strip() for name, value in entries(result).items()}
    assert (code, described["image channels"], described["resampling"]) == (0, "1", "none")
    assert described["finds cells by"] == "threshold 0.5, min_size_px 11, min_probability 0.7, outline_threshold 0.4"


def test_a_model_of_classes_finds_no_cells(run: Run, tmp_path: Path) -> None:
    model = make_model(training={"target": "classes"})
    save_model(model, tmp_path / "classes.safetensors")
    code, result, _ = run("info", tmp_path / "classes.safetensors")
    assert code == 0
    assert entries(result)["finds cells by"].strip() == "nothing, it gives classes"
