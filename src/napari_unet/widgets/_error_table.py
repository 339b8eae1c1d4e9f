"""The errors of a comparison as a list: filtered by kind, sorted, and the way to each."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, QSortFilterProxyModel, Qt, Signal
from qtpy.QtGui import QBrush, QColor, QIcon, QPainter, QPen, QPixmap
from qtpy.QtWidgets import QAbstractItemView, QGridLayout, QHeaderView, QTableView, QToolButton, QVBoxLayout, QWidget

from napari_unet.widgets._error_layer import LOOKS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_unet.inference.evaluation import PlaneReport
    from napari_unet.metrics import CellError

_TITLES = ("Error", "Where", "Size", "IoU", "Truth → found")
_SIZE_COLUMN, _IOU_COLUMN = 2, 3
_NUMBERS = (_SIZE_COLUMN, _IOU_COLUMN)
_HELP = (
    "Kind of the error.",
    "Image or slice.",
    "Pixels of all cells that are part of the error.",
    "Best overlap of a true and a predicted cell that are part of the error, 0 … 1.",
    "Label numbers of the true cells, and of those predicted in their place.",
)
_CHIP_PX = 12
_ROW_PX = 20
_LEAST_HEIGHT_PX = 150
_SORTED_BY = Qt.ItemDataRole.UserRole


class ErrorRows(QAbstractTableModel):
    """Errors as rows.

    Attributes
    ----------
    rows
        Each error, with the report of its plane and the words for where that is.
    """

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[tuple[PlaneReport, CellError, str]] = []
        self._colors = {kind: QColor(look.color) for kind, look in LOOKS.items()}

    def show(self, rows: list[tuple[PlaneReport, CellError, str]]) -> None:
        """Show other rows."""
        self.beginResetModel()
        self.rows = rows
        self.endResetModel()

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """Count the errors."""
        return len(self.rows)

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        """Count the columns."""
        return len(_TITLES)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Give title and meaning of a column."""
        if orientation == Qt.Orientation.Vertical:
            return None
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"<p>{_HELP[section]}</p>"
        return _TITLES[section] if role == Qt.ItemDataRole.DisplayRole else None

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Give what stands in a cell, what it is sorted by, and the colour of its kind."""
        report, error, where = self.rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return _texts(error, where)[index.column()]
        if role == _SORTED_BY:
            keys = (error.kind, (report.image, report.place), error.size_px, error.iou, (error.truth, error.predicted))
            return keys[index.column()]
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column() in _NUMBERS:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role == Qt.ItemDataRole.DecorationRole and index.column() == 0:
            return self._colors[error.kind]
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"<p>{LOOKS[error.kind].meaning} Click to look at it.</p>"
        return None


class ErrorFilter(QSortFilterProxyModel):
    """Lets errors of the wanted kinds through, in the wanted order.

    Attributes
    ----------
    hidden
        Kinds that are left out.
    """

    def __init__(self, rows: ErrorRows) -> None:
        super().__init__()
        self._rows = rows
        self.hidden: set[str] = set()
        self.setSourceModel(rows)

    def filterAcceptsRow(self, source_row: int, source_parent: QModelIndex) -> bool:
        """Tell whether a row is shown."""
        return self._rows.rows[source_row][1].kind not in self.hidden

    def lessThan(self, left: QModelIndex, right: QModelIndex) -> bool:
        """Compare as numbers and places, not as texts."""
        return bool(self._rows.data(left, _SORTED_BY) < self._rows.data(right, _SORTED_BY))


class ErrorTable(QWidget):
    """Lists errors under a legend whose buttons hide and show each kind.

    Attributes
    ----------
    chosen
        Signal with the report of a plane and one of its errors: a person wants to look at it.
    opened
        Signal with the same: a person wants to open where it is.
    """

    chosen = Signal(object, object)
    opened = Signal(object, object)

    def __init__(self) -> None:
        super().__init__()
        self.rows = ErrorRows()
        self.filter = ErrorFilter(self.rows)
        self.view = _table(self.filter)
        self.buttons = {kind: self._kind_button(kind) for kind in LOOKS}
        legend = QGridLayout()
        legend.setSpacing(3)
        for number, button in enumerate(self.buttons.values()):
            legend.addWidget(button, *divmod(number, 3))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(legend)
        layout.addWidget(self.view)
        selection = self.view.selectionModel()
        assert selection is not None
        selection.currentRowChanged.connect(self._choose)
        self.view.clicked.connect(self._choose)
        self.view.activated.connect(self._open)

    def show_errors(self, reports: Sequence[PlaneReport], where: Sequence[str]) -> None:
        """Show the errors of some planes.

        Parameters
        ----------
        reports
            The planes.
        where
            Words for each.
        """
        places = list(zip(reports, where, strict=True))
        self.rows.show([(report, error, words) for report, words in places for error in report.errors])
        counts = Counter(error.kind for _, error, _ in self.rows.rows)
        for kind, button in self.buttons.items():
            button.setText(f"{LOOKS[kind].title} {counts[kind]}")
        self.view.setColumnHidden(1, len(reports) < 2)
        self.view.sortByColumn(_SIZE_COLUMN, Qt.SortOrder.DescendingOrder)

    def _kind_button(self, kind: str) -> QToolButton:
        """Make the button of a kind: legend, count and switch in one."""
        look = LOOKS[kind]  # type: ignore[index]
        button = QToolButton()
        button.setIcon(chip(look.color))
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setCheckable(True)
        button.setChecked(True)
        button.setToolTip(f"<p>{look.meaning} Click to leave these out of the list, or to list them again.</p>")
        button.toggled.connect(lambda shown: self._switch(kind, shown=shown))
        return button

    def _switch(self, kind: str, *, shown: bool) -> None:
        """List a kind, or leave it out."""
        (self.filter.hidden.discard if shown else self.filter.hidden.add)(kind)
        self.filter.invalidateFilter()

    def _at(self, index: QModelIndex) -> tuple[PlaneReport, CellError]:
        """Give what stands in a row."""
        report, error, _ = self.rows.rows[self.filter.mapToSource(index).row()]
        return report, error

    def _choose(self, index: QModelIndex, *_: Any) -> None:
        """Tell which error a person wants to look at."""
        if index.isValid():
            self.chosen.emit(*self._at(index))

    def _open(self, index: QModelIndex) -> None:
        """Tell which error a person wants to open."""
        self.opened.emit(*self._at(index))


def chip(color: str) -> QIcon:
    """Draw a small square of a colour; of a button that is switched off, only its edge."""
    icon = QIcon()
    for state, brush in ((QIcon.State.On, QBrush(QColor(color))), (QIcon.State.Off, QBrush())):
        pixmap = QPixmap(_CHIP_PX, _CHIP_PX)
        pixmap.fill(QColor("transparent"))
        painter = QPainter(pixmap)
        painter.setPen(QPen(QColor(color), 2))
        painter.setBrush(brush)
        painter.drawRect(1, 1, _CHIP_PX - 2, _CHIP_PX - 2)
        painter.end()
        icon.addPixmap(pixmap, state=state)
    return icon


def _table(model: ErrorFilter) -> QTableView:
    """Make the view of the list."""
    view = QTableView()
    view.setModel(model)
    view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    view.setSortingEnabled(True)
    view.setMinimumHeight(_LEAST_HEIGHT_PX)
    columns, rows = view.horizontalHeader(), view.verticalHeader()
    assert columns is not None and rows is not None
    columns.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    columns.setStretchLastSection(True)
    rows.hide()
    rows.setDefaultSectionSize(_ROW_PX)
    return view


def _texts(error: CellError, where: str) -> tuple[str, ...]:
    """Write the cells of a row."""
    labels = (", ".join(map(str, ids)) or "–" for ids in (error.truth, error.predicted))
    return LOOKS[error.kind].title, where, str(error.size_px), f"{error.iou:.2f}", " → ".join(labels)
