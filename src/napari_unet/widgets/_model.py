"""The choice of the model to segment with, which all docks of a viewer share."""

from __future__ import annotations

import html
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QPushButton, QWidget

from napari_unet.errors import InputError
from napari_unet.models.card import read_card

if TYPE_CHECKING:
    from napari_unet.models.card import ModelCard
    from napari_unet.widgets._session import Session

_LEAST_WIDTH_PX = 80


class ModelBox(QWidget):
    """Shows the current model, and lets a person choose another.

    Parameters
    ----------
    session
        Knows the current model.

    Attributes
    ----------
    changed
        Signal: the model is another one now, or was written anew.
    path
        The model file; None: there is none, or it cannot be read.
    card
        What the model is; None as above.
    problem
        Why there is no model, for people.
    """

    changed = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.path: Path | None = None
        self.card: ModelCard | None = None
        self.problem = ""
        self.line = QLineEdit()
        self.line.setReadOnly(True)
        self.line.setPlaceholderText("train one, or choose a file")
        self.line.setMinimumWidth(_LEAST_WIDTH_PX)
        self.browse = QPushButton("Choose…")
        self.browse.setToolTip("<p>Choose a model file (.safetensors), as the training writes it.</p>")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.line)
        layout.addWidget(self.browse)
        self.browse.clicked.connect(self._browse)
        session.model_changed.connect(self._show)
        self._show(session.model)

    def _browse(self) -> None:
        """Let the person choose a file."""
        start = str(self.path.parent if self.path else self._session.project)
        name, _ = QFileDialog.getOpenFileName(self, "Choose a model", start, "U-Net models (*.safetensors)")
        if name:
            self._session.set_model(Path(name))

    def _show(self, path: Path | None) -> None:
        """Show a model, or why it is none."""
        self.path, self.card, self.problem = None, None, "Train a model first, or choose a model file."
        if path is not None:
            self._read(path)
        self.line.setText(path.name if path else "")
        self.line.setCursorPosition(0)
        self.line.setToolTip(f"<p>Model to segment with. {html.escape(str(path) if self.path else self.problem)}</p>")
        self.changed.emit()

    def _read(self, path: Path) -> None:
        """Read what a model is."""
        try:
            self.card = read_card(path)
        except InputError as error:
            self.problem = str(error)
        else:
            self.path, self.problem = path, ""
