"""What the docks of one viewer know in common: the project folder, the current model, the pair to learn from."""

from __future__ import annotations

import os
import weakref
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, Signal

from napari_unet.widgets._canvas import guard_removals
from napari_unet.widgets._names import name_folder

if TYPE_CHECKING:
    import napari
    from napari.layers import Image, Labels

#: Names another folder for projects.
HOME_VARIABLE = "NAPARI_UNET_HOME"


def projects_home() -> Path:
    """Give the folder that holds the project folders.

    Returns
    -------
    pathlib.Path
        What the variable ``NAPARI_UNET_HOME`` names, else ``napari-unet`` in the person's home.
    """
    return Path(os.environ.get(HOME_VARIABLE) or Path.home() / "napari-unet")


class Session(QObject):
    """State that the docks of a viewer share.

    Attributes
    ----------
    model_changed
        Signal with the path of the model that is current now.
    pair_suggested
        Signal with an Image and a Labels layer: learn from these.
    project_changed
        Signal with the project folder that is used now.
    run_suggested
        Signal with a run folder: go on with this run.
    """

    model_changed = Signal(object)
    pair_suggested = Signal(object, object)
    project_changed = Signal(object)
    run_suggested = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._model: Path | None = None
        self._project: Path | None = None
        self._pair: tuple[weakref.ref[Image], weakref.ref[Labels]] | None = None
        self._run: Path | None = None

    @property
    def model(self) -> Path | None:
        """Model file to segment with: the one trained or opened last; None: there is none yet."""
        return self._model

    def set_model(self, path: Path) -> None:
        """Make a model the current one.

        Parameters
        ----------
        path
            Model file.
        """
        self._model = path
        self.model_changed.emit(path)

    @property
    def project(self) -> Path:
        """Folder for annotations and runs; it is created when first written to."""
        if self._project is None:
            self._project = name_folder(projects_home())
        return self._project

    def set_project(self, folder: Path) -> None:
        """Use another project folder from now on.

        Parameters
        ----------
        folder
            May be absent yet.
        """
        self._project = folder
        self.project_changed.emit(folder)

    def suggest_pair(self, image: Image, labels: Labels) -> None:
        """Offer annotations to the dock that trains, now or when it is opened.

        Parameters
        ----------
        image, labels
            Layers of the viewer.
        """
        self._pair = weakref.ref(image), weakref.ref(labels)
        self.pair_suggested.emit(image, labels)

    def suggested_pair(self) -> tuple[Image, Labels] | None:
        """Give the pair offered last, if both layers still exist."""
        image, labels = (reference() for reference in self._pair) if self._pair else (None, None)
        return None if image is None or labels is None else (image, labels)

    def suggest_run(self, folder: Path) -> None:
        """Offer a run to the dock that trains, now or when it is opened.

        Parameters
        ----------
        folder
            Folder of a run that can be resumed.
        """
        self._run = folder
        self.run_suggested.emit(folder)

    def suggested_run(self) -> Path | None:
        """Give the folder of the run offered last."""
        return self._run


_sessions: weakref.WeakKeyDictionary[napari.components.ViewerModel, Session] = weakref.WeakKeyDictionary()


def session_of(viewer: napari.components.ViewerModel) -> Session:
    """Give the session of a viewer; the first call makes it, and guards the viewer's canvas.

    Parameters
    ----------
    viewer
        The viewer.

    Returns
    -------
    Session
        The same for every dock of the viewer.
    """
    # A dock gets the viewer through a proxy, which is another object than the viewer itself.
    viewer = getattr(viewer, "__wrapped__", viewer)
    if viewer not in _sessions:
        _sessions[viewer] = Session()
        guard_removals(viewer)
    return _sessions[viewer]
