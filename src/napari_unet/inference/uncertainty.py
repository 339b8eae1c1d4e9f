"""How unsure a model is of each pixel."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import entr

if TYPE_CHECKING:
    from numpy.typing import NDArray


def uncertainty(probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give the entropy of the classes, as a share of the largest possible.

    Parameters
    ----------
    probabilities
        (classes, ...), classes sum to 1. Averaged over views of the image, they hold what the views disagree about too.

    Returns
    -------
    numpy.ndarray
        float32, one axis less: 0 where one class is certain, 1 where all are equally probable.

    References
    ----------
    Shannon, "A Mathematical Theory of Communication", Bell System Technical Journal 27, 1948,
    doi:10.1002/j.1538-7305.1948.tb01338.x. As what to annotate next: Houlsby, Huszár, Ghahramani, Lengyel, "Bayesian
    Active Learning for Classification and Preference Learning", 2011, arXiv:1112.5745.

    Examples
    --------
    >>> uncertainty(np.array([[0.5, 1.0, 0.25], [0.5, 0.0, 0.75]], np.float32)).round(3).tolist()
    [1.0, 0.0, 0.8109999895095825]
    """
    found: NDArray[np.float32] = entr(probabilities).sum(axis=0) / np.float32(math.log(len(probabilities)))
    return found
