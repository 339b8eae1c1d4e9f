"""Ctrl-C that ends the work at the next good moment, and at once when pressed again."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any, Self

from napari_unet.cli.messages import say

if TYPE_CHECKING:
    from types import FrameType, TracebackType

#: Exit code of a run that was stopped, as shells have it; nothing was lost.
STOPPED = 130


class Interrupt:
    """Inside the block, the first Ctrl-C (or the end of a cluster job's time) is noted, the second one stops at once.

    Parameters
    ----------
    message
        Said when it is noted.

    Attributes
    ----------
    requested
        Whether to stop.
    """

    _SIGNALS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self, message: str) -> None:
        self.requested = False
        self._message = message
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._note) for number in self._SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._restore()

    def _note(self, number: int, frame: FrameType | None) -> None:
        """Note the wish, and let the next signal act as usual."""
        self.requested = True
        self._restore()
        say(self._message)

    def _restore(self) -> None:
        """Give the signals back to who had them."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
