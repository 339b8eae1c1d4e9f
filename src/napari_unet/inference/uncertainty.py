"""How unsure a model is of each pixel.

The network predicts what it sees from eight sides, turned and mirrored. One that knows what it sees gives the same
answer each time. The entropy of the mean answer is all that it leaves open; the mutual information of answer and side
is the part of it that the sides disagree about (Houlsby et al.).

References
----------
Houlsby, Huszár, Ghahramani, Lengyel, "Bayesian Active Learning for Classification and Preference Learning", 2011,
arXiv:1112.5745.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from napari_unet.inference.averaging import predict_views
from napari_unet.inference.predictor import Predictor

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari_unet.config.execution import ExecutionConfig
    from napari_unet.config.tiling import TilingConfig
    from napari_unet.models.model_file import TrainedModel

_SIDES = "rotations and mirrors"


class UncertaintyPredictor(Predictor):
    """A trained network that tells how unsure it is: its tiles hold one channel, 0 … 1, in place of probabilities.

    Parameters
    ----------
    model
        The trained model; it is not changed.
    tiling
        How images are cut; None: as in the recipe of the model. Averaging is always over rotations and mirrors.
    execution
        Device and precision; None: the best this machine has.
    """

    def __init__(
        self, model: TrainedModel, tiling: TilingConfig | None = None, execution: ExecutionConfig | None = None
    ) -> None:
        tiling = tiling or model.card.recipe.tiling
        super().__init__(model, tiling.model_copy(update={"averaging": _SIDES}), execution)
        self._n_outputs = 1

    def _evaluate(self, window: Tensor) -> Tensor:
        """Give the uncertainty of a normalised window."""
        return uncertainty_of_views(predict_views(self.network, window, _SIDES))


def uncertainty_of_views(views: Iterable[Tensor]) -> Tensor:
    """Give the mutual information of answer and side."""
    total, own, count = torch.zeros(()), torch.zeros(()), 0
    for probabilities in views:
        total, own, count = total + probabilities, own + entropy(probabilities), count + 1
    return (entropy(total / count) - own / count).clamp_(min=0)


def entropy(probabilities: Tensor) -> Tensor:
    """Give the entropy of the classes.

    Parameters
    ----------
    probabilities
        (N, classes, y, x), classes sum to 1.

    Returns
    -------
    torch.Tensor
        (N, 1, y, x): 0 where one class is certain, 1 where all are equally probable.
    """
    found: Tensor = torch.special.entr(probabilities).sum(1, keepdim=True) / math.log(probabilities.shape[1])
    return found
