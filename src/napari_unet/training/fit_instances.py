"""What finds the annotated cells best when a training has ended: core, threshold, smallest cell, least probability.

They are chosen on a few windows of the annotated planes. Few cells say little, and those learnt from less than others:
so the choice is among values near the usual ones, and is another than these only where it finds clearly more cells.
"""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit, logit

from napari_unet.data.crowding import crowd
from napari_unet.inference.instances import find_instances
from napari_unet.inference.options import settle
from napari_unet.inference.predictor import Predictor
from napari_unet.metrics import detection, overlaps
from napari_unet.models.card import ModelCard
from napari_unet.models.model_file import load_model, save_model
from napari_unet.training.annotated_windows import take_samples

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_unet.config.training import TrainingConfig
    from napari_unet.data.training_image import TrainingImage
    from napari_unet.models.model_file import TrainedModel
    from napari_unet.training.annotated_windows import Sample

#: What is chosen, as the card calls it.
_CHOSEN = ("threshold", "core_threshold", "smallest_share", "min_probability")
#: What there is to choose from; wider choices followed the image that was learnt from, not the others.
_THRESHOLDS = (0.4, 0.5, 0.6)
_SMALLEST_SHARES = (0.5, 0.75, 1.0)
#: Average precision that a choice must gain, and how many cells: for a threshold with log odds of one (another image
#: may want the opposite, so there must be a great gain), and for a smallest cell of twice the pixels.
_THRESHOLD_GAIN, _THRESHOLD_CELLS = 0.25, 3.0
_SIZE_GAIN, _SIZE_CELLS = 0.0125, 3.0
_CORE_GAIN, _CORE_CELLS = 0.05, 2.0
#: The same for keeping unsure cells: the image learnt from, of which all is known by heart, shows none that is false.
_UNSURE_GAIN, _UNSURE_CELLS = 0.0125, 1.0
#: How sure a core must be, and a cell in the mean, as a share of how sure the network is inside annotated cells.
_CORE_SURENESS, _LEAST_SURENESS = 0.5, 0.4
#: A mean probability of this, odds of e to 1, is enough in any case: of cells in other images a network is less sure.
_SURE_ENOUGH = 0.731
#: Pixels looked at: at most so many, and no more than this share of those learnt from.
_MOST_PX, _SHARE = 2**21, 0.05
#: A probability from which on being surer tells nothing.
_SUREST = 1 - 1e-5


def affordable_px(config: TrainingConfig, steps: int) -> int:
    """Say how many pixels may be looked at, for the choice to take little of the time that the training took.

    Parameters
    ----------
    config
        Says how much a step learns from.
    steps
        Steps that were done.

    Returns
    -------
    int
        Pixels as the network sees them.

    Examples
    --------
    >>> from napari_unet.config.training import TrainingConfig
    >>> affordable_px(TrainingConfig(patch_px=100, batch_size=4), 100)
    200000
    """
    return min(_MOST_PX, int(_SHARE * steps * config.batch_size * config.patch_px**2))


def fit_saved(path: Path, images: Iterable[TrainingImage], steps: int) -> None:
    """Choose how a model that was saved finds cells, and save it with the model.

    Parameters
    ----------
    path
        The model file.
    images
        Images with their annotations.
    steps
        Steps that were done.
    """
    model = load_model(path)
    # What was chosen when a run was stopped is forgotten when it has gone on: as if it had never stopped.
    begun = model.card.model_copy(update={name: ModelCard.model_fields[name].default for name in _CHOSEN})
    card = fit_instances(replace(model, card=begun), images, affordable_px(begun.recipe.training, steps))
    if card != model.card:
        save_model(replace(model, card=card), path)


def fit_instances(model: TrainedModel, images: Iterable[TrainingImage], n_px: int) -> ModelCard:
    """Choose core, threshold, smallest cell and least probability of a model.

    Parameters
    ----------
    model
        The model.
    images
        Images with their annotations.
    n_px
        Pixels to look at, as the network sees them.

    Returns
    -------
    ModelCard
        That of the model with the choice; as it was where cells are not looked for, or none is seen as a whole.
    """
    if model.card.recipe.training.target != "instances":
        return model.card
    predictor = Predictor(model, model.card.recipe.tiling, model.card.recipe.execution)
    samples = [sample for sample in take_samples(predictor, images, n_px) if sample.cells.any()]
    return choose(model.card, samples, predictor.scale) if samples else model.card


def choose(card: ModelCard, samples: Sequence[Sample], scale: float) -> ModelCard:
    """Choose what finds the cells of samples best.

    Parameters
    ----------
    card
        Of the model; what its recipe leaves open is chosen.
    samples
        At least one, with a cell.
    scale
        Factor by which images are resampled for the network.

    Returns
    -------
    ModelCard
        With the choice.
    """
    n_cells = sum(np.unique(sample.cells).size - 1 for sample in samples)
    card = _choose_core(card, samples, scale, n_cells)
    priced = [
        (card.model_copy(update={"threshold": threshold, "smallest_share": share}), _price(threshold, share, n_cells))
        for threshold, share in _candidates(card)
    ]
    return _choose_least(_best(priced, samples, scale), samples, scale, n_cells)


def _choose_least(card: ModelCard, samples: Sequence[Sample], scale: float, n_cells: int) -> ModelCard:
    """Choose the least probability, with all else as it was chosen; what a person has settled is not chosen again."""
    if card.recipe.instances.min_probability is not None:
        return card
    least = card.model_copy(update={"min_probability": min(as_sure(samples, _LEAST_SURENESS), _SURE_ENOUGH)})
    all_kept = card.model_copy(update={"min_probability": 0.0})
    return _best([(least, 0.0), (all_kept, _UNSURE_GAIN + _UNSURE_CELLS / n_cells)], samples, scale)


def _choose_core(card: ModelCard, samples: Sequence[Sample], scale: float, n_cells: int) -> ModelCard:
    """Choose the core, with all else as is usual; what a person has settled is not chosen again."""
    if card.recipe.instances.core_threshold is not None:
        return card
    with_cores = card.model_copy(update={"core_threshold": as_sure(samples, _CORE_SURENESS)})
    without = card.model_copy(update={"core_threshold": None})
    # Where cells are crowded, cores need not gain: the image learnt from, where cells are kept apart by heart, may show
    # none.
    price = 0.0 if crowd(sample.cells for sample in samples) else _CORE_GAIN + _CORE_CELLS / n_cells
    return _best([(with_cores, price), (without, 0.0)], samples, scale)


def as_sure(samples: Sequence[Sample], share: float) -> float:
    """Give the probability that is so sure, in log odds, as a share of what a network is inside an annotated cell.

    How sure a network is says how long it has learnt, rather than how right it is: a fixed probability is too much for
    one that has begun to learn, and means nothing to one that has learnt for long.

    Parameters
    ----------
    samples
        At least one, with a cell.
    share
        Share of the log odds that are typical inside a cell.

    Returns
    -------
    float
        0.5 … 1, to three decimals.

    Examples
    --------
    Odds of 9 to 1 are half as sure as those of 81 to 1.

    >>> from napari_unet.training.annotated_windows import Sample
    >>> cells = np.ones((4, 4), np.int32)
    >>> as_sure([Sample(np.full((4, 4), 81 / 82, np.float32), cells, cells > 0)], 0.5)
    0.9
    """
    inside = np.concatenate([sample.foreground[sample.cells > 0] for sample in samples])
    return round(float(expit(logit(np.clip(np.median(inside).astype(float), 0.5, _SUREST)) * share)), 3)


def _best(priced: Iterable[tuple[ModelCard, float]], samples: Sequence[Sample], scale: float) -> ModelCard:
    """Give the model that finds most, its price taken off; the first of equals."""
    return max(priced, key=lambda pair: _precision(pair[0], samples, scale) - pair[1])[0]


def _precision(card: ModelCard, samples: Sequence[Sample], scale: float) -> float:
    """Give the average precision of what a model finds."""
    config = settle(card.recipe.instances, card, scale)
    found, *wrong = np.sum([count(find_instances(sample.foreground, config), sample) for sample in samples], axis=0)
    return float(found / (found + sum(wrong)))


def count(found: NDArray[np.int32], sample: Sample) -> NDArray[np.int64]:
    """Compare cells with annotated ones; what lies mostly where nobody annotated is neither right nor wrong.

    Parameters
    ----------
    found
        Cells, 0 is background, int32 (y, x).
    sample
        What is annotated there.

    Returns
    -------
    numpy.ndarray
        Cells that were found (intersection over union of one half at least), falsely found, and missed.
    """
    sizes = np.bincount(found.ravel())
    known = np.bincount(found[sample.annotated], minlength=sizes.size)
    is_kept = 2 * known > sizes
    is_kept[0] = False
    judged = np.where(is_kept[found] & sample.annotated, found, 0)
    result = detection(overlaps(judged, sample.cells), 0.5)
    return np.array([result.found, result.false, result.missed])


def _candidates(card: ModelCard) -> Iterator[tuple[float, float]]:
    """List what to choose from, the usual first; what a person has settled is not chosen again."""
    config = card.recipe.instances
    thresholds = _THRESHOLDS if config.threshold is None else (config.threshold,)
    shares = _SMALLEST_SHARES if config.min_size_px is None else (card.smallest_share,)
    yield from sorted(product(thresholds, shares), key=lambda pair: _price(pair[0], pair[1], 1))


def _price(threshold: float, share: float, n_cells: int) -> float:
    """Say what a choice must gain over the usual values."""
    for_threshold = (_THRESHOLD_GAIN + _THRESHOLD_CELLS / n_cells) * abs(float(logit(threshold)))
    return for_threshold + (_SIZE_GAIN + _SIZE_CELLS / n_cells) * math.log2(share / _SMALLEST_SHARES[0])
