"""Training while a person paints and watches. Needs no torch until it runs."""

from __future__ import annotations

import queue
import threading
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from napari_unet.errors import InputError
from napari_unet.inference.place_search import Found, PlaceFinder, Search, Searching
from napari_unet.models.giving_way import GivingWay
from napari_unet.training.events import Event, Finished, Started, Stepped
from napari_unet.training.views import Previewed, PreviewFailed, Previewing, View

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from napari_unet.data.training_image import TrainingImage
    from napari_unet.training.previews import Previews
    from napari_unet.training.trainer import Trainer

#: After so much training a fresh network is looked at for the first time, seconds: before, it knows nothing yet.
_FIRST_LOOK_S = 1.5
_PATIENCE_S = 0.05


@dataclass(frozen=True, slots=True)
class Paused:
    """The training rests; comes again and again, so that whoever listens can close the events."""


@dataclass(frozen=True, slots=True, eq=False)
class SearchFailed:
    """A search for the next place failed; the training goes on.

    Attributes
    ----------
    message
        Why, for the person.
    """

    message: str


LiveEvent: TypeAlias = Event | Previewing | Previewed | PreviewFailed | Searching | Found | SearchFailed | Paused


class LiveTraining:
    """A training that shows what it makes of what a person looks at, and learns what is painted meanwhile.

    Parameters
    ----------
    make_trainer
        Makes the trainer, resumed if wanted; called in the thread that runs the events.

    Attributes
    ----------
    way
        While it holds, training and previews rest between two layers, if they are computed on the processor.

    Notes
    -----
    A fresh network is looked at for the first time after a second or two of training, a trained one before its first
    step. Then a preview is made after each step that finds another view, and else so often that previews take at most
    15 % of the time, by what the last one took. The last preview shows the model that is kept.
    """

    def __init__(self, make_trainer: Callable[[], Trainer]) -> None:
        self.way = GivingWay()
        self._make_trainer = make_trainer
        self._view: View | None = None
        self._painted: queue.SimpleQueue[TrainingImage] = queue.SimpleQueue()
        self._searches: queue.SimpleQueue[Search] = queue.SimpleQueue()
        self._going = threading.Event()
        self._going.set()

    def look_at(self, view: View | None) -> None:
        """Say what is in view; from now on this is previewed. May be called from any thread, as often as wanted.

        Parameters
        ----------
        view
            None: nothing.
        """
        self._view = view

    def annotate(self, image: TrainingImage) -> None:
        """Hand over an annotation; the next step learns from it. May be called from any thread, before `run` too.

        Parameters
        ----------
        image
            Replaces the image of the same name, or is added.
        """
        self._painted.put(image)

    def search(self, search: Search) -> None:
        """Ask for the next place to paint; it is looked for after the step. May be called from any thread.

        Parameters
        ----------
        search
            Where to look. `Found` or `SearchFailed` answers, unless the training ends before.
        """
        self._searches.put(search)

    def pause(self) -> None:
        """Take no further step until `resume`; another view is still previewed. May be called from any thread."""
        self._going.clear()

    def resume(self) -> None:
        """Go on after `pause`. May be called from any thread."""
        self._going.set()

    def run(self) -> Generator[LiveEvent]:
        """Train until the budget is used, with previews between the steps.

        Closing the generator ends the training after the current step, or the current tile of a preview; everything is
        saved then.

        Yields
        ------
        LiveEvent
            The events of the training, and the previews. `Finished` is the last.

        Raises
        ------
        InputError, TrainingError
            As `Trainer` and its ``run``.
        """
        from napari_unet.models.model_file import load_model
        from napari_unet.training.previews import Previews

        trainer = self._make_trainer()
        trainer.way = self.way
        previews = Previews(lambda: self._view, self.way, 0.0 if trainer.is_trained else _FIRST_LOOK_S)
        finder = PlaceFinder()
        self._hand_over(trainer)
        with closing(trainer.run()) as events:
            for event in events:
                yield from self._find(trainer, finder)
                if isinstance(event, Finished):
                    yield from previews.make(load_model(event.path), event.step)
                yield event
                if isinstance(event, Started | Stepped) and previews.are_due(trainer.seconds):
                    yield from previews.make(trainer.model(), event.step)
                for rested in self._rest(trainer, previews):
                    yield rested
                    yield from self._find(trainer, finder)
                self._hand_over(trainer)

    def _rest(self, trainer: Trainer, previews: Previews) -> Generator[LiveEvent]:
        """Wait while paused, and look at what comes into view."""
        while not self._going.wait(_PATIENCE_S):
            if previews.view_has_changed():
                yield from previews.make(trainer.model(), trainer.step)
            yield Paused()

    def _find(self, trainer: Trainer, finder: PlaceFinder) -> Generator[LiveEvent]:
        """Look for places that were asked for."""
        while not self._searches.empty():
            try:
                yield from finder.find(self._searches.get(), trainer.step, trainer.model)
            # Whatever is wrong with an image must not end the training; it is told.
            except Exception as error:
                yield SearchFailed(str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}")

    def _hand_over(self, trainer: Trainer) -> None:
        """Give the trainer what was painted."""
        while not self._painted.empty():
            trainer.annotate(self._painted.get())
