"""Settings of the weight map: how much each pixel counts in the loss."""

from __future__ import annotations

from typing import Literal

from napari_unet.config._base import Settings, setting

PUBLISHED_BORDER = {"paper": (10.0, 5.0), "falk2019": (50.0, 6.0)}
"""Border weight w0 and border width sigma in px as published with each formula.

``paper``: Ronneberger et al. 2015, arXiv:1505.04597, section 3.
``falk2019``: Falk et al. 2019, doi:10.1038/s41592-018-0261-2, supplement.
"""

ONLY_FALK2019 = ("background_weight", "surround_width_px")
"""Settings that count with formula ``falk2019`` alone."""


class WeightMapConfig(Settings):
    """How much each pixel counts in the loss.

    Examples
    --------
    >>> WeightMapConfig().border
    (10.0, 5.0)
    >>> WeightMapConfig(formula="falk2019", border_width_px=4).border
    (50.0, 4.0)
    """

    formula: Literal["paper", "falk2019"] = setting(
        "paper",
        title="Weight formula",
        help="'paper': class balance plus a border term (Ronneberger 2015). 'falk2019': background counts less "
        "the farther it is from cells (Falk 2019).",
    )
    border_weight: float | None = setting(
        None,
        title="Border weight",
        help="Extra weight w0 of background squeezed between two cells. Empty: as published with the formula.",
        ge=0,
        le=1000,
        step=1,
    )
    border_width_px: float | None = setting(
        None,
        title="Border width",
        help="Width sigma of the border term in pixels. Empty: as published with the formula.",
        ge=0.5,
        le=50,
        step=0.5,
    )
    balance_classes: bool = setting(
        True,
        title="Balance classes",
        help="Weigh rare classes up, so that every class counts as much as the others. Formula 'falk2019' with cells "
        "does this by its background weight instead.",
    )
    background_weight: float = setting(
        0.1,
        title="Far background weight",
        help="Formula 'falk2019': weight r of background far from every cell.",
        ge=0,
        le=1,
        step=0.05,
    )
    surround_width_px: float = setting(
        10.0,
        title="Surround width",
        help="Formula 'falk2019': how far in pixels (sigma) the weight around a cell falls off to the far background.",
        ge=0.5,
        le=50,
        step=0.5,
    )

    @property
    def border(self) -> tuple[float, float]:
        """Border weight w0 and border width sigma in px that hold for the chosen formula."""
        weight, width = PUBLISHED_BORDER[self.formula]
        return (
            weight if self.border_weight is None else self.border_weight,
            width if self.border_width_px is None else self.border_width_px,
        )
