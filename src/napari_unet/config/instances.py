"""Settings of the step from probabilities to cells."""

from __future__ import annotations

from napari_unet.config._base import Settings, setting

USUAL_THRESHOLD = 0.5
"""Probability from which a pixel is foreground, where neither a person nor a model says."""

USUAL_OUTLINE = 0.4
"""Probability up to which cells reach, where a person says neither this nor the threshold."""


class InstancesConfig(Settings):
    """How cells are made from the foreground probability."""

    threshold: float | None = setting(
        None,
        title="Threshold",
        help="Probability from which a pixel is foreground, of which cells are made; empty: what found the annotated "
        f"cells best, about {USUAL_THRESHOLD}.",
        step=0.05,
        start=USUAL_THRESHOLD,
        gt=0,
        lt=1,
    )
    outline_threshold: float | None = setting(
        None,
        title="Outline",
        help="Probability from which a pixel beside a cell is part of it, in the width of growing back. Not below the "
        f"threshold: cells end where that says. Empty: {USUAL_OUTLINE}, or a threshold that is given.",
        step=0.05,
        start=USUAL_OUTLINE,
        gt=0,
        lt=1,
    )
    core_threshold: float | None = setting(
        None,
        title="Core",
        help="Probability that every cell reaches somewhere inside: cells joined by less are taken apart. Empty: "
        "what suits the annotated cells, if they are crowded. Not above the threshold: none are taken apart.",
        step=0.05,
        start=0.8,
        gt=0,
        lt=1,
    )
    core_reach_px: int = setting(
        20,
        title="Reach of cores",
        help="How far from its core a cell that is taken apart can reach, in px as the network sees the image, or of "
        "the image where it is enlarged.",
        ge=0,
        le=100,
    )
    min_size_px: int | None = setting(
        None,
        title="Smallest cell",
        help="Cells with fewer pixels are dropped; empty: by the small cells that the model was trained on, what found "
        "the annotated cells best.",
        advanced=False,
        ge=0,
    )
    min_probability: float | None = setting(
        None,
        title="Least probability",
        help="Mean foreground probability that a cell must have; one with less is dropped. Empty: two "
        "fifths as sure as the network is inside the annotated cells. 0: none is dropped.",
        step=0.05,
        start=0.7,
        ge=0,
        lt=1,
    )
    max_hole_px: int | None = setting(
        None, title="Largest hole", help="Holes of up to this many px inside a cell are filled; empty: all holes.", ge=0
    )
    grow_px: int = setting(
        2,
        title="Grow back",
        help="Width in px, as the network sees the image or, where it is enlarged, of the image, by which cells grow: "
        "touching ones back over the ridge that separated them, and all to their outlines.",
        ge=0,
        le=20,
    )


def outline_of(config: InstancesConfig) -> float:
    """Say up to which probability cells reach.

    Parameters
    ----------
    config
        How cells are made.

    Returns
    -------
    float
        The outline; where it is left open the usual one, or the threshold where a person gave that: he wants it so.

    Examples
    --------
    >>> outline_of(InstancesConfig()), outline_of(InstancesConfig(threshold=0.7))
    (0.4, 0.7)
    """
    if config.outline_threshold is not None:
        return config.outline_threshold
    return USUAL_OUTLINE if config.threshold is None else config.threshold
