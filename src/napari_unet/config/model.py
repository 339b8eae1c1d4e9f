"""Settings of the network."""

from __future__ import annotations

from typing import Literal

from napari_unet.config._base import Settings, setting


class ModelConfig(Settings):
    """Shape of the U-Net; the channels of the image and the classes come from the data."""

    architecture: Literal["unet"] = setting(
        "unet", title="Architecture", help="Kind of network. 'unet' is that of Ronneberger et al. 2015, unpadded."
    )
    depth: int = setting(
        4,
        title="Depth",
        help="Number of times the image is halved. Each level doubles how far the network sees (92 px at depth 4).",
        ge=1,
        le=6,
    )
    base_channels: int = setting(
        16, title="Base channels", help="Channels of the first level; they double with each level.", ge=1, le=256
    )
    max_channels: int = setting(
        128,
        title="Most channels",
        help="No level has more channels than this; the deep levels hold most of the parameters and little detail.",
        ge=1,
        le=4096,
    )
    batch_norm: bool = setting(
        True,
        title="Batch normalisation",
        help="Normalise after each convolution: trains faster; folded into the convolutions for prediction.",
    )
    dropout: float = setting(
        0.0,
        title="Dropout",
        help="Share of values dropped at the end of the contracting path while training.",
        step=0.05,
        ge=0,
        lt=1,
    )
