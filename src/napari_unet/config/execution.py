"""Settings of the machine that computes."""

from __future__ import annotations

from typing import Literal

from napari_unet.config._base import Settings, setting


class ExecutionConfig(Settings):
    """Where and how precisely the network is computed."""

    device: Literal["auto", "cpu", "cuda", "mps"] = setting(
        "auto", title="Device", help="'auto' takes the GPU where there is one.", advanced=False
    )
    precision: Literal["auto", "float32", "bfloat16"] = setting(
        "auto", title="Precision", help="'auto' takes bfloat16 where the chip computes it faster than float32."
    )
