"""The layers of a segmentation: filled while one watches, and what of them is finished."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QObject, QTimer, Signal

from napari_unet.axes import to_canonical
from napari_unet.inference.live_events import Canvas, PlaneBegun, PlaneSegmented, TileSegmented
from napari_unet.widgets._layers import Role, find_result, result_axes, show_result
from napari_unet.widgets._view import plane_in_view

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Labels, Layer
    from numpy.typing import NDArray

    from napari_unet.data.rectangles import Rectangle
    from napari_unet.inference.live_events import LiveEvent, Opened, Place, Request

RESULT = Role("unet", "labels", {"opacity": 0.5})
_METADATA_KEY = "napari_unet"
#: Nobody wants the picture to change more often, and drawing a large plane takes a while.
_REFRESH_MS = 200
#: Share of its time that the window may spend on drawing a large plane again.
_SHARE = 0.1


def probability_role(name: str, n_classes: int) -> Role:
    """Give the role of the probability of a class; where there is but one besides background, it needs no name."""
    suffix = "probability" if n_classes == 1 else f"probability_{name}"
    look = {"colormap": "magma", "blending": "additive", "opacity": 0.6, "contrast_limits": (0.0, 1.0)}
    return Role(suffix, "image", look)


class ResultLayers(QObject):
    """Shows a result while it is written.

    Parameters
    ----------
    viewer
        The viewer.
    source
        Image that is segmented.
    axes
        Names of its axes.
    request
        What is segmented.
    parent
        Object it belongs to.

    Attributes
    ----------
    removed
        Signal with the name of a layer: the image or its result was deleted.
    """

    removed = Signal(str)

    def __init__(self, viewer: ViewerModel, source: Image, axes: str, request: Request, parent: QObject) -> None:
        super().__init__(parent)
        self._viewer, self.source, self._axes, self._request = viewer, source, axes, request
        self._layers: list[Layer] = []
        self._stale: set[Place] = set()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_REFRESH_MS)
        self._timer.timeout.connect(self._refresh)
        viewer.layers.events.removed.connect(self._on_removed)

    @property
    def labels(self) -> Labels | None:
        """Layer of the labels; None: not shown yet."""
        return self._layers[0] if self._layers else None

    @property
    def is_removed(self) -> bool:
        """Whether the layer of the labels was shown and deleted."""
        return self.labels is not None and self.labels not in self._viewer.layers

    def show(self, opened: Opened) -> None:
        """Show the arrays that will be written into; nobody can paint in them meanwhile.

        Parameters
        ----------
        opened
            What the engine tells first.
        """
        names = opened.class_names[: len(opened.canvas.probabilities)]
        roles = [probability_role(name, len(names)) for name in names]
        for role, array in zip(roles, opened.canvas.probabilities, strict=True):
            self._layers.append(show_result(self._viewer, self.source, array, role, self._axes))
        old = find_result(self._viewer, self.source, RESULT)
        is_new = old is None or not np.may_share_memory(old.data, opened.canvas.labels)
        labels = show_result(self._viewer, self.source, opened.canvas.labels, RESULT, self._axes)
        labels.editable = False
        if is_new:
            _write_marks(labels, {})
            labels.events.paint.connect(_note_paint)
        self._layers.insert(0, labels)

    def take(self, event: LiveEvent) -> None:
        """Note what was written, and draw it soon.

        Parameters
        ----------
        event
            What the engine tells.
        """
        if not isinstance(event, PlaneBegun | TileSegmented | PlaneSegmented):
            return
        if not isinstance(event, TileSegmented):
            self._mark(event.place, done=isinstance(event, PlaneSegmented))
        self._stale.add(event.place)
        if not self._timer.isActive():
            self._timer.start()

    def close(self) -> None:
        """Draw what is left, and follow no longer; the layers stay."""
        self._timer.stop()
        for layer in self._layers:
            layer.refresh()
        self._viewer.layers.events.removed.disconnect(self._on_removed)
        if self.labels is not None:
            self.labels.editable = True
        self.deleteLater()

    def _mark(self, place: Place, *, done: bool) -> None:
        """Note in the layer which part of a plane is finished."""
        if self.labels is None:
            return
        marks = _marks(self.labels)
        is_whole = self._request.rectangle is None
        marks[place] = [*([] if is_whole else marks.get(place, [])), (self._request.box, done)]
        _write_marks(self.labels, marks)

    def _refresh(self) -> None:
        """Draw again what is in view, if it changed."""
        stale, self._stale = self._stale, set()
        in_3d = self._viewer.dims.ndisplay == 3
        if stale and (in_3d or plane_in_view(self._viewer, self.source, self._axes) in stale):
            began = time.perf_counter()
            for layer in self._layers:
                layer.refresh(thumbnail=False, highlight=False, extent=False)
            self._timer.setInterval(max(_REFRESH_MS, round((time.perf_counter() - began) * 1e3 / _SHARE)))

    def _on_removed(self, event: Any) -> None:
        """Tell of a layer that is gone."""
        if event.value is self.source or event.value in self._layers:
            self.removed.emit(event.value.name)


def earlier_canvas(viewer: ViewerModel, source: Image, axes: str, class_names: tuple[str, ...]) -> Canvas | None:
    """Give the arrays of an earlier result, to be written into.

    Parameters
    ----------
    viewer, source, axes
        Where it may be.
    class_names
        Classes besides background.

    Returns
    -------
    Canvas or None
        None if there is no result, or it is not in memory.
    """
    roles = [RESULT, *(probability_role(name, len(class_names)) for name in class_names)]
    arrays = [_array(find_result(viewer, source, role), axes) for role in roles]
    kept = [array for array in arrays[1:] if array is not None]
    if arrays[0] is None:
        return None
    return Canvas(arrays[0], tuple(kept) if len(kept) == len(class_names) else ())


def release_painted(viewer: ViewerModel, source: Image) -> Labels | None:
    """Keep a result that a person painted in: it becomes a layer of its own, and the next result a new one.

    Parameters
    ----------
    viewer, source
        Where it may be.

    Returns
    -------
    napari.layers.Labels or None
        The layer that is kept; None: nobody painted.
    """
    layer = find_result(viewer, source, RESULT)
    note = {} if layer is None else layer.metadata[_METADATA_KEY]
    if layer is None or not ({"painted", "scheme"} & note.keys()):
        return None
    layer.metadata[_METADATA_KEY] = {key: value for key, value in note.items() if key not in ("source", "role")}
    layer.name = f"{layer.name}_mended"
    return layer


def finished_part(layer: Labels, place: Place, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Tell which pixels of a plane are a finished result.

    Parameters
    ----------
    layer
        Result.
    place
        Time and Z.
    shape
        Of the plane.

    Returns
    -------
    numpy.ndarray
        (Y, X) mask.
    """
    mask = np.zeros(shape, bool)
    for box, done in _marks(layer).get(place, []):
        mask[box] = done
    return mask


def _array(layer: Layer | None, axes: str) -> Any:
    """Give the pixels of a result as the engine sees them, if they can be written."""
    names = result_axes(axes)
    if layer is None or not isinstance(layer.data, np.ndarray) or layer.data.ndim != len(names):
        return None
    return to_canonical(layer.data, names)


def _marks(layer: Labels) -> dict[Place, list[tuple[Rectangle, bool]]]:
    """Read which parts of the planes were begun and finished, in this order."""
    marks: dict[Place, list[tuple[Rectangle, bool]]] = dict(layer.metadata[_METADATA_KEY].get("segmented", {}))
    return marks


def _write_marks(layer: Labels, marks: dict[Place, list[tuple[Rectangle, bool]]]) -> None:
    """Note which parts of the planes were begun and finished."""
    layer.metadata[_METADATA_KEY] = {**layer.metadata[_METADATA_KEY], "segmented": marks}


def _note_paint(event: Any) -> None:
    """Note that a person painted in a result."""
    note = event.source.metadata.get(_METADATA_KEY, {})
    event.source.metadata[_METADATA_KEY] = {**note, "painted": True}
