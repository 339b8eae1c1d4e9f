"""Each example runs and writes what it promises."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
WRITES = {
    "train_and_segment": {"nuclei.safetensors", "labels.tif"},
    "sparse_annotation": {"annotation.tif", "labels.tif"},
    "weight_map": {"weight_map.png"},
    "recipe": {"recipe.toml"},
}


def test_every_example_is_run() -> None:
    assert {file.stem for file in EXAMPLES.glob("*.py")} == set(WRITES)


@pytest.mark.parametrize("name", WRITES)
def test_example_writes_its_results(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script = EXAMPLES / f"{name}.py"
    monkeypatch.setattr(sys, "argv", [str(script), str(tmp_path)])
    runpy.run_path(str(script), run_name="__main__")
    assert {file.name for file in tmp_path.iterdir()} == WRITES[name]
    assert str(tmp_path) in capsys.readouterr().out
