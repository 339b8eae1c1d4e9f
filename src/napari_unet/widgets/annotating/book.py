"""The annotation layers of a viewer: followed whether the dock is open or not."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QCoreApplication, QObject, Signal

from napari_unet.data.annotation_store import AnnotationStore
from napari_unet.widgets._session import session_of
from napari_unet.widgets.annotating.annotation import Annotation

if TYPE_CHECKING:
    from collections.abc import Collection

    from napari.components import ViewerModel
    from napari.layers import Labels

    from napari_unet.data.annotation_counts import Plane


class AnnotationBook(QObject):
    """Every annotation layer of a viewer.

    Parameters
    ----------
    viewer
        The viewer.

    Attributes
    ----------
    changed, told
        Signals of any of them, see `Annotation`.
    left
        Signal: an annotation layer was removed; its files stay.
    """

    changed = Signal()
    told = Signal()
    left = Signal()

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__(session_of(viewer))
        self._session = session_of(viewer)
        self._viewer = weakref.ref(getattr(viewer, "__wrapped__", viewer))
        self._annotations: dict[Any, Annotation] = {}
        viewer.layers.events.removed.connect(self._on_removed)
        application = QCoreApplication.instance()
        assert application is not None
        application.aboutToQuit.connect(self.finish)

    def follow(
        self, layer: Labels, store: AnnotationStore | None = None, planes: Collection[Plane] | None = None
    ) -> Annotation:
        """Count, save and undo an annotation layer from now on.

        Parameters
        ----------
        layer
            Layer with its pixels in memory; it may be added to the viewer later.
        store
            Where it was read from; None: it is new in the project of the viewer.
        planes
            Indices of the planes that may hold something; None: all.

        Returns
        -------
        Annotation
            The same when it is followed already.
        """
        if layer.unique_id not in self._annotations:
            viewer = self._viewer()
            assert viewer is not None
            store = store or AnnotationStore(self._session.project, layer.name)
            annotation = Annotation(viewer, layer, store, self, planes)
            annotation.changed.connect(self.changed)
            annotation.told.connect(self.told)
            self._annotations[layer.unique_id] = annotation
        return self._annotations[layer.unique_id]

    def save_note(self, layer: Labels) -> None:
        """Save what a layer is, though its pixels are as they were; of one that is not followed nothing.

        Parameters
        ----------
        layer
            Any layer.
        """
        if layer.unique_id in self._annotations:
            self._annotations[layer.unique_id].save_note()

    def finish(self) -> None:
        """Write what is left of all annotations, and close them."""
        while self._annotations:
            self._annotations.popitem()[1].finish()

    def _on_removed(self, event: Any) -> None:
        """Close the annotation of a layer that was removed."""
        annotation = self._annotations.pop(event.value.unique_id, None)
        if annotation is not None:
            annotation.finish()
            self.left.emit()


def book_of(viewer: ViewerModel) -> AnnotationBook:
    """Give the annotations of a viewer; the first call makes the book.

    Parameters
    ----------
    viewer
        The viewer.
    """
    found = session_of(viewer).findChild(AnnotationBook)
    return found if isinstance(found, AnnotationBook) else AnnotationBook(viewer)
