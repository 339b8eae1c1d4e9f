"""How gently to teach a model that has learnt before, and how much of it to keep."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_unet.training.validation import agreement, validate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import nn

    from napari_unet.config.training import TrainingConfig
    from napari_unet.data.sampling import Batch
    from napari_unet.training.computation import Computation

#: Intersection over union from which a model begins to know the annotated cells, and at which it knows them well.
_KNOWN = (0.45, 0.65)


def is_known(iou: float) -> bool:
    """Tell whether a model that finds so much of the annotated cells is kept to any extent; see `gentleness`."""
    return iou > _KNOWN[0]


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


def worth_keeping(
    config: TrainingConfig,
    old: nn.Module,
    new: nn.Module,
    batches: list[Batch],
    computation: Computation,
    class_balance: Sequence[float],
) -> float:
    """Say how much of a model to start from is worth keeping, now that something was learnt.

    A few annotated cells may look familiar by chance, and those around them may not: what was learnt tells. So no more
    is kept than the square of how far old and new find the same, annotated or not.

    Parameters
    ----------
    config
        See `gentleness`.
    old, new
        The network to start from, and what was made of it; they are not changed.
    batches
        Annotated patches; most of their pixels may be unannotated.
    computation, class_balance
        See `napari_unet.training.validation.validate`.

    Returns
    -------
    float
        Share of the old weights, from 0 to ``config.kept_share``.
    """
    _, iou = validate(old, batches, computation, class_balance)
    _, kept = gentleness(config, iou)
    # Nothing can become less, and asking both networks takes as long as a step or two.
    return min(kept, agreement(old, new, batches, computation, class_balance) ** 2) if kept else 0.0
