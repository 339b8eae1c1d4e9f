"""How far long work is: a bar in the dock, and one in napari's activity dock."""

from __future__ import annotations

import time
from contextlib import closing
from functools import partial
from typing import Any

from napari.utils import progress
from qtpy.QtGui import QMovie
from qtpy.QtWidgets import QLabel, QProgressBar, QVBoxLayout, QWidget

from napari_unet.widgets._lifetime import on_destruction
from napari_unet.widgets._still_label import StillLabel

_PARTS = 1000
#: The activity dock handles all that waits for the window each time it shows progress.
_MIRROR_S = 5.0


class ProgressLine(QWidget):
    """A bar with a line of text under it, out of sight while nothing runs.

    Parameters
    ----------
    title
        Name of the work in the activity dock.
    """

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = title
        self._mirror: list[Any] = []
        self._mirrored = 0.0
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setMaximumHeight(8)
        self.text = StillLabel()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.bar)
        layout.addWidget(self.text)
        self.hide()
        # The activity dock would show the work of a destroyed dock for ever.
        on_destruction(self, partial(_end, self._mirror))

    def begin(self, text: str) -> None:
        """Show that work has begun, how long it takes is not known yet.

        Parameters
        ----------
        text
            What happens now.
        """
        _end(self._mirror)
        self._mirror.append(progress(total=_PARTS, desc=self._title))
        _rest_wheels(self.window())
        # Not the bar that runs to and fro: it makes the whole window be drawn thirty times a second.
        self.bar.setRange(0, _PARTS)
        self.bar.setValue(0)
        self.text.setText(text)
        self.show()

    def advance(self, share: float | None, text: str) -> None:
        """Show how far it is.

        Parameters
        ----------
        share
            Part that is done, 0 … 1; None: not known yet.
        text
            What happens now, such as "step 120, 35 s left".
        """
        if share is not None:
            done = round(min(max(share, 0.0), 1.0) * _PARTS)
            # Before anything changes here: it draws what has changed, and the rest would be drawn after it.
            self._show_mirror(done)
            # A bar draws itself, and the window with it, as soon as it has another value.
            self.setUpdatesEnabled(False)
            self.bar.setValue(done)
            self.setUpdatesEnabled(True)
        self.text.setText(text)

    def _show_mirror(self, done: int) -> None:
        """Show in the activity dock how far it is, unless it did so a moment ago."""
        now = time.monotonic()
        if now - self._mirrored >= _MIRROR_S:
            self._mirrored = now
            for mirror in self._mirror:
                mirror.update(done - mirror.n)

    def end(self) -> None:
        """Show no longer."""
        _end(self._mirror)
        self.hide()


def _rest_wheels(window: QWidget | None) -> None:
    """Show the wheel that napari turns while something is in progress, but do not let it turn.

    Each of its 30 pictures a second makes the whole window be put together again, which takes 10 ms where no graphics
    card does it.
    """
    for label in () if window is None else window.findChildren(QLabel):
        wheel = label.movie()
        if wheel is not None and wheel.state() == QMovie.MovieState.Running:
            wheel.setPaused(True)


def _end(mirror: list[Any]) -> None:
    """Take a bar out of the activity dock."""
    while mirror:
        with closing(mirror.pop()):
            pass
