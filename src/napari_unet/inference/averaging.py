"""Averaging of predictions over rotations and mirrors.

References
----------
Ronneberger, Fischer, Brox, "U-Net: Convolutional Networks for Biomedical Image Segmentation", MICCAI 2015,
arXiv:1505.04597, table 1: the paper averages 7 rotated versions of the image.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: Quarter turns and mirroring of the window, by the setting's value.
VIEWS = {
    "none": [(0, False)],
    "rotations": [(turns, False) for turns in range(4)],
    "rotations and mirrors": [(turns, mirrored) for mirrored in (False, True) for turns in range(4)],
}
_PLANE = (-2, -1)


def average_views(network: Callable[[Tensor], Tensor], window: Tensor, averaging: str) -> Tensor:
    """Predict a window as seen from several sides and average the probabilities.

    A window begins and ends at a multiple of the period of max-pooling from where the window of the whole image does,
    so the turned window is pooled as the turned image would be: the average does not depend on the tiles either.

    Parameters
    ----------
    network
        Maps (N, C, Y, X) to logits (N, classes, y, x).
    window
        Normalised intensities, (N, C, Y, X).
    averaging
        One of `VIEWS`.

    Returns
    -------
    torch.Tensor
        Probabilities of the classes, float32, (N, classes, y, x).
    """
    views = _views(network, window, averaging)
    mean = next(views)
    for probabilities in views:
        mean += probabilities
    return mean.div_(len(VIEWS[averaging]))


def _views(network: Callable[[Tensor], Tensor], window: Tensor, averaging: str) -> Iterator[Tensor]:
    """Predict each view, turned back."""
    for turns, mirrored in VIEWS[averaging]:
        view = torch.rot90(window.flip(-1) if mirrored else window, turns, _PLANE)
        logits = network(view.contiguous(memory_format=torch.channels_last))
        probabilities = torch.rot90(logits.float().softmax(1), -turns, _PLANE)
        yield probabilities.flip(-1) if mirrored else probabilities
