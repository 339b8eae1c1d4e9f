from __future__ import annotations

import pytest
import torch

from napari_unet.config.execution import ExecutionConfig
from napari_unet.errors import InputError
from napari_unet.models import device
from napari_unet.models.device import available_devices, choose_device, choose_precision

CPU = torch.device("cpu")


def test_the_first_device_there_is_taken(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert available_devices()[0] == "cuda"
    assert choose_device(ExecutionConfig()).type == "cuda"
    assert choose_device(ExecutionConfig(device="cpu")) == CPU


def test_a_missing_device_is_named_with_those_there_are(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match=r"'cuda' was asked for, but this machine has .*cpu"):
        choose_device(ExecutionConfig(device="cuda"))


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        ({"amx_bf16": True, "avx512_bf16": True, "cpu_name": "Intel Xeon"}, torch.bfloat16),
        ({"avx512_bf16": True, "cpu_name": "AMD EPYC"}, torch.bfloat16),
        ({"avx512_bf16": True, "cpu_name": "Intel Xeon"}, torch.float32),
        ({"avx512_bf16": True}, torch.float32),
        ({"cpu_name": "AMD Ryzen"}, torch.float32),
        ({}, torch.float32),
    ],
)
def test_bfloat16_is_chosen_by_what_the_processor_is(monkeypatch, capabilities, expected):
    monkeypatch.setattr(device.torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    assert choose_precision(ExecutionConfig(), CPU) == expected


def test_apple_gpus_compute_float32_unless_told():
    assert choose_precision(ExecutionConfig(), torch.device("mps")) == torch.float32
    assert choose_precision(ExecutionConfig(precision="bfloat16"), torch.device("mps")) == torch.bfloat16


def test_float32_stays_float32():
    assert choose_precision(ExecutionConfig(precision="float32"), CPU) == torch.float32
