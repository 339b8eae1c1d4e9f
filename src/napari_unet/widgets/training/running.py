"""A training that is going on, as a dock follows it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject

from napari_unet.errors import InputError
from napari_unet.training.events import Annotated, Finished, Recovered, Started, Stepped, Validated
from napari_unet.training.live import LiveTraining
from napari_unet.training.pace import Pace, duration
from napari_unet.training.views import Previewed, PreviewFailed
from napari_unet.widgets._use import follow_use
from napari_unet.widgets.training.job import Remembered, Starting
from napari_unet.widgets.training.live import LivePreview
from napari_unet.widgets.training.next_place import next_place_of
from napari_unet.widgets.training.resume import remember_layers
from napari_unet.widgets.training.strokes import StrokeFollower

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_unet.widgets._dock import Dock
    from napari_unet.widgets.training.curves import Curves
    from napari_unet.widgets.training.job import Job
    from napari_unet.widgets.training.pair import Pair


class RunningTraining(QObject):
    """Brings the events of a training to curves and previews, and what a person does to the training.

    Parameters
    ----------
    dock
        Dock it is part of.
    job
        What was ordered.
    pairs
        Layers of its images, in the same order.
    curves
        Where to draw.

    Attributes
    ----------
    live
        The training itself.
    preview
        Its previews.
    share
        Part of the time that is used, 0 … 1.
    step
        Steps done so far.
    is_paused, is_finished
        Whether it rests; whether the time is used.
    """

    def __init__(self, dock: Dock, job: Job, pairs: Sequence[Pair], curves: Curves) -> None:
        super().__init__(dock)
        self.job = job
        self._starting = Starting(job)
        self.live = LiveTraining(self._starting.make_trainer)
        self.preview = LivePreview(dock.viewer, pairs, job.images, self.live, self)
        self.share, self.step = 0.0, 0
        self.is_paused, self.is_finished = False, False
        self._viewer, self._pairs, self._curves = dock.viewer, pairs, curves
        self._strokes = StrokeFollower(pairs, job.images, self.live, self)
        self._end_watch = follow_use(dock.viewer, self.live.way, self)
        self._pace = Pace()
        self._machine, self._learning, self._note = "", "", ""
        self._loss, self._iou = "", ""
        self._places = next_place_of(dock.viewer)
        self._places.follow(self.live)
        curves.begin()
        remember_layers(job, pairs)

    def take(self, events: Sequence[Any]) -> None:
        """Take what the training tells; of several previews only the last is shown.

        Parameters
        ----------
        events
            Oldest first.
        """
        for event in events:
            self._take(event)
        previews = [event for event in events if isinstance(event, Previewed | PreviewFailed)]
        if previews:
            self.preview.show(previews[-1])
        self._places.take(events)

    def text(self) -> str:
        """Say how far it is."""
        if not self.step:
            return self._machine or "Checking and reading …"
        rate, left = self._pace.rate(), self._pace.seconds_left()
        parts = [f"step {self.step}", self._loss, self._iou]
        parts += [] if rate is None else [f"{rate:.1f} steps/s"]
        parts += [] if left is None else [f"{duration(left)} left"]
        parts += ["paused"] * self.is_paused
        return ", ".join(part for part in parts if part)

    def status(self) -> str:
        """Say what is learnt from, and how old the preview in view is."""
        gone = [pair for pair in self._pairs if not {pair.image, pair.labels} <= set(self._viewer.layers)]
        missing = f"{gone[0].labels.name} or its image was deleted; it is still learnt from." if gone else ""
        start = f"Mind: {self._starting.message}." if self._starting.message else ""
        learning = ", ".join(part for part in (self._learning, self._strokes.status()) if part)
        preview = self.preview.status(self.step) if self.preview.is_on else ""
        return "\n".join(part for part in (learning, preview, start, self._note, missing) if part)

    def outcome(self, step: int) -> str:
        """Say how it ended.

        Parameters
        ----------
        step
            Steps that are saved: the last may be one that nobody was told of.
        """
        how = "used its time" if self.is_finished else "stopped"
        return f"The training {how} at step {step}; the model is kept and ready to segment with."

    def discard(self) -> None:
        """Take away the folder of a run that was stopped before its first step; the layers have all that is in it."""
        shutil.rmtree(self.job.folder, ignore_errors=True)

    def pause(self) -> None:
        """Rest, or go on after a rest."""
        self.is_paused = not self.is_paused
        if self.is_paused:
            self.live.pause()
        else:
            self.live.resume()

    def close(self) -> None:
        """Follow no longer."""
        self.preview.close()
        self._strokes.close()
        self._end_watch()
        self._places.follow(None)
        self.deleteLater()

    def _take(self, event: Any) -> None:
        """Take one event."""
        if isinstance(event, Stepped):
            self.step, self.share, self._loss = event.step, event.progress, f"loss {event.loss:.3f}"
            self._pace.add(event)
            self._curves.add(event)
        elif isinstance(event, Validated):
            self._iou = f"IoU {event.iou:.2f}"
            self._curves.add(event)
        elif isinstance(event, Started):
            self._machine = f"Training on {event.device} in {event.precision} …"
            self._learning = _learning(event)
        elif isinstance(event, Annotated):
            self._learning = _learning(event)
            self._strokes.confirm()
        elif isinstance(event, Remembered):
            self._curves.begin(event.losses, event.validated)
        elif isinstance(event, Recovered):
            self._note = f"Mended: {event.message}."
        elif isinstance(event, Finished):
            self.is_finished = True


def _learning(event: Started | Annotated) -> str:
    """Say from how much is learnt."""
    cells = f"{event.n_cells} cell{'s' * (event.n_cells != 1)}"
    planes = f"{event.n_fields} annotated planes"
    if event.n_fields == 1:
        return f"Learning from {cells if event.n_cells else 'one plane'}"
    return f"Learning from {planes} with {cells}" if event.n_cells else f"Learning from {planes}"


def describe_failure(error: Exception, project: Path) -> str:
    """Say why a training broke off, and what to do where the disk is the reason.

    Parameters
    ----------
    error
        What broke it off.
    project
        Folder that it writes to.
    """
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or project}: {error.strerror}. Free some space there, or let napari write to it."
    return str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"
