"""What a person paints while a training runs, handed to the training."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, QTimer

from napari_unet.widgets._lifetime import on_destruction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.layers import Labels

    from napari_unet.data.training_image import TrainingImage
    from napari_unet.training.live import LiveTraining
    from napari_unet.widgets.training.pair import Pair

#: Strokes are handed over when the brush has rested for so long.
_REST_MS = 200


class StrokeFollower(QObject):
    """Hands over the annotations whenever somebody has changed them.

    Parameters
    ----------
    pairs, images
        What is learnt from, as layers and as pixels, in the same order.
    live
        The training.
    parent
        Object it belongs to.
    """

    def __init__(
        self, pairs: Sequence[Pair], images: Sequence[TrainingImage], live: LiveTraining, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._pairs, self._images, self._live = pairs, images, live
        self._changed: set[Labels] = set()
        self._last: float | None = None
        self._handed = 0.0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_REST_MS)
        self._timer.timeout.connect(self._hand_over)
        self._connections = [
            connection
            for labels in (pair.labels for pair in pairs)
            for connection in (
                (labels.events.paint, partial(self._note, labels)),
                (labels.events.labels_update, partial(self._note, labels)),
                # This tells of new pixels from a program, but of another slice, too.
                (labels.events.set_data, partial(self._suspect, labels)),
            )
        ]
        for emitter, callback in self._connections:
            emitter.connect(callback)
        # The layers outlive this object, and would go on calling it.
        on_destruction(self, partial(_disconnect, self._connections))

    def status(self) -> str:
        """Say when something was painted last; empty: nothing yet."""
        return "" if self._last is None else f"last stroke {time.monotonic() - self._last:.0f} s ago"

    def confirm(self) -> None:
        """Note that what was handed over last is new to the training."""
        self._last = max(self._last or 0.0, self._handed)

    def close(self) -> None:
        """Follow no longer."""
        self._timer.stop()
        _disconnect(self._connections)
        self.deleteLater()

    def _note(self, layer: Labels, event: Any = None) -> None:
        """Note that a layer was painted on."""
        self._last = time.monotonic()
        self._suspect(layer)

    def _suspect(self, layer: Labels, event: Any = None) -> None:
        """Let the training find out whether a layer has changed."""
        self._changed.add(layer)
        self._timer.start()

    def _hand_over(self) -> None:
        """Hand over what was painted on; nothing is copied here, the training compares and copies plane by plane."""
        for pair, image in zip(self._pairs, self._images, strict=True):
            if pair.labels in self._changed:
                labels = pair.pixels(image.name).labels
                # Labels of another size are no annotation of this image any more.
                if labels.shape == image.labels.shape:
                    self._live.annotate(replace(image, labels=labels))
        self._changed.clear()
        self._handed = time.monotonic()


def _disconnect(connections: list[tuple[Any, partial[None]]]) -> None:
    """Disconnect from layers."""
    for emitter, callback in connections:
        emitter.disconnect(callback)
    connections.clear()
