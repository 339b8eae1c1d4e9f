from __future__ import annotations

import pytest
import torch

from napari_unet.inference import memory
from napari_unet.inference.memory import affordable_tile_px, is_out_of_memory

CPU, GPU = torch.device("cpu"), torch.device("cuda")


def test_a_tile_takes_no_more_than_half_of_the_free_memory(monkeypatch):
    monkeypatch.setattr(memory, "free_bytes", lambda device: 10**9)
    edge = affordable_tile_px(GPU, bytes_per_px=500, halo=92)
    assert (edge + 184) ** 2 * 500 <= 0.5e9 < (edge + 185) ** 2 * 500


def test_little_memory_still_gives_a_tile(monkeypatch):
    monkeypatch.setattr(memory, "free_bytes", lambda device: 0)
    assert affordable_tile_px(GPU, bytes_per_px=500, halo=92) == 1


def test_a_cpu_takes_no_huge_tiles(monkeypatch):
    monkeypatch.setattr(memory, "free_bytes", lambda device: 10**13)
    assert affordable_tile_px(CPU, 500, halo=92) == 736
    assert affordable_tile_px(CPU, 500, halo=8) == 512
    assert affordable_tile_px(GPU, 500, halo=92) > 10**4


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError(), True),
        (torch.OutOfMemoryError("CUDA out of memory"), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 5 GB)"), True),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes"), True),
        (RuntimeError("expected scalar type Float"), False),
        (OSError("out of memory"), False),
    ],
)
def test_errors_of_memory_are_told_from_others(error, expected):
    assert is_out_of_memory(error) is expected
