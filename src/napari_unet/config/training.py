"""Settings of the training."""

from __future__ import annotations

from typing import Literal

from napari_unet.config._base import Settings, setting

WORKING_DIAMETER_PX, UNFAMILIAR_DIAMETER_PX, CROWDED_DIAMETER_PX = 32, 45, 56
"""Diameter in px at which the network likes to see a typical cell: whole, with what lies around it."""


class TrainingConfig(Settings):
    """How the network learns."""

    seconds: float = setting(
        300.0,
        title="Seconds",
        help="Training time in seconds; the learning rate comes to rest with it. Ignored when steps are given.",
        step=10,
        advanced=False,
        gt=0,
    )
    steps: int | None = setting(
        None,
        title="Steps",
        help="Number of optimiser steps; empty: train for the given seconds.",
        start=200,
        advanced=False,
        ge=1,
    )
    target: Literal["instances", "classes"] = setting(
        "instances",
        title="Target",
        help="'instances': each label is one cell. 'classes': the label is the class of the pixel.",
        advanced=False,
    )
    scheme: Literal["dense", "sparse"] = setting(
        "dense",
        title="Annotation",
        help="'dense': 0 is background. 'sparse': 0 is not annotated, 1 background, from 2 on one number a cell.",
        advanced=False,
    )
    rescale: float | None = setting(
        None,
        title="Rescale",
        help="Factor by which images are resampled before the network sees them; 1 leaves them as they are. Empty: "
        f"what brings annotated cells near {WORKING_DIAMETER_PX} px; of those that the starter model does not know, "
        f"large ones come near {UNFAMILIAR_DIAMETER_PX}, large crowded ones near {CROWDED_DIAMETER_PX}, and others but "
        "tiny ones stay as they are.",
        step=0.1,
        start=1,
        ge=0.02,
        le=10,
    )
    patch_px: int = setting(
        196,
        title="Patch size",
        help="Edge in px of the predicted part of a patch; the network reads a margin around it.",
        ge=4,
        le=4096,
    )
    batch_size: int = setting(4, title="Batch size", help="Patches a step.", ge=1, le=1024)
    optimizer: Literal["adamw", "sgd"] = setting(
        "adamw", title="Optimiser", help="'sgd' with high momentum and one large patch is the paper's."
    )
    learning_rate: float = setting(
        3e-3,
        title="Learning rate",
        help="Highest learning rate, reached after the warm-up; falls to zero along a cosine.",
        step=1e-4,
        gt=0,
        le=1,
    )
    steps_per_image: int = setting(
        60,
        title="Steps per image",
        help="Steps at the full learning rate for each annotated plane. From then on the rate falls as the steps go "
        "on, so that a long training does not learn a few images by heart; with each stroke it is full again.",
        ge=1,
    )
    gentle_rate: float = setting(
        0.1,
        title="Gentle rate",
        help="Factor on the learning rate when the model to start from finds the annotated cells already, so that it "
        "does not forget others. 1 teaches it like one that knows nothing.",
        step=0.05,
        gt=0,
        le=1,
    )
    kept_share: float = setting(
        0.5,
        title="Kept share",
        help="Share of the weights of the model to start from in the result, when it finds the annotated cells "
        "already; less where what is learnt contradicts it. 0 keeps nothing.",
        step=0.1,
        ge=0,
        lt=1,
    )
    momentum: float = setting(
        0.9, title="Momentum", help="Momentum of sgd, first beta of adamw.", step=0.01, ge=0, lt=1
    )
    weight_decay: float = setting(1e-4, title="Weight decay", help="Decoupled weight decay.", step=1e-4, ge=0, le=1)
    warm_up: float = setting(
        0.05, title="Warm-up", help="Share of the training in which the learning rate rises.", step=0.01, ge=0, le=0.5
    )
    weight_averaging: float = setting(
        0.99,
        title="Weight averaging",
        help="Decay of the running average of the weights that the model uses, which becomes longer when "
        "the steps per image of a trained model are used up. 0 switches it off.",
        step=0.01,
        ge=0,
        lt=1,
    )
    pseudo_label_from: float = setting(
        0.8,
        title="Pseudo-labels from",
        help="With sparse annotations of tissue, where cells fill most of the image: probability of a cell from which "
        "pixels that nobody annotated are learnt as cell, too. 1 switches it off, and so does weight averaging of 0.",
        step=0.05,
        ge=0.5,
        le=1,
    )
    validation: Literal["auto", "images", "regions", "none"] = setting(
        "auto",
        title="Validation",
        help="What is held out: whole planes, a region of each, nothing. 'auto': whole ones from five annotated on, "
        "else regions, and nothing for sparse annotations.",
    )
    validation_fraction: float = setting(
        0.1, title="Validation share", help="Share of the images or of the area held out.", step=0.05, gt=0, le=0.5
    )
    validation_seconds: float = setting(
        15.0, title="Validate every", help="Seconds of training between two validations.", step=5, gt=0
    )
    checkpoint_seconds: float = setting(
        6.0, title="Save every", help="Seconds of training between two checkpoints.", step=1, gt=0, le=10
    )
    seed: int = setting(0, title="Seed", help="Seed of every random number of the run.", ge=0, lt=2**31)
