"""The devices of this machine, in words and with their memory."""

from __future__ import annotations

import os
from dataclasses import dataclass

import torch

from napari_unet.inference.memory import free_bytes
from napari_unet.models.device import available_devices


@dataclass(frozen=True)
class DeviceInfo:
    """A device that networks can be computed on.

    Attributes
    ----------
    kind
        As in `ExecutionConfig.device`, such as "cuda".
    name
        What it is, for people.
    free_bytes, total_bytes
        Its memory; the total is None where the system does not tell.
    """

    kind: str
    name: str
    free_bytes: int
    total_bytes: int | None

    def __str__(self) -> str:
        total = "" if self.total_bytes is None else f" of {self.total_bytes / 2**30:.0f}"
        return f"{self.name}, {self.free_bytes / 2**30:.1f}{total} GB free"


def list_devices() -> list[DeviceInfo]:
    """List the devices of this machine.

    Returns
    -------
    list of DeviceInfo
        Fastest first; always ends with the processor.

    Examples
    --------
    >>> list_devices()[-1].kind
    'cpu'
    """
    return [
        DeviceInfo(kind, _name(kind), free_bytes(torch.device(kind)), _total_bytes(kind))
        for kind in available_devices()
    ]


def _name(kind: str) -> str:
    """Name a device."""
    if kind == "cuda":
        return torch.cuda.get_device_name()
    return "Apple GPU" if kind == "mps" else f"CPU with {os.cpu_count()} cores"


def _total_bytes(kind: str) -> int | None:
    """Ask for all the memory of a device."""
    if kind == "cuda":
        return torch.cuda.mem_get_info()[1]
    if kind == "mps":
        return torch.mps.recommended_max_memory()
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else None
