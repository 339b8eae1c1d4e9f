"""The measures of a comparison as a table, each with what it means in plain words."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem

if TYPE_CHECKING:
    from collections.abc import Mapping

_ROW_PX = 18


@dataclass(frozen=True)
class Measure:
    """What a measure is called and means."""

    title: str
    meaning: str
    better: Literal["higher", "lower"] = "higher"


_MEASURES = {
    "f1": Measure(
        "F1", "Share of the cells that were found, with false ones counted against it. Found: IoU 0.5 or more."
    ),
    "ap50": Measure("AP at 0.5", "Found cells by found, missed and false ones together. Found: IoU 0.5 or more."),
    "ap": Measure("AP", "As AP at 0.5, but averaged over stricter and stricter outlines, IoU 0.5 to 0.95."),
    "pq": Measure("PQ", "Panoptic quality: F1 times how well the outlines of the found cells fit."),
    "seg": Measure("SEG", "Mean overlap (IoU) of each true cell with the one that was found for it, 0 if none was."),
    "iou": Measure("IoU", "Overlap of all cells together: pixels that are cell in both, by those that are in either."),
    "rand_error": Measure(
        "Rand error",
        "How often two pixels of true cells are wrongly put together, or apart.",
        "lower",
    ),
    "warping_error": Measure(
        "Warping error",
        "Share of the pixels that merge, split, miss or invent a cell; shifted outlines cost nothing.",
        "lower",
    ),
    "pixel_error": Measure(
        "Pixel error", "Share of the pixels that are cell in one, background in the other.", "lower"
    ),
}
_ARROWS = {"higher": " ↑", "lower": " ↓"}


class ScoreTable(QTableWidget):
    """Shows a row for each measure, and a column for the mean and for each plane."""

    def __init__(self) -> None:
        super().__init__(len(_MEASURES), 0)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        for row, measure in enumerate(_MEASURES.values()):
            title = QTableWidgetItem(measure.title + _ARROWS[measure.better])
            title.setToolTip(_tooltip(measure))
            self.setVerticalHeaderItem(row, title)
        rows = self.verticalHeader()
        assert rows is not None
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        rows.setDefaultSectionSize(_ROW_PX)
        # The usual padding is made for higher rows.
        rows.setStyleSheet("QHeaderView::section { padding: 0px 4px; }")

    def show_scores(self, columns: Mapping[str, Mapping[str, float]]) -> None:
        """Show scores.

        Parameters
        ----------
        columns
            Value of each field of `napari_unet.metrics.Scores`, by the title of the column.
        """
        self.setColumnCount(len(columns))
        self.setHorizontalHeaderLabels(list(columns))
        for column, scores in enumerate(columns.values()):
            for row, (name, measure) in enumerate(_MEASURES.items()):
                self.setItem(row, column, _cell(scores[name], measure))
        self._fit()

    def _fit(self) -> None:
        """Be as high as the rows; a single column takes all the room."""
        header, bar = self.horizontalHeader(), self.horizontalScrollBar()
        assert header is not None and bar is not None
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setStretchLastSection(self.columnCount() < 4)
        header.setVisible(self.columnCount() > 1)
        around = header.sizeHint().height() * header.isVisibleTo(self) + bar.sizeHint().height() * (
            self.columnCount() > 3
        )
        self.setFixedHeight(_ROW_PX * self.rowCount() + around + 2)


def _cell(value: float, measure: Measure) -> QTableWidgetItem:
    """Write a number; an undefined one as a dash."""
    cell = QTableWidgetItem("–" if math.isnan(value) else f"{value:.3f}")
    cell.setTextAlignment(Qt.AlignmentFlag.AlignCenter)
    cell.setToolTip(_tooltip(measure))
    return cell


def _tooltip(measure: Measure) -> str:
    """Explain a measure, and which way is good."""
    return f"<p><b>{measure.title}</b>: {measure.meaning} From 0 to 1, {measure.better} is better.</p>"
