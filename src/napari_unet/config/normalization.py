"""Settings of the one normalisation of intensities."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from napari_unet.config._base import Settings, setting


class NormalizationConfig(Settings):
    """How intensities become numbers that a network learns from.

    Examples
    --------
    >>> NormalizationConfig().over
    'image'
    """

    over: Literal["image", "training data"] = setting(
        "image",
        title="Measured over",
        help="Where the percentiles are taken: each image or stack for itself, or once over all training images. "
        "Take the training data when all images have the same exposure and brightness means something.",
    )
    low_percentile: float = setting(
        1.0,
        title="Dark percentile",
        help="Percentile of the intensities that becomes -1, in percent.",
        step=0.1,
        ge=0,
        le=100,
    )
    high_percentile: float = setting(
        99.8,
        title="Bright percentile",
        help="Percentile of the intensities that becomes 1, in percent.",
        step=0.1,
        ge=0,
        le=100,
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        """Refuse a dark percentile that is not below the bright one."""
        if self.low_percentile >= self.high_percentile:
            raise ValueError(
                f"the dark percentile {self.low_percentile} must be below the bright percentile {self.high_percentile}"
            )
        return self
