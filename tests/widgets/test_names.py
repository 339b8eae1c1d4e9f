from __future__ import annotations

from typing import TYPE_CHECKING

from napari_unet.widgets._names import name_folder

if TYPE_CHECKING:
    from pathlib import Path


def test_nobody_gets_the_same_name_also_before_the_folder_is_made(tmp_path: Path) -> None:
    names = [name_folder(tmp_path) for _ in range(3)]
    assert len(set(names)) == 3
    assert all(name.parent == tmp_path and not name.exists() for name in names)
