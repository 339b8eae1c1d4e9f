"""Going back where a step gives no finite number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_unet.training.events import Recovered

if TYPE_CHECKING:
    from napari_unet.training.state import TrainingState

#: So often the learning rate is halved before a run gives up.
MOST_RECOVERIES = 20


class TrainingError(RuntimeError):
    """The training cannot go on; what was learnt before is saved."""


class SafeState:
    """The last good state of a training.

    Parameters
    ----------
    state
        Is remembered as it is now.

    Attributes
    ----------
    tensors, counters
        What is remembered, see `TrainingState`.
    """

    def __init__(self, state: TrainingState) -> None:
        self._state, self._n_recoveries = state, 0
        self.remember()

    def remember(self) -> None:
        """Remember the state as it is now."""
        self.tensors, self.counters = self._state.tensors(), self._state.counters()

    def go_back(self) -> Recovered:
        """Go back to it, with half the learning rate.

        Returns
        -------
        Recovered
            What happened.

        Raises
        ------
        TrainingError
            If that was done often enough.
        """
        failed, factor, seconds = self._state.step + 1, self._state.rate_factor / 2, self._state.seconds
        self._state.restore(self.tensors, self.counters)
        self._state.seconds, self._state.rate_factor = seconds, factor
        self._n_recoveries += 1
        if self._n_recoveries > MOST_RECOVERIES:
            raise TrainingError(
                f"step {failed} gave no finite loss {MOST_RECOVERIES} times, each with half the learning rate; look "
                "for extreme values in the images, or train in float32 (execution.precision)."
            )
        step = self._state.step
        message = f"step {failed} gave no finite number; back to step {step}, learning rate times {factor:g}"
        return Recovered(step, message)
