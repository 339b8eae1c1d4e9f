"""The errors of a comparison as a list: filtered by kind, sorted, and the way to each."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, TypeAlias

from qtpy.QtCore import QAbstractTableModel, QModelIndex, Qt, Signal
from qtpy.QtGui import QBrush, QColor, QIcon, QPainter, QPen, QPixmap
from qtpy.QtWidgets import QAbstractItemView, QGridLayout, QHeaderView, QTableView, QToolButton, QVBoxLayout, QWidget

from napari_unet.widgets.evaluating.error_layer import LOOKS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_unet.inference.evaluation import PlaneReport
    from napari_unet.metrics import CellError

Row: TypeAlias = "tuple[PlaneReport, CellError, str]"

_TITLES = ("Error", "Where", "Size", "IoU", "Truth → found")
_SIZE_COLUMN, _IOU_COLUMN = 2, 3
_HELP = (
    "Kind of the error.",
    "Image or slice.",
    "Pixels of all cells that are part of the error.",
    "Best overlap of a true and a predicted cell that are part of the error, 0 … 1.",
    "Label numbers of the true cells, and of those predicted in their place.",
)
#: What each column is sorted by.
_KEYS: tuple[Callable[[Row], Any], ...] = (
    lambda row: row[1].kind,
    lambda row: (row[0].image, row[0].place),
    lambda row: row[1].size_px,
    lambda row: row[1].iou,
    lambda row: (row[1].truth, row[1].predicted),
)
_CHIP_PX = 12
_ROW_PX = 20
_MEASURED_ROWS = 30
_LEAST_HEIGHT_PX = 150


class ErrorRows(QAbstractTableModel):
    """Errors as rows, filtered by kind and sorted.

    Attributes
    ----------
    rows
        The errors that are shown, in their order, with the report of the plane and the words for where that is.
    """

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[Row] = []
        self._all: list[Row] = []
        self._hidden: set[str] = set()
        self._order = (_SIZE_COLUMN, Qt.SortOrder.DescendingOrder)
        self._colors = {kind: QColor(look.color) for kind, look in LOOKS.items()}

    def show(self, rows: list[Row]) -> None:
        """Show other errors."""
        self._all = rows
        self._arrange()

    def hide(self, kind: str, *, hidden: bool) -> None:
        """Leave a kind out, or let it in again."""
        (self._hidden.add if hidden else self._hidden.discard)(kind)
        self._arrange()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Put the rows into another order; Qt calls it."""
        self._order = column, order
        self._arrange()

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """Count the rows."""
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
        """Give what stands in a cell, how, and the colour of its kind."""
        _, error, where = self.rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return _texts(error, where)[index.column()]
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column() in (_SIZE_COLUMN, _IOU_COLUMN):
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role == Qt.ItemDataRole.DecorationRole and index.column() == 0:
            return self._colors[error.kind]
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"<p>{LOOKS[error.kind].meaning} Click to look at it.</p>"
        return None

    def _arrange(self) -> None:
        """Filter and sort."""
        column, order = self._order
        self.beginResetModel()
        shown = (row for row in self._all if row[1].kind not in self._hidden)
        self.rows = sorted(shown, key=_KEYS[column], reverse=order == Qt.SortOrder.DescendingOrder)
        self.endResetModel()


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
        self.model = ErrorRows()
        self.view = _table(self.model)
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
        rows = [(report, error, words) for report, words in places for error in report.errors]
        counts = Counter(error.kind for _, error, _ in rows)
        for kind, button in self.buttons.items():
            button.setText(f"{LOOKS[kind].title} {counts[kind]}")
        self.view.setColumnHidden(1, len(reports) < 2)
        self.model.show(rows)

    def _kind_button(self, kind: str) -> QToolButton:
        """Make the button of a kind: legend, count and switch in one."""
        look = LOOKS[kind]  # type: ignore[index]
        button = QToolButton()
        button.setIcon(chip(look.color))
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setCheckable(True)
        button.setChecked(True)
        button.setToolTip(f"<p>{look.meaning} Click to leave these out of the list, or to list them again.</p>")
        button.toggled.connect(lambda shown: self.model.hide(kind, hidden=not shown))
        return button

    def _at(self, index: QModelIndex) -> tuple[PlaneReport, CellError]:
        """Give what stands in a row."""
        report, error, _ = self.model.rows[index.row()]
        return report, error

    def _choose(self, index: QModelIndex, *_: Any) -> None:
        """Tell which error a person wants to look at."""
        if index.isValid():
            self.chosen.emit(*self._at(index))

    def _open(self, index: QModelIndex) -> None:
        """Tell which error a person wants to open."""
        self.opened.emit(*self._at(index))


def place_names(reports: Sequence[PlaneReport], *, by_image: bool) -> list[str]:
    """Name planes, by no more than what tells them apart.

    Parameters
    ----------
    reports
        The planes.
    by_image
        Whether they are of different images.

    Returns
    -------
    list of str
        Image, time and Z of each, as far as one differs from its usual value.
    """
    axes = [axis for axis in (0, 1) if any(report.place[axis] for report in reports)]
    names = [[report.image] * by_image + [f"{'tz'[axis]} {report.place[axis]}" for axis in axes] for report in reports]
    return [", ".join(name) for name in names]


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


def _table(model: ErrorRows) -> QTableView:
    """Make the view of the list."""
    view = QTableView()
    view.setModel(model)
    view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    view.sortByColumn(_SIZE_COLUMN, Qt.SortOrder.DescendingOrder)
    view.setSortingEnabled(True)
    view.setMinimumHeight(_LEAST_HEIGHT_PX)
    columns, rows = view.horizontalHeader(), view.verticalHeader()
    assert columns is not None and rows is not None
    columns.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    columns.setStretchLastSection(True)
    # Measuring every row of thousands would freeze the window.
    columns.setResizeContentsPrecision(_MEASURED_ROWS)
    rows.hide()
    rows.setDefaultSectionSize(_ROW_PX)
    return view


def _texts(error: CellError, where: str) -> tuple[str, ...]:
    """Write the cells of a row."""
    labels = (", ".join(map(str, ids)) or "–" for ids in (error.truth, error.predicted))
    return LOOKS[error.kind].title, where, str(error.size_px), f"{error.iou:.2f}", " → ".join(labels)
