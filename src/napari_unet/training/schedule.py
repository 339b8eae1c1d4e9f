"""The learning rate and the running average of the weights over a run, which ends with its budget."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_unet.config.training import TrainingConfig


#: Factor on the learning rate below which the average of the weights becomes long, see `renewal`.
_FALLEN = 0.6


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


def renewal(config: TrainingConfig, step: int, since: int, fresh: float) -> float:
    """Say how much of the running average of the weights the weights of a step replace.

    The average starts short, as early weights are worth little, and becomes as long as the setting says. A network that
    goes on learning from the same annotations learns them by heart, in a way of its own at each time; what the weights
    of all these steps have in common finds more in other images. So once the rate has fallen the average is over all
    steps since then, each counting as much as it could still learn: as one over its number, like the rate.

    Parameters
    ----------
    config
        Holds the decay of the average.
    step
        Steps done, this one counted.
    since
        How many of them since the annotation changed last.
    fresh
        How much there was still to learn at this step, see `freshness`.

    Returns
    -------
    float
        0 … 1.

    References
    ----------
    Polyak, Juditsky, "Acceleration of stochastic approximation by averaging", SIAM Journal on Control and Optimization
    30, 1992, doi:10.1137/0330046.

    Examples
    --------
    >>> from napari_unet.config.training import TrainingConfig
    >>> config = TrainingConfig(weight_averaging=0.99)
    >>> [round(renewal(config, *at), 4) for at in ((8, 8, 1.0), (990, 50, 1.0), (990, 990, 0.06))]
    [0.5, 0.01, 0.0004]
    """
    usual = max(1 - config.weight_averaging, 9 / (10 + step))
    # The weights of all steps since the rate had fallen, 1 / step, add up to a logarithm.
    return min(usual, 1 / (since * math.log(_FALLEN / fresh))) if fresh < _FALLEN else usual
