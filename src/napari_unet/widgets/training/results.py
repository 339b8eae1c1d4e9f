"""What a training leaves: its model, and what one can do with it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_unet.data.files import atomic_path
from napari_unet.widgets._dock import open_dock
from napari_unet.widgets._worker import EventRunner

if TYPE_CHECKING:
    from collections.abc import Generator

    from napari_unet.widgets._dock import Dock

#: Qt breaks a line here, where nothing is to be seen.
_BREAK = "\u200b"


class ModelRow(QWidget):
    """Says where the model lies; saves it elsewhere; leads to segmentation.

    Parameters
    ----------
    dock
        Dock it is part of.
    """

    def __init__(self, dock: Dock) -> None:
        super().__init__()
        self._dock = dock
        self._model: Path | None = None
        self._copier = EventRunner(self)
        self._copier.arrived.connect(self._tell)
        self.place = QLabel()
        self.place.setWordWrap(True)
        self.place.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.save_button, self.segment_button = QPushButton("Save model as …"), QPushButton("Open Segment")
        self.save_button.setToolTip("<p>Put a copy of the model where you like, under a name you like.</p>")
        self.segment_button.setToolTip("<p>Segment a slice, what is in view or the whole stack with the model.</p>")
        self.save_button.clicked.connect(self._ask)
        self.segment_button.clicked.connect(self._segment)
        buttons = QHBoxLayout()
        buttons.addWidget(self.save_button)
        buttons.addWidget(self.segment_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.place)
        layout.addLayout(buttons)
        self.hide()

    def show_model(self, model: Path) -> None:
        """Show a model from now on.

        Parameters
        ----------
        model
            Model file.
        """
        self._model = model
        self.place.setText(f"Model: {str(model).replace(os.sep, os.sep + _BREAK)}")
        self.place.setToolTip("<p>It is kept in the folder of its run; later runs do not touch it.</p>")
        self.show()

    def _ask(self) -> None:
        """Ask where to save the model."""
        if self._model is None or self._copier.is_running:
            return
        name, _ = QFileDialog.getSaveFileName(self, "Save model", "cells.safetensors", "Model (*.safetensors)")
        if name:
            model, target = self._model, Path(name).with_suffix(self._model.suffix)
            self._copier.start(lambda: _copy(model, target))

    def _tell(self, copies: list[Path]) -> None:
        """Show where the copy lies; it is the current model now."""
        self.show_model(copies[-1])
        self._dock.session.set_model(copies[-1])

    def _segment(self) -> None:
        """Open the dock that segments."""
        open_dock(self._dock.viewer, "Segment")


def _copy(model: Path, target: Path) -> Generator[Path]:
    """Copy a model, whole or not at all."""
    with atomic_path(target) as temporary:
        shutil.copyfile(model, temporary)
    yield target
