"""What a training leaves: its model, and what one can do with it."""

from __future__ import annotations

import html
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from napari_unet.data.files import atomic_path
from napari_unet.widgets._dock import open_dock
from napari_unet.widgets._worker import EventRunner

if TYPE_CHECKING:
    from collections.abc import Generator

    from napari_unet.widgets._dock import Dock

_LEAST_WIDTH_PX = 80


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
        self._copier.failed.connect(lambda error: dock.say(str(error), "error"))
        # A label breaks no path into lines, unless there is something in the path that a copy of it must not have.
        self.place = QLineEdit()
        self.place.setReadOnly(True)
        self.place.setMinimumWidth(_LEAST_WIDTH_PX)
        self.save_button, self.segment_button = QPushButton("Save model as …"), QPushButton("Open Segment")
        self.save_button.setToolTip("<p>Put a copy of the model where you like, under a name you like.</p>")
        self.segment_button.setToolTip("<p>Segment a slice, what is in view or the whole stack with the model.</p>")
        self.save_button.clicked.connect(self._ask)
        self.segment_button.clicked.connect(self._segment)
        line, buttons = QHBoxLayout(), QHBoxLayout()
        line.addWidget(QLabel("Model"))
        line.addWidget(self.place)
        buttons.addWidget(self.save_button)
        buttons.addWidget(self.segment_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(line)
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
        # What tells models apart stands at the end, where the line stays.
        self.place.setText(str(model))
        self.place.setToolTip(
            f"<p>{html.escape(str(model))}</p><p>It is kept in the folder of its run; later runs do not touch it.</p>"
        )
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
