"""Lines of text with a button: a folder to write to, a command to copy."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtGui import QFontDatabase
from qtpy.QtWidgets import QApplication, QFileDialog, QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

_LEAST_WIDTH_PX = 80
#: Qt cuts a line at 32767 characters unless told otherwise, which would be another command.
_LONGEST = 2**30


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
        self.browse = QPushButton("Choose…")
        self.setToolTip(f"<p>{tooltip}</p>")
        self.browse.setToolTip("<p>Choose the folder.</p>")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.line)
        layout.addWidget(self.browse)
        self.line.textChanged.connect(self.changed)
        self.browse.clicked.connect(self._browse)

    @property
    def folder(self) -> Path:
        """The folder entered, or else the one suggested."""
        return Path(self.line.text().strip() or self.line.placeholderText()).expanduser().absolute()

    def suggest(self, folder: Path) -> None:
        """Suggest a folder, for as long as none is entered."""
        self.line.setPlaceholderText(str(folder))

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
        self.copy = QPushButton("Copy")
        self.copy.setToolTip("<p>Copy the command.</p>")
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
        self.copy.clicked.connect(self._copy)

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
