"""Training time: what is spent inside the trainer, and what is due when."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_unet.config.training import TrainingConfig


class Clock:
    """Counts the training time and tells what is due.

    Parameters
    ----------
    seconds
        Training time so far.
    config
        How often to validate and to save.
    """

    def __init__(self, seconds: float, config: TrainingConfig) -> None:
        self.seconds = seconds
        self._config = config
        self._since = time.perf_counter()
        self._validate_at = seconds + config.validation_seconds
        self._save_at = seconds + config.checkpoint_seconds

    def start(self) -> None:
        """Begin to count."""
        self._since = time.perf_counter()

    def stop(self) -> float:
        """Count up to now.

        Returns
        -------
        float
            Training time so far, seconds.
        """
        now = time.perf_counter()
        self.seconds += now - self._since
        self._since = now
        return self.seconds

    def leave_out(self, seconds: float) -> None:
        """Leave out a part of the time that is being counted.

        Parameters
        ----------
        seconds
            At most what has gone by since `start` or `stop`.
        """
        self._since += seconds

    def validation_is_due(self) -> bool:
        """Say whether to validate; if so, the next time is set."""
        if self.seconds < self._validate_at:
            return False
        self._validate_at = self.seconds + self._config.validation_seconds
        return True

    def save_is_due(self) -> bool:
        """Say whether to save; if so, the next time is set."""
        if self.seconds < self._save_at:
            return False
        self._save_at = self.seconds + self._config.checkpoint_seconds
        return True
