"""The parts of the dock *Annotate*: tools, counts, what is on the disk, the question what numbers mean."""

from __future__ import annotations

import html
import time
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from qtpy.QtCore import Qt, QUrl, Signal
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from napari_unet.widgets.annotating.annotation import Annotation


class Tool(NamedTuple):
    """A tool: its name, what is written on its button, its key as napari writes it, and its tooltip."""

    name: str
    text: str
    key: str
    tooltip: str


#: In the order of the rows; none of the keys is napari's own.
TOOLS = (
    (
        Tool("new_cell", "New cell", "Shift-N", "Paint the next cell, with a number of its own."),
        Tool("background", "Background", "Shift-B", "Paint background."),
    ),
    (
        Tool("outline", "Outline", "Shift-O", "Click round a cell; a double click closes the outline and fills it."),
        Tool("erase", "Erase", "Shift-E", "Erase what is painted."),
    ),
    (
        Tool(
            *("rest", "Rest of a rectangle is background", "Shift-R"),
            "Drag a rectangle on the image: all in it that is not annotated becomes background.",
        ),
    ),
    (
        Tool("undo", "Undo", "Shift-Z", "Undo the last stroke, in whichever plane it was made."),
        Tool("redo", "Redo", "Shift-Y", "Do again what was undone last."),
    ),
)
_MEANINGS = {
    "sparse": ("Only a part is annotated", "0 is not annotated, 1 is background, 2, 3, … are the cells."),
    "dense": ("All is annotated", "0 is background, 1, 2, … are the cells: every cell has been painted."),
}


def tool_button(text: str, tooltip: str, act: Callable[[], object]) -> QPushButton:
    """Make a button that does not take the keyboard from the canvas when it is clicked.

    Parameters
    ----------
    text
        What it does, as an order.
    tooltip
        What happens then.
    act
        Called on a click.
    """
    button = QPushButton(text)
    button.setToolTip(f"<p>{html.escape(tooltip)}</p>")
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    button.clicked.connect(lambda: act())
    return button


class ToolBox(QWidget):
    """The tools, two a row, with their keys.

    Parameters
    ----------
    actions
        What to call, by the name of the tool.

    Attributes
    ----------
    buttons
        Button of each tool, by its name.
    """

    def __init__(self, actions: Mapping[str, Callable[[], object]]) -> None:
        super().__init__()
        self.buttons: dict[str, QPushButton] = {}
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        for row, tools in enumerate(TOOLS):
            for column, tool in enumerate(tools):
                text = f"{tool.text}  ({tool.key.replace('-', '+')})"
                button = self.buttons[tool.name] = tool_button(text, tool.tooltip, actions[tool.name])
                grid.addWidget(button, row, column, 1, 3 - len(tools))

    def mark(self, name: str) -> None:
        """Show which tool is in use; empty: none of these."""
        for each, button in self.buttons.items():
            button.setCheckable(each == name)
            button.setChecked(each == name)


class SchemeQuestion(QFrame):
    """Asks what the numbers of a Labels layer mean.

    Attributes
    ----------
    answered
        Signal with the scheme.
    answers
        Button of each scheme.
    """

    answered = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("offer")
        self.text = QLabel()
        self.text.setWordWrap(True)
        layout, buttons = QVBoxLayout(self), QHBoxLayout()
        layout.addWidget(self.text)
        layout.addLayout(buttons)
        self.answers: dict[str, QPushButton] = {}
        for scheme, (text, tooltip) in _MEANINGS.items():
            self.answers[scheme] = tool_button(text, tooltip, partial(self.answered.emit, scheme))
            buttons.addWidget(self.answers[scheme])

    def ask(self, name: str) -> None:
        """Ask about a layer; empty: about none."""
        self.text.setText(f"<p>How much of the image is painted in '{html.escape(name)}'?</p>")
        self.setVisible(bool(name))


class CountsTable(QWidget):
    """Cells and annotated pixels, in the plane in view and in all."""

    def __init__(self) -> None:
        super().__init__()
        self._cells: list[list[QLabel]] = []
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for column, title in enumerate(("Cells", "Cell pixels", "Background pixels"), start=1):
            layout.addWidget(QLabel(title), 0, column, Qt.AlignmentFlag.AlignRight)
        for row, title in enumerate(("This plane", "All planes"), start=1):
            numbers = [QLabel() for _ in range(3)]
            layout.addWidget(QLabel(title), row, 0)
            for column, number in enumerate(numbers, start=1):
                layout.addWidget(number, row, column, Qt.AlignmentFlag.AlignRight)
            self._cells.append(numbers)
        self.setToolTip("<p>What you have painted so far: number of cells, pixels of cells and of background.</p>")

    def show_annotation(self, annotation: Annotation | None) -> None:
        """Show how much is annotated, as far as it is known; None: there is no annotation."""
        here = None if annotation is None else annotation.plane_in_view()
        plane = None if annotation is None or here is None else annotation.tally(here)
        everywhere = annotation.tally() if annotation is not None and annotation.is_counted else None
        for numbers, tally in zip(self._cells, (plane, everywhere), strict=True):
            counts = (tally.n_cells, tally.cell_px, tally.background_px) if tally else (None, None, None)
            for number, count in zip(numbers, counts, strict=True):
                number.setText("–" if count is None else f"{count:,}".replace(",", "\u2009"))


class SavedLine(QWidget):
    """Says when and where the annotation was saved, and opens the folder."""

    def __init__(self) -> None:
        super().__init__()
        self._folder: Path | None = None
        self.text = QLabel()
        self.text.setWordWrap(True)
        self.open = tool_button("Open folder", "Open the folder in which every stroke is saved.", self._open)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.text, stretch=1)
        layout.addWidget(self.open)

    def show_annotation(self, annotation: Annotation | None) -> None:
        """Show how it stands with the disk; None: there is no annotation."""
        self.setVisible(annotation is not None)
        if annotation is None:
            return
        saved = annotation.saved
        self._folder = None if saved is None else saved.folder
        self.open.setVisible(self._folder is not None)
        if annotation.problem:
            text = f"<b>Not saved:</b> {html.escape(annotation.problem)}. Paint on; saving is tried again."
        elif saved is None or self._folder is None:
            text = "Every stroke will be saved."
        else:
            at = time.strftime("%H:%M:%S", time.localtime(saved.at))
            text = f"Saved {at} in {html.escape(self._folder.parent.parent.name)}"
        self.text.setText(f"<p>{text}</p>")
        self.text.setToolTip(f"<p>{html.escape(str(self._folder or ''))}</p>")

    def _open(self) -> None:
        """Open the folder in the file manager."""
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._folder)))
