"""Settings of the augmentation."""

from __future__ import annotations

from napari_unet.config._base import Settings, setting


class AugmentationConfig(Settings):
    """How patches are varied before the network sees them."""

    elastic_px: float = setting(
        10.0,
        title="Elastic deformation",
        help="Standard deviation in px of the displacements on a 3x3 grid over each patch. 0 switches it off.",
        step=1,
        ge=0,
        le=100,
    )
    rotation: bool = setting(True, title="Rotation", help="Turn patches by any angle.")
    flip: bool = setting(True, title="Flip", help="Mirror half of the patches.")
    scale: float = setting(
        0.2,
        title="Scale",
        help="Largest relative change of size: 0.2 draws factors from 1/1.2 to 1.2.",
        step=0.05,
        ge=0,
        le=1,
    )
    contrast: float = setting(
        0.3, title="Contrast", help="Largest relative change of contrast (and of gamma).", step=0.05, ge=0, lt=1
    )
    brightness: float = setting(
        0.2,
        title="Brightness",
        help="Largest shift of the grey values, relative to half the range of the image.",
        step=0.05,
        ge=0,
        le=2,
    )
    noise: float = setting(
        0.05,
        title="Noise",
        help="Largest standard deviation of the added noise, relative to half the range of the image.",
        step=0.01,
        ge=0,
        le=1,
    )
    dimming: float = setting(
        1.0,
        title="Dimming",
        help="Largest factor by which patches are made darker, as cells are beside bright dirt. 1 switches it off.",
        step=0.5,
        ge=1,
        le=20,
    )
    invert: bool = setting(
        False, title="Invert", help="Swap dark and bright in half of the patches, for a model that knows both."
    )
    blur: float = setting(
        0.0, title="Blur", help="Largest standard deviation in px of the added blur.", step=0.25, ge=0, le=10
    )
    uneven_light: float = setting(
        0.1,
        title="Uneven light",
        help="Standard deviation of an added slow change of brightness, relative to half the range of the image.",
        step=0.05,
        ge=0,
        le=2,
    )
