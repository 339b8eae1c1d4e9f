"""Where and how precisely a training step is computed."""

from __future__ import annotations

from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from napari_unet.models.device import choose_device, choose_precision

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_unet.config.execution import ExecutionConfig


@dataclass(frozen=True)
class Computation:
    """Device and precision of a run.

    Attributes
    ----------
    device
        Where the network and the data lie.
    dtype
        Type of the network's intermediate results; weights and loss are float32.
    """

    device: torch.device
    dtype: torch.dtype

    @classmethod
    def choose(cls, config: ExecutionConfig) -> Computation:
        """Choose what the settings ask for.

        Parameters
        ----------
        config
            Device and precision.

        Returns
        -------
        Computation
            What this machine has of it.
        """
        device = choose_device(config)
        return cls(device, choose_precision(config, device))

    def autocast(self) -> AbstractContextManager[object]:
        """Compute the network inside this block."""
        return nullcontext() if self.dtype == torch.float32 else torch.autocast(self.device.type, self.dtype)

    @contextmanager
    def seeded(self, seed: int) -> Iterator[None]:
        """Seed torch inside the block, and restore its randomness after it."""
        with torch.random.fork_rng(devices=[self.device] if self.device.type == "cuda" else []):
            torch.manual_seed(seed)
            yield

    def place(self, tensor: Tensor) -> Tensor:
        """Move a batch (N, C, Y, X) to the device, channels last, which convolutions read fastest."""
        return tensor.to(self.device, memory_format=torch.channels_last)

    def place_network(self, network: nn.Module) -> nn.Module:
        """Move a network itself to the device, channels last."""
        return network.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]

    @property
    def precision(self) -> str:
        """Name of the type, such as "bfloat16"."""
        return str(self.dtype).removeprefix("torch.")
