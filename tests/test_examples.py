"""Each example runs and writes what it promises."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_unet import Recipe, load_model
from napari_unet.config.samples import SamplesConfig
from napari_unet.samples import KINDS, draw_sample

EXAMPLES = Path(__file__).parents[1] / "examples"
WRITES = {
    "train_and_segment": {"nuclei.safetensors", "labels.tif"},
    "sparse_annotation": {"annotation.tif", "labels.tif"},
    "weight_map": {"weight_map.png"},
    "recipe": {"recipe.toml"},
}


def test_every_example_is_run() -> None:
    assert {file.stem for file in EXAMPLES.glob("*.py")} == {*WRITES, "make_starter"}


@pytest.mark.parametrize("name", WRITES)
def test_example_writes_its_results(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script = EXAMPLES / f"{name}.py"
    monkeypatch.setattr(sys, "argv", [str(script), str(tmp_path)])
    runpy.run_path(str(script), run_name="__main__")
    assert {file.name for file in tmp_path.iterdir()} == WRITES[name]
    assert str(tmp_path) in capsys.readouterr().out


def test_a_starter_is_made_of_an_annotated_set_and_drawings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = ["index\ttype"]
    for number in range(8):
        sample = draw_sample("nuclei", (64, 64), seed=number, config=SamplesConfig(object_px=12))
        for part, plane in (("images", sample.image), ("labels", sample.labels.astype(np.uint16))):
            (tmp_path / part).mkdir(exist_ok=True)
            tifffile.imwrite(tmp_path / part / f"{number:03d}.tif", plane)
        rows.append(f"{number:03d}\tgray_bright_on_dark")
    (tmp_path / "index.tsv").write_text("\n".join(rows))
    script, output = EXAMPLES / "make_starter.py", tmp_path / "starter.safetensors"
    quick = "--seconds", "0.001", "--drawings", "1"
    monkeypatch.setattr(sys, "argv", [str(script), str(tmp_path), "-o", str(output), *quick])
    runpy.run_path(str(script), run_name="__main__")
    card = load_model(output).card
    drawn = {f"{kind}-000" for kind in KINDS}
    real = set(card.training_data) - drawn
    assert 4 <= len(real) < 8, "some are held out"
    assert drawn < set(card.training_data)
    assert (card.scale, card.recipe.model) == (None, Recipe().model)
    assert "1 steps" in capsys.readouterr().out
