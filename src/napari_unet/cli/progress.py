"""Work shown in a terminal: bars with rate and time left, or plain lines in a log."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Never, Self

from tqdm import tqdm

from napari_unet.cli.messages import report, say
from napari_unet.training.pace import duration

if TYPE_CHECKING:
    from types import TracebackType

    from napari_unet.inference.events import Event as FileEvent
    from napari_unet.inference.events import FileDone, FileSkipped, FileStarted
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


class FilesProgress:
    """Shows the segmentation of files: a bar of planes and failures on stderr, results on stdout.

    Parameters
    ----------
    n_files
        Files to come.

    Attributes
    ----------
    n_failed
        Files that failed so far.
    """

    def __init__(self, n_files: int) -> None:
        self.n_failed = 0
        self._n_files, self._n_ended = n_files, 0
        self._guessed: set[str] = set()

    def __enter__(self) -> Self:
        self._bar = tqdm(unit=" planes", file=sys.stderr, disable=not sys.stderr.isatty())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.close()
        if self.n_failed:
            say(f"{self.n_failed} of {self._n_files} files failed")

    def show(self, event: FileEvent) -> None:
        """Show an event.

        Parameters
        ----------
        event
            What happened.
        """
        from napari_unet.inference.events import FileDone, FileFailed, FileSkipped, FileStarted, PlaneDone
        from napari_unet.inference.report import MAKE_AGAIN

        if isinstance(event, FileStarted):
            self._begin(event)
        elif isinstance(event, PlaneDone):
            self._bar.update(event.done - self._bar.n)
        elif isinstance(event, FileDone):
            self._n_ended += 1
            report(f"{event.written}: {_content(event)}, {event.seconds:.1f} s")
        elif isinstance(event, FileSkipped):
            self._n_ended += 1
            report(f"{event.written}: {_content(event)}, made before")
        elif isinstance(event, FileFailed):
            self._n_ended, self.n_failed = self._n_ended + 1, self.n_failed + 1
            message = event.message.replace(MAKE_AGAIN, f"{MAKE_AGAIN} (--again)")
            say(f"failed: {message}" if message.startswith(str(event.path)) else f"failed: {event.path}: {message}")

    def _begin(self, event: FileStarted) -> None:
        """Start the bar anew; show each kind of guess about axes once."""
        self._bar.set_description_str(f"{event.path.name} [{self._n_ended + 1}/{self._n_files}]", refresh=False)
        self._bar.reset(event.n_planes)
        if event.guessed and event.axes not in self._guessed:
            self._guessed.add(event.axes)
            say(f"axes {event.axes} guessed from the shape of {event.path}; if wrong, name them with --axes")


def _content(event: FileDone | FileSkipped) -> str:
    """Say what is in a label image."""
    return "classes" if event.n_cells is None else f"{event.n_cells} cells"
