"""The learning rate: over a run, which ends with its budget, and from a model that knows the cells already."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_unet.config.training import TrainingConfig


#: Intersection over union from which a model begins to know the annotated cells, and at which it knows them well.
_KNOWN = (0.45, 0.65)


def gentleness(config: TrainingConfig, iou: float) -> tuple[float, float]:
    """Say how gently to teach a model, by how well it knows the annotated cells.

    A few annotated cells teach their own looks. Over them, a model that has seen many others forgets these, unless it
    is taught with small steps and its old weights stay part of the new ones; one that does not know such cells at all
    must be free to learn.

    Parameters
    ----------
    config
        Holds what is best for a model that knows the cells well.
    iou
        Intersection over union of what the model finds and what is annotated, 0 … 1.

    Returns
    -------
    rate_factor : float
        Factor on the learning rate: from 1 (nothing known) to ``config.gentle_rate``.
    kept : float
        Share of the old weights in the new ones: from 0 to ``config.kept_share``.

    References
    ----------
    Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022, arXiv:2109.01903: the mean of old and new
    weights does better on either kind of image than each of them.

    Examples
    --------
    >>> from napari_unet.config.training import TrainingConfig
    >>> config = TrainingConfig(gentle_rate=0.01, kept_share=0.5)
    >>> [gentleness(config, iou) for iou in (0.2, 0.8)]
    [(1.0, 0.0), (0.01, 0.5)]
    """
    unknown, known = _KNOWN
    share = min(max((iou - unknown) / (known - unknown), 0.0), 1.0)
    return float(config.gentle_rate**share), config.kept_share * share


def progress(config: TrainingConfig, step: int, seconds: float) -> float:
    """Give the share of the budget that is used.

    Parameters
    ----------
    config
        Holds the budget, in steps or else in seconds.
    step
        Steps done.
    seconds
        Training time so far.

    Returns
    -------
    float
        0 … 1.
    """
    return min(1.0, step / config.steps if config.steps is not None else seconds / config.seconds)


def freshness(config: TrainingConfig, step: int, n_images: int) -> float:
    """Say how much there is still to learn from the annotated images.

    A network that goes on learning from one image at the full rate learns it by heart, and finds less in others. With
    a rate that falls like one over the steps, ten times as many of them add as much as the first did, and refine.

    Parameters
    ----------
    config
        Holds the steps at the full rate for each image.
    step
        Number of the step, from 0 when the annotation changed last.
    n_images
        Annotated planes.

    Returns
    -------
    float
        Factor on the learning rate, 0 … 1.

    References
    ----------
    Robbins, Monro, "A Stochastic Approximation Method", Annals of Mathematical Statistics 22, 1951,
    doi:10.1214/aoms/1177729586.

    Examples
    --------
    >>> from napari_unet.config.training import TrainingConfig
    >>> config = TrainingConfig(steps_per_image=50)
    >>> [freshness(config, step, 2) for step in (0, 99, 199, 999)]
    [1.0, 1.0, 0.5, 0.1]
    """
    return min(1.0, config.steps_per_image * n_images / (step + 1))


def learning_rate(config: TrainingConfig, used: float) -> float:
    """Give the learning rate: a straight rise, then half a cosine down to zero.

    Parameters
    ----------
    config
        Highest rate and length of the rise.
    used
        Share of the budget that is used, 0 … 1.

    Returns
    -------
    float
        Learning rate.

    Examples
    --------
    >>> from napari_unet.config.training import TrainingConfig
    >>> config = TrainingConfig(learning_rate=0.1, warm_up=0.1)
    >>> [round(learning_rate(config, used), 4) for used in (0.05, 0.1, 0.55, 1.0)]
    [0.05, 0.1, 0.05, 0.0]
    """
    if used < config.warm_up:
        # Never zero, or the first step would be lost.
        return config.learning_rate * max(used / config.warm_up, 0.01)
    return config.learning_rate * 0.5 * (1 + math.cos(math.pi * (used - config.warm_up) / (1 - config.warm_up)))
