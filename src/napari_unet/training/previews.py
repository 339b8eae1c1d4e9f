"""Previews: what the network of the moment makes of what is in view.

A preview is made by the same code, with the same normalisation, tiles and settings, as a segmentation with the model
of the moment. This is why training knows prediction here; prediction never knows training.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from napari_unet.data.rectangles import within
from napari_unet.errors import InputError
from napari_unet.inference.segment import Segmenter
from napari_unet.inference.tiling import clip
from napari_unet.models.giving_way import GivingWay, resting
from napari_unet.training.views import Previewed, PreviewFailed, Previewing, View

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Hashable

    from napari_unet.axes import Array
    from napari_unet.data.normalization import PlaneScaler
    from napari_unet.models.model_file import ModelCard, TrainedModel

#: Share of the time that previews of an unchanged view may take.
_SHARE = 0.15
#: Nobody wants the picture to change more often, seconds of training.
_SHORTEST_PAUSE_S = 1.5

T = TypeVar("T")


class Previews:
    """Makes previews, and knows when the next one is due.

    Parameters
    ----------
    newest
        Gives what is in view, None: nothing.
    way
        While it holds, previews rest between two layers, if they are computed on the processor.
    first_s
        Seconds of training before the first preview.
    """

    def __init__(self, newest: Callable[[], View | None], way: GivingWay, first_s: float) -> None:
        self._newest, self._way = newest, way
        self._seen: tuple[Any, ...] | None = None
        self._told: set[tuple[Hashable, str]] = set()
        self._scaled: tuple[Array, PlaneScaler] | None = None
        self._trained_s, self._next_s = 0.0, first_s

    def view_has_changed(self) -> bool:
        """Say whether something is in view that was not looked at before."""
        view = self._newest()
        return view is not None and view.key != self._seen

    def are_due(self, seconds: float) -> bool:
        """Say whether it is time for a preview.

        Parameters
        ----------
        seconds
            Training time so far.
        """
        self._trained_s = seconds
        if self._newest() is None:
            return False
        return self._trained_s >= self._next_s or (self._seen is not None and self.view_has_changed())

    def make(self, model: TrainedModel, step: int) -> Generator[Previewing | Previewed | PreviewFailed]:
        """Preview what is in view; give up when another view comes meanwhile, which is due after the next step then.

        Parameters
        ----------
        model
            The model of the moment.
        step
            Steps it has learnt.

        Yields
        ------
        Previewing, Previewed, PreviewFailed
            Nothing when nothing is in view.
        """
        view, watch = self._newest(), _Stopwatch()
        if view is None:
            return
        self._seen = view.key
        try:
            segmenter = Segmenter(model, execution=model.card.recipe.execution)
            yield from self._look(segmenter, view, step, watch)
        # Whatever is wrong with a view must not end the training; it is told.
        except Exception as error:
            yield from self._tell(view, error)
        self._next_s = self._trained_s + max(watch.seconds() * (1 - _SHARE) / _SHARE, _SHORTEST_PAUSE_S)

    def _look(
        self, segmenter: Segmenter, view: View, step: int, watch: _Stopwatch
    ) -> Generator[Previewing | Previewed]:
        """Preview a view, unless another one comes before the last tile."""
        box = clip(view.rectangle, view.image.shape[3:])
        probabilities = np.empty((segmenter.card.n_classes, *(part.stop - part.start for part in box)), np.float32)
        done, scaler = 0, self._scaler(segmenter.card, view.image)
        with resting(segmenter.predictor.network, self._way, watch.leave_out):
            for tile in segmenter.predictor.predict_plane(view.image[view.t, :, view.z], scaler, box):
                probabilities[(slice(None), *within(tile.inner, box))] = tile.probabilities
                done += tile.probabilities.size
                yield from watch.outside(Previewing(view, done / probabilities.size))
                if done < probabilities.size and self.view_has_changed():
                    return
        labels = segmenter.label(probabilities)
        yield from watch.outside(Previewed(step, view, box, probabilities, labels, watch.seconds()))

    def _scaler(self, card: ModelCard, image: Array) -> PlaneScaler:
        """Give the normalisation of an image, measured once as long as one looks at the same image."""
        if self._scaled is None or self._scaled[0] is not image:
            self._scaled = image, card.normalization.for_image(image)
        return self._scaled[1]

    def _tell(self, view: View, error: Exception) -> Generator[PreviewFailed]:
        """Tell once a place what is wrong."""
        message = str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"
        if (view.place, message) not in self._told:
            self._told.add((view.place, message))
            yield PreviewFailed(view, f"No preview: {message}")


class _Stopwatch:
    """Counts the time from its making on, without what the consumer of events takes."""

    def __init__(self) -> None:
        self._began, self._outside = time.perf_counter(), 0.0

    def seconds(self) -> float:
        """Give the time so far."""
        return time.perf_counter() - self._began - self._outside

    def leave_out(self, seconds: float) -> None:
        """Leave out a part of the time."""
        self._outside += seconds

    def outside(self, event: T) -> Generator[T]:
        """Give an event to the consumer, and leave out the time until it asks for the next one."""
        left = time.perf_counter()
        yield event
        self._outside += time.perf_counter() - left
