"""Choice of the device and of the precision it computes in."""

from __future__ import annotations

import time
from functools import cache
from typing import TYPE_CHECKING

import torch

from napari_unet.errors import InputError

if TYPE_CHECKING:
    from napari_unet.config.execution import ExecutionConfig

_REPEATS = 10


def available_devices() -> list[str]:
    """List the kinds of devices this machine has.

    Returns
    -------
    list of str
        Names as in `ExecutionConfig.device`, fastest first; always ends with ``"cpu"``.
    """
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    return [name for name, there in present.items() if there]


def choose_device(config: ExecutionConfig) -> torch.device:
    """Choose the device.

    Parameters
    ----------
    config
        What the user asked for.

    Returns
    -------
    torch.device
        The device asked for, or the fastest one.

    Raises
    ------
    InputError
        If the device asked for is not there.

    Examples
    --------
    >>> from napari_unet.config.execution import ExecutionConfig
    >>> choose_device(ExecutionConfig(device="cpu"))
    device(type='cpu')
    """
    there = available_devices()
    name = there[0] if config.device == "auto" else config.device
    if name not in there:
        raise InputError(
            f"The device {name!r} was asked for, but this machine has {', '.join(there)} as PyTorch sees it. Take one "
            "of these or 'auto', or install the PyTorch built for your GPU (pytorch.org)."
        )
    return torch.device(name)


def choose_precision(config: ExecutionConfig, device: torch.device) -> torch.dtype:
    """Choose the precision of the network's arithmetic.

    Parameters
    ----------
    config
        What the user asked for.
    device
        Where it is computed.

    Returns
    -------
    torch.dtype
        ``torch.float32`` or ``torch.bfloat16``.

    Examples
    --------
    >>> from napari_unet.config.execution import ExecutionConfig
    >>> choose_precision(ExecutionConfig(precision="float32"), torch.device("cpu"))
    torch.float32
    """
    if config.precision == "auto":
        return torch.bfloat16 if _computes_bfloat16(device) else torch.float32
    return torch.bfloat16 if config.precision == "bfloat16" else torch.float32


def _computes_bfloat16(device: torch.device) -> bool:
    """Tell whether the chip itself computes bfloat16, and gains by it; elsewhere it is emulated, which is slower."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    # Older versions of PyTorch do not tell what the processor can do.
    if device.type != "cpu" or not hasattr(torch.cpu, "get_capabilities"):
        return False
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16")) and _gains_by_bfloat16()


@cache
def _gains_by_bfloat16() -> bool:
    """Tell whether the processor convolves faster in bfloat16: of two with the same instructions, one halves the time.

    The other doubles it, so a few milliseconds of measuring tell them apart, and the answer is the same each time.
    """
    return _convolution_seconds(torch.bfloat16) < _convolution_seconds(torch.float32)


@torch.inference_mode()
def _convolution_seconds(precision: torch.dtype) -> float:
    """Time a convolution as the deeper levels of the network have them; the least time is that without disturbance."""
    image = torch.ones(1, 64, 48, 48, dtype=precision).to(memory_format=torch.channels_last)
    kernel = torch.ones(64, 64, 3, 3, dtype=precision).to(memory_format=torch.channels_last)
    times = []
    for _ in range(_REPEATS):
        began = time.perf_counter()
        torch.nn.functional.conv2d(image, kernel)
        times.append(time.perf_counter() - began)
    return min(times)
