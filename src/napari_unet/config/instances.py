"""Settings of the step from probabilities to cells."""

from __future__ import annotations

from napari_unet.config._base import Settings, setting

USUAL_THRESHOLD = 0.5
"""Probability from which a pixel is foreground, where neither a person nor a model says."""


class InstancesConfig(Settings):
    """How cells are made from the foreground probability."""

    threshold: float | None = setting(
        None,
        title="Threshold",
        help="Probability from which a pixel is foreground; empty: what found the annotated cells best, about "
        f"{USUAL_THRESHOLD}.",
        step=0.05,
        start=USUAL_THRESHOLD,
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
        help="How far from its core a cell that is taken apart can reach, in px as the network sees the image.",
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
        help="Width in px, as the network sees the image, by which touching cells grow back over the ridge that "
        "separated them.",
        ge=0,
        le=20,
    )
