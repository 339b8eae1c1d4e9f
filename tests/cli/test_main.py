from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import napari_unet
from napari_unet.cli import build_parser, main

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., tuple[int, str, str]]

COMMANDS = ("train", "segment", "evaluate", "weight-map", "info", "demo")


def test_help_as_a_process_names_every_command() -> None:
    done = subprocess.run([sys.executable, "-m", "napari_unet", "--help"], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert all(f"\n    {command} " in done.stdout for command in COMMANDS)
    assert "Exit codes: 0 done" in done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help(command: str, run: Run) -> None:
    code, result, _ = run(command, "--help")
    assert code == 0
    assert f"usage: napari-unet {command}" in result


def test_help_shows_few_settings_and_all_on_demand(run: Run) -> None:
    _, short, _ = run("train", "--help")
    _, full, _ = run("train", "--help-all")
    assert "--seconds" in short
    assert "--training.learning-rate" not in short
    assert "settings:" not in short.replace("common settings:", "")
    assert "--training.learning-rate" in full
    assert "Default 0.003; above 0, at most 1." in " ".join(full.split())


def test_the_version(run: Run) -> None:
    assert run("--version") == (0, f"{napari_unet.__version__}\n", "")


@pytest.mark.parametrize("arguments", [(), ("fly",), ("train",), ("info", "a", "b"), ("info", "--modle", "a")])
def test_a_wrong_call_exits_with_2(arguments: tuple[str, ...], run: Run) -> None:
    code, result, errors = run(*arguments)
    assert (code, result, "usage:" in errors) == (2, "", True)


def test_ctrl_c_before_the_training(run: Run, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("napari_unet.data.reading.find_files", interrupted)
    assert run("weight-map", data / "labels" / "one.tif", "-o", data / "w.tif") == (130, "", "stopped\n")


def test_the_demo_gets_its_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given = []
    monkeypatch.setattr("napari_unet.cli.demo.demo", lambda folder: given.append(folder) or 0)
    assert main(["demo", "-o", str(tmp_path)]) == 0
    assert given == [tmp_path]
    assert str(build_parser().parse_args(["demo"]).output) == "demo"
