from __future__ import annotations

import shutil
import tempfile
from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_unet.data import room
from napari_unet.data.room import make_room, map_file
from napari_unet.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path


def test_large_arrays_lie_in_a_file_without_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = make_room((3, 4), np.int32, tmp_path / "new")
    monkeypatch.setattr(room, "IN_MEMORY", 10)
    large = make_room((3, 4), np.int32, tmp_path / "new")
    assert not isinstance(small, np.memmap) and isinstance(large, np.memmap)
    assert small.shape == large.shape and small.dtype == large.dtype and not large.any()
    large[1] = 7
    assert large.sum() == 28 and not list((tmp_path / "new").iterdir())


def test_a_disk_too_small_is_told_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "IN_MEMORY", 10)
    free = shutil.disk_usage(tmp_path).free
    with pytest.raises(InputError, match="segment fewer planes"):
        make_room((free, 2), np.uint8, tmp_path)


@pytest.mark.parametrize("shape", [(2, 3), (0, 5)])
def test_the_array_lives_on_when_its_file_is_closed(shape: tuple[int, ...], tmp_path: Path) -> None:
    with tempfile.TemporaryFile(dir=tmp_path) as file:
        array = map_file(file, shape, np.float32)
    array += 1
    assert array.shape == shape and (array == 1).all()
