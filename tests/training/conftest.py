from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from drawing import draw_image, quick_recipe
from napari_unet.training.trainer import Trainer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def make_trainer(tmp_path: Path) -> Callable[..., Trainer]:
    def make(folder: str = "run", **training: Any) -> Trainer:
        return Trainer([draw_image()], quick_recipe(**training), tmp_path / folder)

    return make
