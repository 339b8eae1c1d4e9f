"""How files are segmented; knows nothing of PyTorch, so that a window can ask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_unet.config.execution import ExecutionConfig
    from napari_unet.config.instances import InstancesConfig
    from napari_unet.config.tiling import TilingConfig


@dataclass(frozen=True)
class SegmentOptions:
    """How files are segmented.

    Attributes
    ----------
    tiling, instances
        None: as in the recipe of the model.
    execution
        Device and precision; None: the best this machine has.
    axes
        Axes of the images; None: as the files say or as their shape suggests.
    probabilities
        Whether to write the probabilities too.
    uncertainty
        Whether to write the uncertainty too.
    again
        Whether to make again what is done already, and to replace labels that were changed since.
    """

    tiling: TilingConfig | None = None
    instances: InstancesConfig | None = None
    execution: ExecutionConfig | None = None
    axes: str | None = None
    probabilities: bool = False
    uncertainty: bool = False
    again: bool = False
