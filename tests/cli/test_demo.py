"""The demo: what it writes, and that a bad score fails."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from napari_unet.cli import main
from napari_unet.cli.demo import Plan, demo
from napari_unet.models.model_file import load_model

if TYPE_CHECKING:
    from pathlib import Path

#: Little enough for a few seconds, and enough that the network says something.
SHORT = Plan(sample_px=128, mosaic_px=160, n_cells=3, steps=2, required_ap50=0.0)


def test_short_demo_writes_pictures_report_and_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert demo(tmp_path, SHORT) == 0
    report = (tmp_path / "report.md").read_text(encoding="utf-8")
    linked = re.findall(r"\]\((\S+\.png)\)", report)
    assert set(linked) == {file.name for file in tmp_path.glob("*.png")}
    assert {"image.png", "weight_map.png", "probability.png", "labels.png", "learning_curve.png"} < set(linked)
    assert all((tmp_path / name).read_bytes().startswith(b"\x89PNG") for name in linked)
    assert load_model(tmp_path / "run" / "last.safetensors").card.recipe.training.scheme == "sparse"
    assert "the cells were found" in capsys.readouterr().out


def test_bad_score_fails_and_replaces_the_earlier_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "report.md").write_text("the cells were found")
    assert demo(tmp_path, replace(SHORT, required_ap50=1.0)) == 1
    report = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "the score is bad" in report
    assert "the cells were found" not in report
    assert "the score is bad" in capsys.readouterr().out


@pytest.mark.slow
def test_demo_finds_the_cells(tmp_path: Path) -> None:
    assert main(["demo", "-o", str(tmp_path)]) == 0
