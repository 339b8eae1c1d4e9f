"""Training shown in a terminal: a bar with rate and time left, or plain lines in a log."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Never, Self

from tqdm import tqdm

from napari_unet.cli.messages import duration, say

if TYPE_CHECKING:
    from types import TracebackType

    from napari_unet.training.events import Event, Started, Stepped

_SECONDS_BETWEEN_LINES = 10.0


class TrainingProgress:
    """Shows the events of a training on stderr."""

    def __init__(self) -> None:
        self._bar: tqdm[Never] | None = None
        self._start: Stepped | None = None
        self._next_line = 0.0
        self._iou = ""

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            self._bar = tqdm(total=1.0, bar_format="{percentage:3.0f} %|{bar:20}| {desc}", file=sys.stderr)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def show(self, event: Event) -> None:
        """Show an event.

        Parameters
        ----------
        event
            What happened.
        """
        from napari_unet.training.events import Recovered, Started, Stepped, Validated

        if isinstance(event, Started):
            say(_introduction(event))
        elif isinstance(event, Stepped):
            self._show_step(event)
        elif isinstance(event, Validated):
            self._iou = f", validation IoU {event.iou:.3f}" + (" (best)" if event.best else "")
        elif isinstance(event, Recovered):
            say(event.message)

    def _show_step(self, event: Stepped) -> None:
        """Move the bar, or write a line now and then."""
        text = f"step {event.step}, loss {event.loss:.3f}{self._iou}{self._speed(event)}"
        if self._bar is not None:
            self._bar.set_description_str(text, refresh=False)
            self._bar.update(min(event.progress, 1.0) - self._bar.n)
        elif event.seconds >= self._next_line:
            self._next_line = event.seconds + _SECONDS_BETWEEN_LINES
            say(text)

    def _speed(self, event: Stepped) -> str:
        """Write rate and time left, measured from the second step on: the first one is often slow."""
        first = self._start = self._start or event
        if event.seconds <= first.seconds or event.progress <= first.progress:
            return ""
        seconds, progress = event.seconds - first.seconds, event.progress - first.progress
        left = seconds * (1 - event.progress) / progress
        return f", {(event.step - first.step) / seconds:.1f} steps/s, {duration(left)} left"


def _introduction(event: Started) -> str:
    """Say what is about to be done."""
    held_out = f"{event.n_held_out} patches held out" if event.n_held_out else "nothing held out"
    resumed = f", going on from step {event.step}" if event.step else ""
    return (
        f"training on {event.device} in {event.precision}: {event.n_fields} annotated planes, {held_out}, "
        f"{event.n_parameters:,} parameters{resumed}; Ctrl-C stops and keeps the model"
    )
