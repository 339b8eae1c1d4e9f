"""Every stroke reaches the disk: planes that changed are written beside the window, soon after."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.utils.notifications import show_error
from qtpy.QtCore import QObject, QTimer, Signal

from napari_unet.data.annotation_counts import count_labels
from napari_unet.errors import InputError
from napari_unet.widgets._project import describe
from napari_unet.widgets._worker import EventRunner

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable
    from pathlib import Path

    from napari.layers import Labels
    from numpy.typing import NDArray

    from napari_unet.data.annotation_counts import Plane
    from napari_unet.data.annotation_note import AnnotationNote
    from napari_unet.data.annotation_store import AnnotationStore

#: Strokes within this time are written together.
_GATHER_MS = 300
#: So long a disk that is full is left alone.
_RETRY_MS = 3000
_CLOSING = "napari-unet-closing"


@dataclass(frozen=True)
class PlaneSaved:
    """A plane was counted and, unless there is a problem, written.

    Attributes
    ----------
    plane
        Its index.
    counts
        Pixels of each label.
    problem
        Why it could not be written; empty: it was.
    """

    plane: Plane
    counts: dict[int, int]
    problem: str = ""


@dataclass(frozen=True)
class NoteSaved:
    """All planes of a round were written.

    Attributes
    ----------
    at
        When, in seconds since 1970.
    folder
        Where; None: there was nothing to write.
    problem
        Why the note could not be written; empty: it was.
    """

    at: float
    folder: Path | None
    problem: str = ""


class Autosave(QObject):
    """Writes planes of an array into a store.

    Parameters
    ----------
    store
        Where to.
    layer
        The layer of the array, as it is described on the disk.
    parent
        Object it belongs to.

    Attributes
    ----------
    array
        What is written; the layer may have got another one since.
    counted
        Signal with the index of a plane and the pixels of each label in it; not sent for a plane that changed since.
    saved
        Signal with a `NoteSaved`: the disk has everything.
    failed
        Signal with the reason why something could not be written; it is tried again.
    """

    counted = Signal(object, object)
    saved = Signal(object)
    failed = Signal(str)

    def __init__(self, store: AnnotationStore, layer: Labels, parent: QObject) -> None:
        super().__init__(parent)
        self.store = store
        self.array = layer.data
        self._layer = layer
        self._waiting: set[Plane] = set()
        self._written: set[Plane] = set()
        self._is_failing = False
        # A training, or other programs, may keep all cores busy: what was painted does not wait for them.
        self._runner = EventRunner(self, gives_way=False)
        self._runner.arrived.connect(self._take)
        self._runner.failed.connect(self._drop)
        self._runner.ended.connect(self._end)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._start)

    @property
    def is_busy(self) -> bool:
        """Whether something is not on the disk yet."""
        return bool(self._waiting or self._written or self._is_failing or self._runner.is_running)

    def mark(self, planes: Iterable[Plane]) -> None:
        """Write planes soon.

        Parameters
        ----------
        planes
            Indices of those that may have changed.
        """
        self._waiting.update(planes)
        if self._waiting and not self._timer.isActive() and not self._runner.is_running:
            self._timer.start(_GATHER_MS)

    def finish(self) -> None:
        """Write what is left and close the store, in a thread of its own that outlives the window."""
        self._timer.stop()
        self._runner.stop()
        self.blockSignals(True)
        closing = self._note().model_copy(update={"closed": True})
        left = sorted(self._waiting | self._written)
        self._waiting.clear()
        threading.Thread(target=_close, args=(self.store, self.array, left, closing), name=_CLOSING).start()

    def _start(self) -> None:
        """Write what waits."""
        self._written, self._waiting, self._is_failing = self._waiting, set(), False
        self._runner.start(partial(_save, self.store, self.array, sorted(self._written), self._note()))

    def _note(self) -> AnnotationNote:
        """Describe the annotation as it is now."""
        present = {"shape": self.array.shape, "dtype": str(self.array.dtype)}
        return describe(self._layer).model_copy(update=present)

    def _take(self, events: list[PlaneSaved | NoteSaved]) -> None:
        """Pass on what was done, and keep what was not."""
        for event in events:
            if event.problem:
                self._is_failing = True
                self.failed.emit(event.problem)
            if isinstance(event, PlaneSaved):
                self._take_plane(event)
            elif not self._is_failing:
                self.saved.emit(event)

    def _take_plane(self, event: PlaneSaved) -> None:
        """Tell the counts of a plane, unless it changed meanwhile."""
        self._written.discard(event.plane)
        if event.plane not in self._waiting:
            self.counted.emit(event.plane, event.counts)
        if event.problem:
            self._waiting.add(event.plane)

    def _drop(self, error: Exception) -> None:
        """Give up on planes that make the program fail, and tell of it even where the dock is closed."""
        self._written.clear()
        if isinstance(error, InputError):
            show_error(str(error))
        self.failed.emit(str(error))

    def _end(self) -> None:
        """Go on with what changed meanwhile, or could not be written."""
        self._waiting |= self._written
        self._written.clear()
        if self._waiting or self._is_failing:
            self._timer.start(_RETRY_MS if self._is_failing else _GATHER_MS)


def wait_for_closing() -> None:
    """Wait until the annotations that were left are written, and free for others."""
    for thread in threading.enumerate():
        if thread.name == _CLOSING:
            thread.join()


def _save(
    store: AnnotationStore, array: NDArray[Any], planes: list[Plane], note: AnnotationNote
) -> Generator[PlaneSaved | NoteSaved]:
    """Write planes and the note, and go on where one cannot be written."""
    is_whole = True
    for plane in planes:
        # The brush may be at work: a copy that is half a stroke is written again when the stroke ends.
        labels = np.array(array[plane])
        try:
            yield PlaneSaved(plane, store.write_plane(plane, labels))
        except OSError as error:
            is_whole = False
            yield PlaneSaved(plane, count_labels(labels), _reason(error))
    try:
        store.write_note(note.model_copy(update={"closed": note.closed and is_whole}))
    except OSError as error:
        yield NoteSaved(time.time(), store.folder, _reason(error))
    else:
        yield NoteSaved(time.time(), store.folder)


def _close(store: AnnotationStore, array: NDArray[Any], planes: list[Plane], note: AnnotationNote) -> None:
    """Write what is left, and leave the folder to others."""
    problems = [event.problem for event in _save(store, array, planes, note) if event.problem]
    for problem in problems:
        logging.getLogger(__name__).warning("the annotation '%s' could not be saved: %s", note.name, problem)
    store.release()


def _reason(error: OSError) -> str:
    """Say why something cannot be written."""
    return f"{error.strerror or error} ({error.filename})" if error.filename else str(error)
