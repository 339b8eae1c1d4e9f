"""An annotation layer: counted, saved and undone while one paints."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QObject, Signal

from napari_unet.data.annotation_counts import AnnotationCounts
from napari_unet.data.annotation_history import Edit, EditHistory, Step, make_step
from napari_unet.widgets._layers import read_scheme
from napari_unet.widgets.annotating.autosave import Autosave, NoteSaved

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from napari.components import ViewerModel
    from napari.layers import Labels

    from napari_unet.data.annotation_counts import Plane, Tally
    from napari_unet.data.annotation_store import AnnotationStore
    from napari_unet.data.rectangles import Rectangle


class Annotation(QObject):
    """One annotation layer and what is known about it.

    Parameters
    ----------
    viewer
        The viewer of the layer.
    layer
        Labels layer with its pixels in memory.
    store
        Where to save it.
    parent
        Object it belongs to.
    planes
        Indices of the planes that may hold something; None: all.

    Attributes
    ----------
    layer
        The layer.
    history
        Steps that can be undone and redone.
    changed
        Signal: counts or history are others now.
    told
        Signal: it was saved, or could not be; see ``saved`` and ``problem``.
    saved
        When and where it was saved last; None: never.
    problem
        Why it cannot be saved; empty: it can.
    """

    changed = Signal()
    told = Signal()

    def __init__(
        self,
        viewer: ViewerModel,
        layer: Labels,
        store: AnnotationStore,
        parent: QObject,
        planes: Collection[Plane] | None = None,
    ) -> None:
        super().__init__(parent)
        self.layer = layer
        self.history = EditHistory()
        self.saved: NoteSaved | None = None
        self.problem = ""
        self._viewer = weakref.ref(viewer)
        self._array = layer.data
        self._counts = AnnotationCounts()
        self._uncounted = set(self._planes() if planes is None else planes)
        self._drag = _Drag()
        self._begin(store)
        layer.mouse_drag_callbacks.append(self._drag.follow)
        layer.events.paint.connect(self._on_paint)
        layer.events.set_data.connect(self._on_refresh)
        layer.events.editable.connect(self._on_editable)

    @property
    def is_counted(self) -> bool:
        """Whether every plane has been counted."""
        return not self._uncounted

    @property
    def is_saved(self) -> bool:
        """Whether the disk has everything."""
        return not self._autosave.is_busy

    @property
    def is_empty(self) -> bool:
        """Whether nothing is painted in it, and nothing was."""
        return self.is_counted and not self._counts.greatest and not self.history.undone

    def next_label(self) -> int:
        """Give the number of the next cell: above all that are there."""
        return max(self._counts.greatest, int(read_scheme(self.layer) == "sparse")) + 1

    def has_label(self, label: int) -> bool:
        """Tell whether any pixel has a label."""
        return self._counts.has(label)

    def tally(self, plane: Plane | None = None) -> Tally:
        """Sum up a plane, or all."""
        shape = self._array.shape if plane is None else self._array.shape[-2:]
        return self._counts.tally(read_scheme(self.layer), int(np.prod(shape)), plane)

    def plane_in_view(self) -> Plane | None:
        """Give the index of the plane one looks at; None: one looks across planes."""
        viewer = self._viewer()
        if viewer is None or viewer.dims.ndisplay != 2:
            return None
        shown = [axis - viewer.dims.ndim for axis in viewer.dims.displayed]
        return self._place()[:-2] if sorted(shown) == [-2, -1] else None

    def undo(self) -> None:
        """Undo the last step, in the plane where it was made."""
        if self.history.done:
            step = self.history.done[-1]
            self._step(step, undo=True)

    def redo(self) -> None:
        """Do again what was undone last, in the plane where it was made."""
        if self.history.undone:
            step = self.history.undone[-1]
            self._step(step, undo=False)

    def save_note(self) -> None:
        """Save what the layer is, though its pixels are as they were."""
        self._autosave.mark(self._planes()[:1])

    def finish(self) -> None:
        """Follow no longer: write what is left, and leave the files to whoever continues."""
        self.layer.mouse_drag_callbacks.remove(self._drag.follow)
        self.layer.events.paint.disconnect(self._on_paint)
        self.layer.events.set_data.disconnect(self._on_refresh)
        self.layer.events.editable.disconnect(self._on_editable)
        self._autosave.finish()
        # Nobody but the book needs it; deleting it later would be too late when the program ends.
        self.setParent(None)

    def _begin(self, store: AnnotationStore) -> None:
        """Save into a store from now on."""
        self._autosave = Autosave(store, self.layer, self)
        self._autosave.counted.connect(self._on_counted)
        self._autosave.saved.connect(self._on_saved)
        self._autosave.failed.connect(self._on_failed)
        self._autosave.mark(self._uncounted)

    def _planes(self) -> list[Plane]:
        """Give the indices of all planes."""
        return list(np.ndindex(self._array.shape[:-2]))

    def _on_paint(self, event: Any) -> None:
        """Take over a stroke."""
        step = make_step(self._array, [_read_edit(atom) for atom in event.value])
        if step is not None:
            self.history.add(step)
            self._note([step])

    def _on_refresh(self, event: Any = None) -> None:
        """Look what was changed without a stroke: by undoing, or by another program."""
        if self.layer.data is not self._array and isinstance(self.layer.data, np.ndarray):
            self._replace()
            return
        moved = self.history.follow(self._array)
        self._note(moved)
        plane = self.plane_in_view()
        if plane is not None:
            self._autosave.mark([plane])

    def _note(self, steps: list[Step]) -> None:
        """Count and save what steps changed just now."""
        for step in steps:
            forward = step in self.history.done
            for plane, before, after in step.planes():
                self._counts.change(plane, *((before, after) if forward else (after, before)))
                self._autosave.mark([plane])
        if steps:
            self.changed.emit()

    def _replace(self) -> None:
        """Begin anew with another array."""
        is_same_kind = (self.layer.data.shape, self.layer.data.dtype) == (self._array.shape, self._array.dtype)
        if not is_same_kind:
            self._autosave.finish()
        self._array = self.layer.data
        self.history.forget()
        self._counts = AnnotationCounts()
        self._uncounted = set(self._planes())
        if is_same_kind:
            self._autosave.array = self._array
            self._autosave.mark(self._planes())
        else:
            self._begin(self._autosave.store.sibling())
        self.changed.emit()

    def _on_editable(self, event: Any = None) -> None:
        """Note that napari has forgotten its own history."""
        if not self.layer.editable:
            self.history.let_go()

    def _on_counted(self, plane: Plane, counts: dict[int, int]) -> None:
        """Take over how much is in a plane; half a stroke would be counted again when it ends."""
        if self._drag.is_going:
            self._autosave.mark([plane])
            return
        self._counts.replace(plane, counts)
        self._uncounted.discard(plane)
        self.changed.emit()

    def _on_saved(self, saved: NoteSaved) -> None:
        """Note that the disk has everything."""
        self.problem = ""
        self.saved = saved if saved.folder is not None else self.saved
        self.told.emit()

    def _on_failed(self, reason: str) -> None:
        """Note that something could not be written."""
        self.problem = reason
        self.told.emit()

    def _step(self, step: Step, *, undo: bool) -> None:
        """Undo or redo a step: through napari, so that its own history agrees, else directly."""
        self._show(step.box)
        source = self.history.done if undo else self.history.undone
        if step.native:
            (self.layer.undo if undo else self.layer.redo)()
        if source and source[-1] is step:
            step.native = False
            step.write(self._array, undo=undo)
            source.pop()
            (self.history.undone if undo else self.history.done).append(step)
            self._note([step])
            self.layer.refresh()

    def _show(self, box: Rectangle) -> None:
        """Go to where a step was made, if it is not in view."""
        viewer = self._viewer()
        if viewer is None:
            return
        place = self._place()
        hidden = [axis for axis in range(-self.layer.ndim, 0) if viewer.dims.ndim + axis not in viewer.dims.displayed]
        if all(box[axis].start <= place[axis] < box[axis].stop for axis in hidden):
            return
        wanted = [box[axis].start if axis in hidden else place[axis] for axis in range(-self.layer.ndim, 0)]
        world = self.layer.data_to_world(wanted)
        viewer.dims.set_point([viewer.dims.ndim + axis for axis in hidden], [world[axis] for axis in hidden])

    def _place(self) -> tuple[int, ...]:
        """Give the point of the array one looks at."""
        viewer = self._viewer()
        point = self.layer.world_to_data(viewer.dims.point if viewer is not None else ())
        last = np.array(self._array.shape) - 1
        return tuple(np.clip(np.round(point).astype(int), 0, last).tolist())


class _Drag:
    """Knows whether the mouse is dragged over a layer: a stroke is in the pixels before napari tells of it."""

    def __init__(self) -> None:
        self.is_going = False

    def follow(self, layer: Labels, event: Any) -> Iterator[None]:
        """Follow the mouse from a press to the release; napari goes on with it at each event."""
        self.is_going = True
        yield
        while event.type == "mouse_move":
            yield
        self.is_going = False


def _read_edit(atom: Any) -> Edit:
    """Read an entry of napari's history: a box with a mask, or indices of pixels; the values before, and after."""
    if isinstance(atom[0][0], slice):
        box, mask, before, after = atom
        return Edit(box, mask, before, after)
    indices, before, after = [np.ravel(along) for along in atom[0]], np.ravel(atom[1]), np.ravel(atom[2])
    box = tuple(slice(int(along.min()), int(along.max()) + 1) for along in indices)
    within = tuple(along - part.start for along, part in zip(indices, box, strict=True))
    mask = np.zeros([part.stop - part.start for part in box], bool)
    values = np.zeros((2, *mask.shape), before.dtype)
    mask[within], values[0][within], values[1][within] = True, before, after
    return Edit(box, mask, values[0][mask], values[1][mask])
