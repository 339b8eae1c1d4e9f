from __future__ import annotations

from typing import TYPE_CHECKING

from napari_unet.data import main_memory
from napari_unet.data.main_memory import free_main_memory

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_free_memory_is_asked_of_the_system_or_guessed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal: 9 kB\nMemAvailable:   2048 kB\n")
    monkeypatch.setattr(main_memory, "Path", lambda _: meminfo)
    assert free_main_memory() == 2 * 2**20
    meminfo.unlink()
    assert free_main_memory() > 2**20
