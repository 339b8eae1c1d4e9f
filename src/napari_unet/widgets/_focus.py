"""The way of the Tab key through a dock: from top to bottom, as one reads, however its parts were put together."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from qtpy.QtCore import QPoint, QRect, Qt
from qtpy.QtWidgets import QScrollArea, QWidget

if TYPE_CHECKING:
    from collections.abc import Iterable


def chain(*parts: QWidget) -> None:
    """Let the Tab key go through what is in sight.

    Parameters
    ----------
    parts
        Widgets that lie below each other, from top to bottom.
    """
    for first, second in pairwise(widget for part in parts for widget in _in_reading_order(part, _stops(part))):
        QWidget.setTabOrder(first, second)


def _stops(part: QWidget) -> list[QWidget]:
    """Give where the Tab key stops: all that can be used, but for what only holds others."""
    return [
        widget
        for widget in part.findChildren(QWidget)
        if widget.isVisibleTo(part)
        and widget.focusPolicy() & Qt.FocusPolicy.TabFocus
        and widget.focusProxy() is None
        and not isinstance(widget, QScrollArea)
    ]


def _in_reading_order(part: QWidget, widgets: Iterable[QWidget]) -> list[QWidget]:
    """Sort widgets row by row; to a row belongs what has its middle beside the first one of it."""
    places = {widget: QRect(widget.mapTo(part, QPoint()), widget.size()) for widget in widgets}
    rows: list[list[QWidget]] = []
    for widget in sorted(places, key=lambda widget: places[widget].top()):
        if rows and places[widget].center().y() <= places[rows[-1][0]].bottom():
            rows[-1].append(widget)
        else:
            rows.append([widget])
    return [widget for row in rows for widget in sorted(row, key=lambda widget: places[widget].left())]
