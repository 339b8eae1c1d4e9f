from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from napari_unet.models.model_file import save_model
from networks import make_model

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give a small model file."""
    path = tmp_path / "model.safetensors"
    save_model(make_model(), path)
    return path
