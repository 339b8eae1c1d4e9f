"""Drawing what goes on as often as the machine draws easily: often with a graphics card, seldom without one."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, QTimer

if TYPE_CHECKING:
    from collections.abc import Callable

#: Part of the time that drawing may take: whatever changes makes the whole window be drawn again, which two or three of
#: its answers wait for. So 99 of 100 are as quick as they were.
_SHARE = 0.0025
_SHORTEST_MS, _LONGEST_MS = 250, 4000
#: Qt draws a few milliseconds after something has changed; by then it has done so.
_DRAWN_MS = 50


class PacedDrawing(QObject):
    """Calls something again and again while work goes on, the less often the longer the window draws after it.

    Parameters
    ----------
    draw
        Changes what is shown.
    parent
        Object it belongs to.
    """

    def __init__(self, draw: Callable[[], None], parent: QObject) -> None:
        super().__init__(parent)
        self._draw = draw
        self._began = 0.0
        self._next, self._after = self._timer(self._go), self._timer(self._measure)
        self._after.setInterval(_DRAWN_MS)

    def start(self) -> None:
        """Begin, soon for the first time."""
        self._next.start(_SHORTEST_MS)

    def stop(self) -> None:
        """Draw no more."""
        self._next.stop()
        self._after.stop()

    def _timer(self, act: Callable[[], None]) -> QTimer:
        """Make a timer that ends with this object."""
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.timeout.connect(act)
        return timer

    def _go(self) -> None:
        """Draw, and look a little later what that took."""
        self._began = time.thread_time()
        self._after.start()
        self._draw()

    def _measure(self) -> None:
        """Rest for so long that the window has time for other things."""
        self._next.start(rest_ms((time.thread_time() - self._began) * 1e3))


def rest_ms(drawn_ms: float) -> int:
    """Give how long to rest after drawing.

    Parameters
    ----------
    drawn_ms
        What drawing took of the processor's time, ms.

    Returns
    -------
    int
        Milliseconds.

    Examples
    --------
    >>> rest_ms(0.5), rest_ms(2), rest_ms(8), rest_ms(100)
    (250, 800, 3200, 4000)
    """
    return round(min(max(drawn_ms / _SHARE, _SHORTEST_MS), _LONGEST_MS))
