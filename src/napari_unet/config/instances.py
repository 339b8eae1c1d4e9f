"""Settings of the step from probabilities to cells."""

from __future__ import annotations

from napari_unet.config._base import Settings, setting


class InstancesConfig(Settings):
    """How cells are made from the foreground probability."""

    threshold: float = setting(
        0.5, title="Threshold", help="Probability from which a pixel is foreground.", step=0.05, gt=0, lt=1
    )
    min_size_px: int | None = setting(
        None,
        title="Smallest cell",
        help="Cells with fewer pixels are dropped; empty: half of the small cells the model was trained on.",
        advanced=False,
        ge=0,
    )
    max_hole_px: int | None = setting(
        None, title="Largest hole", help="Holes of up to this many px inside a cell are filled; empty: all holes.", ge=0
    )
    grow_px: int = setting(
        2,
        title="Grow back",
        help="Width in px, as the network sees the image, by which touching cells grow back over the ridge that "
        "separated them.",
        ge=0,
        le=20,
    )
