"""How a training gets on, for those who watch it: rate, time left, average loss. Needs no torch."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari_unet.training.events import Stepped

#: Steps over which the rate is measured.
_WINDOW = 50
#: Share of the old average in the smoothed loss.
_DECAY = 0.95


class Pace:
    """Measures how fast a training is, from its latest steps: the first one is often slow."""

    def __init__(self) -> None:
        self._steps: deque[Stepped] = deque(maxlen=_WINDOW)

    def add(self, event: Stepped) -> None:
        """Take a step into account."""
        self._steps.append(event)

    def rate(self) -> float | None:
        """Give the steps a second of training time; None: not known yet."""
        seconds = self._steps[-1].seconds - self._steps[0].seconds if self._steps else 0.0
        return None if seconds <= 0 else (self._steps[-1].step - self._steps[0].step) / seconds

    def seconds_left(self) -> float | None:
        """Give the training time to come, seconds; None: not known yet."""
        if not self._steps:
            return None
        first, last = self._steps[0], self._steps[-1]
        done = last.progress - first.progress
        return None if done <= 0 else (last.seconds - first.seconds) * (1 - last.progress) / done


class LossHistory:
    """Loss of each step, and its average over the latest steps, more recent ones counting more.

    Attributes
    ----------
    losses, averages
        As many numbers as steps.

    Examples
    --------
    >>> history = LossHistory([2.0, 2.0])
    >>> history.add(3, 1.0)
    >>> history.losses, [round(average, 2) for average in history.averages]
    ([2.0, 2.0, 1.0], [2.0, 2.0, 1.65])
    """

    def __init__(self, losses: Iterable[float] = ()) -> None:
        self.losses: list[float] = []
        self.averages: list[float] = []
        for step, loss in enumerate(losses, start=1):
            self.add(step, loss)

    def add(self, step: int, loss: float) -> None:
        """Add the loss of a step; later ones are forgotten, because the training went back.

        Parameters
        ----------
        step
            Number of the step, from 1 on.
        loss
            Its loss.
        """
        del self.losses[step - 1 :], self.averages[step - 1 :]
        self.losses.append(loss)
        # The first averages are those of the few steps there are.
        share = (1 - _DECAY) / (1 - _DECAY**step)
        before = self.averages[-1] if self.averages else loss
        self.averages.append(before + share * (loss - before))


def duration(seconds: float) -> str:
    """Write a time for people.

    Examples
    --------
    >>> duration(8.4), duration(75), duration(3 * 3600 + 120)
    ('8 s', '1 min 15 s', '3 h 2 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
