"""Settings of drawn sample images."""

from __future__ import annotations

from napari_unet.config._base import Settings, setting


class SamplesConfig(Settings):
    """What varies between drawings of one kind; 1 is typical of the kind wherever a setting is a factor."""

    object_px: float | None = setting(
        None,
        title="Cell size",
        help="Median diameter of the cells in px; empty: typical of the kind.",
        advanced=False,
        ge=6,
        le=400,
    )
    density: float = setting(
        1.0,
        title="Density",
        help="Factor on the area that cells cover; membranes always fill it.",
        step=0.1,
        gt=0,
        le=3,
    )
    blur: float = setting(
        1.0, title="Blur", help="Factor on the width of the microscope's blur.", step=0.1, ge=0, le=10
    )
    noise: float = setting(1.0, title="Noise", help="Factor on the camera's noise.", step=0.1, ge=0, le=10)
    contrast: float = setting(
        1.0, title="Contrast", help="Factor on the contrast between cells and background.", step=0.1, gt=0, le=2
    )
    inverted: bool = setting(
        False, title="Inverted", help="Swap dark and bright, as in a stained transmitted-light image."
    )
    anisotropy: float = setting(
        3.0, title="Anisotropy", help="Distance of planes in a stack, in px of the plane.", step=0.5, ge=1, le=10
    )
    motion: float = setting(
        0.03, title="Motion", help="Fastest motion in a series, in cell diameters a frame.", step=0.01, ge=0, le=0.1
    )
