"""Work that lets a person at the window go first. Needs no torch."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import nn

#: So often whoever waits looks whether the way is free, seconds.
_LOOK_S = 0.01


class GivingWay:
    """Tells work in another thread to rest while a person uses the window.

    On a few processor cores the window, which draws, and a training, which computes, are in each other's way. Each call
    of `hold` holds for a short time only, so that nothing that a window forgets to tell can hold for ever.

    Examples
    --------
    >>> way = GivingWay()
    >>> way.hold(0.1)
    >>> way.wait() > 0.05
    True
    >>> way.wait()
    0.0
    """

    def __init__(self) -> None:
        self._until = 0.0

    def hold(self, seconds: float) -> None:
        """Hold for so long from now on, whatever was said before. May be called from any thread.

        Parameters
        ----------
        seconds
            0 lets go.
        """
        self._until = time.monotonic() + seconds

    def wait(self) -> float:
        """Wait until the way is free.

        Returns
        -------
        float
            How long that took, seconds; 0 where it was free.
        """
        if self._until <= (began := time.monotonic()):
            return 0.0
        while (left := self._until - time.monotonic()) > 0:
            time.sleep(min(left, _LOOK_S))
        return time.monotonic() - began


def resting(
    network: nn.Module | None, way: GivingWay | None, leave_out: Callable[[float], None]
) -> AbstractContextManager[None]:
    """Let a person at the window go first between two layers of a network.

    Parameters
    ----------
    network
        Computed within the context. One on a graphics card leaves the processor to the window, and does not rest. None:
        nothing is computed.
    way
        What is waited for; None: nothing.
    leave_out
        Told the seconds of each rest.

    Returns
    -------
    context manager
        Lasts as long as the work.
    """
    if way is None or network is None or next(network.parameters()).device.type != "cpu":
        return nullcontext()
    from napari_unet.models.between_layers import between_layers

    return between_layers(network, lambda: leave_out(way.wait()))
