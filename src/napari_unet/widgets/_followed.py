"""The weight map of the plane one looks at, kept up with the brush."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QObject, QTimer, Signal

from napari_unet.data.rectangles import enclose
from napari_unet.data.weight_map import WeightMap
from napari_unet.errors import InputError
from napari_unet.widgets._layers import Role, finest, read_canonical, show_result
from napari_unet.widgets._lifetime import on_destruction
from napari_unet.widgets._view import plane_in_view
from napari_unet.widgets._worker import EventRunner

if TYPE_CHECKING:
    from collections.abc import Generator

    from napari.components import ViewerModel
    from napari.layers import Labels, Layer
    from numpy.typing import NDArray

    from napari_unet.config.recipe import Recipe

#: Edits within this time are followed at once.
_FOLLOW_MS = 5
WEIGHTS = Role("weights", "image", {"colormap": "inferno", "blending": "additive", "opacity": 0.8})


class FollowedPlane:
    """Weight map of one plane, and the labels as they were when it was last looked at.

    Parameters
    ----------
    place
        Time and Z of the plane.
    labels
        (Y, X) integers; copied.
    recipe
        Formula and scheme.

    Examples
    --------
    >>> from napari_unet.config.recipe import Recipe
    >>> labels = np.array([[0, 1, 1, 0, 0, 0]])
    >>> plane = FollowedPlane((0, 0), labels, Recipe())
    >>> labels[0, 4] = 2
    >>> plane.follow(labels), plane.follow(labels)
    (True, False)
    """

    def __init__(self, place: tuple[int, int], labels: NDArray[Any], recipe: Recipe) -> None:
        self.place = place
        self._labels = labels.copy()
        self._map = WeightMap(self._labels, recipe.weight_map, scheme=recipe.training.scheme)

    def write_weights(self, out: NDArray[np.float32]) -> None:
        """Write the weight of each pixel.

        Parameters
        ----------
        out
            (Y, X) float32.
        """
        self._map.write_weights(out)

    def follow(self, labels: NDArray[Any]) -> bool:
        """Redo what changed since the last time, whoever changed it: brush, undo or another plugin.

        Parameters
        ----------
        labels
            (Y, X) integers, as they are now.

        Returns
        -------
        bool
            Whether anything changed.
        """
        rectangle = enclose(self._labels != labels)
        if rectangle is None:
            return False
        self._labels[rectangle] = labels[rectangle]
        self._map.update(self._labels, rectangle)
        return True


class WeightMapFollower(QObject):
    """Shows the weight map of a Labels layer in an Image layer, and follows every edit.

    A plane is computed beside the window when one first looks at it; a stroke redoes only its surroundings.

    Parameters
    ----------
    viewer
        The viewer.
    layer
        Annotations.
    axes
        Names of its axes.
    recipe
        Formula and scheme.
    parent
        Object it belongs to.

    Attributes
    ----------
    computed
        Signal with the layer of the weights and the greatest weight: a plane was computed anew.
    failed
        Signal with the error that ended the following. The person was told already.
    replaced
        Signal: the layer holds an array of another shape now, which nothing here fits.
    removed
        Signal: the layer of the weights was deleted.

    Raises
    ------
    InputError
        If the annotations have channels.
    """

    computed = Signal(object, float)
    failed = Signal(object)
    replaced = Signal()
    removed = Signal()

    def __init__(self, viewer: ViewerModel, layer: Labels, axes: str, recipe: Recipe, parent: QObject) -> None:
        super().__init__(parent)
        self._viewer, self._layer, self._axes, self._recipe = viewer, layer, axes, recipe
        self._plane: FollowedPlane | None = None
        self._shown: Layer | None = None
        self._shape = finest(layer).shape
        # The system gives pages of zeros only where something is written: planes that nobody looked at need no memory.
        self._weights = np.zeros(read_canonical(layer, axes).shape, np.float32)
        if self._weights.shape[1] != 1:
            raise InputError(
                f"The annotations of axes {axes} have channels; label each cell once, in a layer without C"
            )
        self._runner = EventRunner(self)
        self._runner.arrived.connect(self._take)
        self._runner.failed.connect(self.failed)
        self._runner.ended.connect(self._call)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_FOLLOW_MS)
        self._timer.timeout.connect(self._look)
        events = layer.events
        self._emitters = [events.paint, events.labels_update, events.set_data, viewer.dims.events.point]
        for emitter in self._emitters:
            emitter.connect(self._call)
        viewer.layers.events.removed.connect(self._on_removed)
        # The window may destroy this object before Python forgets it; a slot of its own would keep it from both.
        self._alive = [True]
        on_destruction(self, self._alive.clear)
        self._call()

    def close(self) -> None:
        """Follow no longer; the layer of the weights stays."""
        for emitter in self._emitters:
            emitter.disconnect(self._call)
        self._viewer.layers.events.removed.disconnect(self._on_removed)
        self._timer.stop()
        self._runner.stop()
        self.deleteLater()

    def _call(self, event: Any = None) -> None:
        """Look soon; many events in a row make one look."""
        if self._alive and not self._timer.isActive():
            self._timer.start()

    def _on_removed(self, event: Any) -> None:
        """Tell that nobody wants to see the weights."""
        if self._shown is not None and event.value is self._shown:
            self.removed.emit()

    def _fits(self) -> bool:
        """Tell whether the layer has the shape it had."""
        layer = self._layer
        return layer.ndim == len(self._shape) and bool(finest(layer).shape == self._shape)

    def _look(self) -> None:
        """Bring the weights up to the labels of the plane in view."""
        if self._runner.is_running:
            return
        if not self._fits():
            self.replaced.emit()
            return
        place = plane_in_view(self._viewer, self._layer, self._axes)
        labels = np.asarray(read_canonical(self._layer, self._axes)[place[0], 0, place[1]])
        if self._plane is None or self._plane.place != place:
            time, z = place
            self._runner.start(partial(_compute, place, labels, self._recipe, self._weights[time, 0, z]))
            return
        try:
            if self._plane.follow(labels):
                self._plane.write_weights(self._weights[place[0], 0, place[1]])
                self._show()
        except InputError as error:
            self.failed.emit(error)

    def _take(self, planes: list[FollowedPlane]) -> None:
        """Take a plane that has been computed; what was painted meanwhile is followed next."""
        self._plane = planes[-1]
        time, z = self._plane.place
        self.computed.emit(self._show(), float(self._weights[time, 0, z].max()))

    def _show(self) -> Layer:
        """Show the weights as they are now."""
        self._shown = show_result(self._viewer, self._layer, self._weights, WEIGHTS, self._axes)
        return self._shown


def _compute(
    place: tuple[int, int], labels: NDArray[Any], recipe: Recipe, weights: NDArray[np.float32]
) -> Generator[FollowedPlane]:
    """Compute and write the weights of a plane, as the one event of a run."""
    plane = FollowedPlane(place, labels, recipe)
    plane.write_weights(weights)
    yield plane
