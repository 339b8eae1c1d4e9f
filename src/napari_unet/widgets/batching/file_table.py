"""A table of files and what became of them."""

from __future__ import annotations

import html
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.utils.theme import get_theme
from qtpy.QtCore import QAbstractTableModel, QItemSelection, QModelIndex, Qt, Signal
from qtpy.QtGui import QColor, QPainter
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableView

from napari_unet.widgets.batching.file_rows import Row

if TYPE_CHECKING:
    from collections.abc import Iterable

    from qtpy.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent, QKeyEvent, QPaintEvent

    from napari_unet.inference.events import Event

_TITLES = ("File", "State", "Cells", "Time")
_WIDEST = ("", "99/99 planes", "9999", "999.9 s")
_LEAST_SIZE_PX = 335, 120
_HINT = "Drop images or a folder here."
#: Share of the colour of errors: more is too dark in the dark theme of napari 0.7, less is hardly red.
_RED = 0.45


def colour_of_failures(theme: str) -> QColor:
    """Give the colour in which what failed is written.

    Parameters
    ----------
    theme
        Name of napari's theme.

    Returns
    -------
    QColor
        Between the colour of errors, which is too dark to read on a dark ground, and that of text.
    """
    colours = get_theme(theme)
    error, text = (QColor(colour.as_hex()).getRgb() for colour in (colours.error, colours.text))
    return QColor(*(round(_RED * one + (1 - _RED) * other) for one, other in zip(error, text, strict=True)))


class FileModel(QAbstractTableModel):
    """The rows of the table, for Qt.

    Attributes
    ----------
    rows
        By file.
    error_colour
        Colour of what failed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[Path, Row] = {}
        self.error_colour = QColor()
        self._order: list[Path] = []
        self._numbers: dict[Path, int] = {}
        self._sorting = -1, Qt.SortOrder.AscendingOrder

    def set_files(self, files: Iterable[Path]) -> None:
        """Show files; of those shown already, what became of them is kept."""
        self.rows = {path: self.rows.get(path) or Row(path) for path in files}
        self.sort(*self._sorting)

    def restart(self, files: Iterable[Path]) -> None:
        """Let files wait again."""
        again = list(files)
        self.rows.update({path: Row(path) for path in again})
        self._refresh(again)

    def follow(self, events: list[Event]) -> None:
        """Show what happened to the files."""
        for event in events:
            self.rows[event.path].follow(event)
        self._refresh(event.path for event in events)

    def rest(self) -> None:
        """Let files wait that were begun and not finished."""
        self.restart([path for path, row in self.rows.items() if row.state == "running"])

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by what a column means; -1: in the order in which the files were given."""
        self._sorting = column, order
        self.beginResetModel()
        self._order = list(self.rows)
        if column >= 0:
            descending = order == Qt.SortOrder.DescendingOrder
            self._order.sort(key=lambda path: self.rows[path].sort_keys()[column], reverse=descending)
        self._numbers = {path: number for number, path in enumerate(self._order)}
        self.endResetModel()

    def row_at(self, index: QModelIndex) -> Row:
        """Give the row at a place of the table."""
        return self.rows[self._order[index.row()]]

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """Count the files."""
        return len(self._order)

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        """Count the columns."""
        return len(_TITLES)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> str | None:
        """Name the columns."""
        shown = orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole
        return _TITLES[section] if shown else None

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Give text, tooltip, colour and sort key of a cell."""
        row = self.row_at(index)
        if role == Qt.ItemDataRole.DisplayRole:
            return row.texts()[index.column()]
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"<p>{html.escape(row.message or str(row.path))}</p>"
        if role == Qt.ItemDataRole.ForegroundRole and row.state == "failed":
            return self.error_colour
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column() > 1:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None

    def _refresh(self, files: Iterable[Path]) -> None:
        """Draw some rows again, and those between them."""
        if numbers := [self._numbers[path] for path in files]:
            self.dataChanged.emit(self.index(min(numbers), 0), self.index(max(numbers), len(_TITLES) - 1))


class FileTable(QTableView):
    """Shows files and what became of them; takes files that are dropped on it.

    Attributes
    ----------
    files
        The model with the rows.
    dropped
        Signal with the list of paths that were dropped.
    opened
        Signal with the `Row` that was double-clicked.
    selection_changed
        Signal: other rows are selected.
    removal_wanted
        Signal: the key Delete was pressed.
    """

    dropped = Signal(list)
    opened = Signal(object)
    selection_changed = Signal()
    removal_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.files = FileModel()
        self.setModel(self.files)
        self.setSortingEnabled(True)
        # In the order in which they were given until a person chooses another.
        self.sortByColumn(-1, Qt.SortOrder.AscendingOrder)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setAcceptDrops(True)
        self.setMinimumSize(*_LEAST_SIZE_PX)
        self.doubleClicked.connect(lambda index: self.opened.emit(self.files.row_at(index)))
        self._lay_out()

    def selected(self) -> list[Row]:
        """Give the rows that are selected."""
        selection = self.selectionModel()
        return [self.files.row_at(index) for index in selection.selectedRows()] if selection else []

    def selectionChanged(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        """Tell of it."""
        super().selectionChanged(selected, deselected)
        self.selection_changed.emit()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Ask for the selected files to be removed."""
        if event is not None and event.key() == Qt.Key.Key_Delete:
            self.removal_wanted.emit()
        else:
            super().keyPressEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:
        """Welcome files."""
        _welcome(event)

    def dragMoveEvent(self, event: QDragMoveEvent | None) -> None:
        """Welcome files."""
        _welcome(event)

    def dropEvent(self, event: QDropEvent | None) -> None:
        """Tell which files were dropped."""
        if event is None or (content := event.mimeData()) is None:
            return
        paths = [Path(url.toLocalFile()) for url in content.urls() if url.isLocalFile()]
        event.acceptProposedAction()
        self.dropped.emit(paths)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Say what belongs here while there is nothing."""
        super().paintEvent(event)
        viewport = self.viewport()
        if viewport is not None and not self.files.rows:
            QPainter(viewport).drawText(viewport.rect(), Qt.AlignmentFlag.AlignCenter, _HINT)

    def _lay_out(self) -> None:
        """Give the names what room there is."""
        header, side = self.horizontalHeader(), self.verticalHeader()
        assert header is not None and side is not None
        side.hide()
        side.setDefaultSectionSize(self.fontMetrics().height() + 8)
        header.setHighlightSections(False)
        header.setMinimumSectionSize(30)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for column in range(1, len(_TITLES)):
            self.setColumnWidth(column, self.fontMetrics().horizontalAdvance(_WIDEST[column]) + 12)


def _welcome(event: QDragMoveEvent | None) -> None:
    """Accept what holds files."""
    if event is not None and (content := event.mimeData()) is not None and content.hasUrls():
        event.acceptProposedAction()
