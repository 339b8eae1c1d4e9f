"""Buttons, and lines of text with one: a folder to write to, a command to copy."""

from __future__ import annotations

import html
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtGui import QFontDatabase
from qtpy.QtWidgets import QApplication, QFileDialog, QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

if TYPE_CHECKING:
    from collections.abc import Callable

_LEAST_WIDTH_PX = 80
#: Qt cuts a line at 32767 characters unless told otherwise, which would be another command.
_LONGEST = 2**30


def make_button(text: str, tooltip: str, action: Callable[[], None]) -> QPushButton:
    """Make a button.

    Parameters
    ----------
    text
        What it does, as an order.
    tooltip
        What happens then, without markup.
    action
        What to call.

    Returns
    -------
    QPushButton
        The button.
    """
    button = QPushButton(text)
    button.setToolTip(f"<p>{html.escape(tooltip)}</p>")
    button.clicked.connect(lambda: action())
    return button


class FolderLine(QWidget):
    """A folder that is suggested until a person enters another.

    Parameters
    ----------
    tooltip
        What the folder is for.

    Attributes
    ----------
    changed
        Signal: another folder was entered.
    """

    changed = Signal()

    def __init__(self, tooltip: str) -> None:
        super().__init__()
        self.line = QLineEdit()
        self.line.setMinimumWidth(_LEAST_WIDTH_PX)
        self.browse = make_button("Choose…", "Choose the folder.", self._browse)
        self._tooltip = tooltip
        self.setToolTip(f"<p>{tooltip}</p>")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.line)
        layout.addWidget(self.browse)
        self.line.textChanged.connect(self._tell)

    @property
    def folder(self) -> Path:
        """The folder entered, or else the one suggested."""
        return Path(self.line.text().strip() or self.line.placeholderText()).expanduser().absolute()

    def suggest(self, folder: Path) -> None:
        """Suggest a folder, for as long as none is entered."""
        self.line.setPlaceholderText(str(folder))
        self._explain()

    def _tell(self) -> None:
        """Tell of another folder."""
        self._explain()
        self.changed.emit()

    def _explain(self) -> None:
        """Show the whole path, for which the line may be too short."""
        self.line.setToolTip(f"<p>{self._tooltip}</p><p>{html.escape(str(self.folder))}</p>")

    def _browse(self) -> None:
        """Let the person choose a folder."""
        if name := QFileDialog.getExistingDirectory(self, "Choose the output folder", str(self.folder.parent)):
            self.line.setText(name)


class CommandLine(QWidget):
    """The command line that does the same, to copy."""

    def __init__(self) -> None:
        super().__init__()
        self.line = QLineEdit()
        self.line.setReadOnly(True)
        self.line.setMaxLength(_LONGEST)
        self.line.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.line.setMinimumWidth(_LEAST_WIDTH_PX)
        self.copy = make_button("Copy", "Copy the command.", self._copy)
        title = QLabel("The same as a command")
        for widget in (title, self.line):
            widget.setToolTip(
                "<p>Command that segments these files with these settings in a terminal or on a cluster. Files that "
                "only a plugin of napari reads are left out.</p>"
            )
        row, layout = QHBoxLayout(), QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.line)
        row.addWidget(self.copy)
        layout.addWidget(title)
        layout.addLayout(row)

    def show_command(self, command: str, missing: str) -> None:
        """Show a command.

        Parameters
        ----------
        command
            The command; empty: there is none.
        missing
            Why there is none.
        """
        self.line.setText(command)
        self.line.setPlaceholderText(missing)
        self.line.setCursorPosition(0)
        self.copy.setEnabled(bool(command))

    def _copy(self) -> None:
        """Put the command into the clipboard."""
        clipboard = QApplication.clipboard()
        assert clipboard is not None
        clipboard.setText(self.line.text())
