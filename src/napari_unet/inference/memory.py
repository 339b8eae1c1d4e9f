"""Size of a tile from the free memory and the cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from napari_unet.data.main_memory import free_main_memory

if TYPE_CHECKING:
    from napari_unet.models.model_file import ModelCard

#: On a CPU no larger tile is worth its memory: this edge, or that many times the halo (`benchmarks/inference.py`).
_CPU_EDGE_PX = 512
_CPU_HALOS = 8
#: Share of the free memory that a tile may take; the rest is for the result and for other programs.
_SHARE = 0.5


def affordable_tile_px(device: torch.device, bytes_per_px: float, halo: int) -> int:
    """Give the largest edge of a tile that fits into the free memory and is not slower than smaller ones.

    A larger tile reads less halo for each pixel it predicts. On a CPU that gain ends where the features of the first
    level leave the caches and are given fresh memory by the system for each layer: there, one pass over a large image
    measures slower than its tiles.

    Parameters
    ----------
    device
        Where it is computed.
    bytes_per_px
        Memory the network needs for each pixel of its input at its peak, bytes.
    halo
        Pixels read beyond each end of a tile.

    Returns
    -------
    int
        Edge of the network's output, px; at least 1.
    """
    edge = fitting_tile_px(device, bytes_per_px, halo)
    return min(edge, max(_CPU_EDGE_PX, _CPU_HALOS * halo)) if device.type == "cpu" else edge


def fitting_tile_px(device: torch.device, bytes_per_px: float, halo: int) -> int:
    """Give the largest edge of a tile that fits into the free memory, however slow it is.

    Parameters
    ----------
    device, bytes_per_px, halo
        As in `affordable_tile_px`.

    Returns
    -------
    int
        Edge of the network's output, px; at least 1.
    """
    outer = int((free_bytes(device) * _SHARE / bytes_per_px) ** 0.5)
    return max(outer - 2 * halo, 1)


def bytes_per_px(card: ModelCard, precision: torch.dtype) -> float:
    """Estimate the memory that a network needs at its peak, which is at the first level.

    Parameters
    ----------
    card
        Knows the network.
    precision
        Type it is computed in.

    Returns
    -------
    float
        Bytes for each pixel of its input.
    """
    # Skip connection, up-convolution and their concatenation are four times the channels of the first level; the
    # deeper levels and the working memory of the convolutions measured up to three times more.
    features = 7 * card.recipe.model.base_channels * precision.itemsize
    return features + 12 * card.in_channels + 16 * card.n_classes


def free_bytes(device: torch.device) -> int:
    """Tell how much memory can be taken.

    Parameters
    ----------
    device
        Where it is computed.

    Returns
    -------
    int
        Bytes, counting what PyTorch holds in reserve.
    """
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    if device.type == "mps":
        return torch.mps.recommended_max_memory() - torch.mps.current_allocated_memory()
    return free_main_memory()


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error means that memory was not enough: not every device has a type of error for it.

    Examples
    --------
    >>> is_out_of_memory(RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"))
    True
    """
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    signs = ("can't allocate memory", "not enough memory", "out of memory")
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in signs)
