"""Choice of the device and of the precision it computes in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from napari_unet.errors import InputError

if TYPE_CHECKING:
    from napari_unet.config.execution import ExecutionConfig


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
    # By what the processor is: a measurement comes out otherwise beside other programs, and with it the model. Of two
    # that have only the instructions for vectors, the one of AMD halved the time, the one of Intel doubled it.
    capabilities = torch.cpu.get_capabilities()
    is_amd = "AMD" in str(capabilities.get("cpu_name", ""))
    return bool(capabilities.get("amx_bf16") or (capabilities.get("avx512_bf16") and is_amd))
