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


@pytest.mark.parametrize("instructions", ["avx512_bf16", "amx_bf16"])
@pytest.mark.parametrize(("seconds", "expected"), [(0.5, torch.bfloat16), (2, torch.float32)])
def test_bfloat16_is_chosen_where_the_processor_computes_it_faster(monkeypatch, instructions, seconds, expected):
    times = {torch.bfloat16: seconds, torch.float32: 1}
    monkeypatch.setattr(device.torch.cpu, "get_capabilities", lambda: {instructions: True}, raising=False)
    monkeypatch.setattr(device, "_convolution_seconds", times.__getitem__)
    monkeypatch.setattr(device, "_gains_by_bfloat16", device._gains_by_bfloat16.__wrapped__)
    assert choose_precision(ExecutionConfig(), CPU) == expected


def test_bfloat16_is_not_tried_where_it_is_emulated(monkeypatch):
    monkeypatch.setattr(device.torch.cpu, "get_capabilities", dict, raising=False)
    monkeypatch.setattr(device, "_convolution_seconds", lambda precision: pytest.fail("was measured"))
    assert choose_precision(ExecutionConfig(), CPU) == torch.float32


def test_what_is_measured_is_a_time():
    assert all(0 < device._convolution_seconds(precision) < 60 for precision in (torch.float32, torch.bfloat16))


def test_apple_gpus_compute_float32_unless_told():
    assert choose_precision(ExecutionConfig(), torch.device("mps")) == torch.float32
    assert choose_precision(ExecutionConfig(precision="bfloat16"), torch.device("mps")) == torch.bfloat16


def test_float32_stays_float32():
    assert choose_precision(ExecutionConfig(precision="float32"), CPU) == torch.float32
