"""Imports point one way: which part of the package may know which, and what must stay unloaded until it is needed."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import napari_unet

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(napari_unet.__file__).parent
BASE = {"config", "geometry", "axes", "errors"}
ENGINE = BASE | {"data", "models", "metrics", "samples"}
#: What each part may import besides itself; `napari_unet` is the top package, for its version.
ALLOWED = {
    "errors": set(),
    "geometry": set(),
    "axes": {"errors"},
    "config": {"errors"},
    "data": BASE,
    "models": BASE | {"data"},
    "metrics": BASE,
    "samples": BASE,
    # Training previews what prediction would give.
    "training": ENGINE | {"inference", "napari_unet"},
    "inference": ENGINE,
    "cli": ENGINE | {"training", "inference", "napari_unet"},
    "widgets": ENGINE | {"training", "inference", "napari_unet"},
    "__main__": {"cli"},
    "__init__": ENGINE | {"training", "inference"},
}
WINDOW = {"napari", "qtpy", "magicgui", "superqt", "pyqtgraph", "PyQt5", "PyQt6", "PySide2", "PySide6"}
#: Modules that anybody may use without waiting for torch.
TORCH_FREE = [
    *("napari_unet", "napari_unet.cli", "napari_unet.axes", "napari_unet.geometry", "napari_unet.config.recipe"),
    *("napari_unet.metrics", "napari_unet.samples", "napari_unet.data.reading", "napari_unet.data.writing"),
    *("napari_unet.data.pairing", "napari_unet.data.weight_map", "napari_unet.inference.instances"),
    *("napari_unet.models.card", "napari_unet.inference.live"),
    *("napari_unet.data.training_image", "napari_unet.training.live", "napari_unet.training.run_folder"),
    *("napari_unet.samples.fetch", "napari_unet.inference.evaluation", "napari_unet.inference.options"),
]
FILES = sorted(ROOT.rglob("*.py"))


def part_of(file: Path) -> str:
    return file.relative_to(ROOT).parts[0].removesuffix(".py")


def imported(file: Path) -> Iterator[str]:
    """Every module that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            yield node.module or ""


def loaded_by(statement: str) -> set[str]:
    """Modules loaded in a fresh interpreter."""
    code = f"import sys\n{statement}\nprint('\\n', *sys.modules, sep='\\n')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    return {name.partition(".")[0] for name in done.stdout.split("\n\n")[-1].split()}


def test_the_table_names_every_part() -> None:
    assert {part_of(file) for file in FILES} <= ALLOWED.keys()


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_imports_point_one_way(file: Path) -> None:
    own = [name.split(".") for name in imported(file) if name.split(".")[0] == "napari_unet"]
    parts = {name[min(1, len(name) - 1)] for name in own}
    part = part_of(file)
    assert parts <= ALLOWED[part] | {part}
    if part != "widgets":
        assert not WINDOW & {name.partition(".")[0] for name in imported(file)}


@pytest.mark.parametrize("module", TORCH_FREE)
def test_torch_and_window_stay_unloaded(module: str) -> None:
    loaded = loaded_by(f"import {module}")
    assert module.partition(".")[0] in loaded
    assert not loaded & (WINDOW | {"torch"})


def test_help_does_not_wait_for_heavy_libraries() -> None:
    command = "from napari_unet.cli import main\ntry: main(['train', '--help'])\nexcept SystemExit: pass"
    assert not loaded_by(command) & (WINDOW | {"torch", "numpy", "scipy", "skimage", "tifffile"})


def test_public_names_are_sorted_and_there() -> None:
    assert napari_unet.__all__ == sorted(napari_unet.__all__)
    assert dir(napari_unet) == napari_unet.__all__
    for name in set(napari_unet.__all__) - {"__version__"}:
        value = getattr(napari_unet, name)
        assert value.__name__ == name
        assert value.__doc__


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(AttributeError, match="no attribute 'segmentation'"):
        napari_unet.segmentation  # noqa: B018
