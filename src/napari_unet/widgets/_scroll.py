"""What scrolls in a dock where there is too little room: its content, and its message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, QSize, Qt
from qtpy.QtWidgets import QFrame, QLabel, QScrollArea, QSizePolicy, QWidget

if TYPE_CHECKING:
    from qtpy.QtCore import QObject

_LEAST_HEIGHT_PX = 80
_USUAL_WIDTH_PX = 300
_MOST_LINES = 8


class Scroll(QScrollArea):
    """Lets content scroll up and down where there is too little room, and is always as wide as it must be.

    Parameters
    ----------
    content
        What scrolls.
    """

    def __init__(self, content: QWidget) -> None:
        super().__init__()
        self.setWidget(content)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        content.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Tell the layout around when the content needs another width."""
        if event is not None and event.type() == QEvent.Type.LayoutRequest:
            self.updateGeometry()
        return super().eventFilter(watched, event)

    def minimumSizeHint(self) -> QSize:
        """Give room for the width of the content and the bar beside it."""
        return QSize(self._content_width(), _LEAST_HEIGHT_PX)

    def sizeHint(self) -> QSize:
        """Ask for a comfortable width."""
        return super().sizeHint().expandedTo(QSize(max(self._content_width(), _USUAL_WIDTH_PX), 0))

    def _content_width(self) -> int:
        """Give the least width of the content and the bar."""
        content, bar = self.widget(), self.verticalScrollBar()
        return (content.minimumSizeHint().width() if content else 0) + (bar.sizeHint().width() if bar else 0)


class MessageScroll(QScrollArea):
    """Is as high as its text, but for a long one, which scrolls: the dock must not outgrow the screen.

    Parameters
    ----------
    label
        Shows the text.
    """

    def __init__(self, label: QLabel) -> None:
        super().__init__()
        self._label = label
        self.setWidget(label)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setStyleSheet("QScrollArea { padding: 0px; }")  # napari's would cut off the text
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def set_text(self, text: str) -> None:
        """Show another text from its beginning.

        Parameters
        ----------
        text
            Rich text.
        """
        self._label.setText(text)
        if (bar := self.verticalScrollBar()) is not None:
            bar.setValue(0)
        self.updateGeometry()

    def hasHeightForWidth(self) -> bool:
        """Tell the layout that a narrower one is higher."""
        return True

    def heightForWidth(self, width: int) -> int:
        """Give the height of the text, or the most there may be."""
        return min(self._label.heightForWidth(width), self._most())

    def sizeHint(self) -> QSize:
        """Ask for what the label would."""
        return self._bounded(self._label.sizeHint())

    def minimumSizeHint(self) -> QSize:
        """Give the least that the label would."""
        return self._bounded(self._label.minimumSizeHint())

    def _bounded(self, size: QSize) -> QSize:
        """Give a size that is not too high."""
        return QSize(size.width(), min(size.height(), self._most()))

    def _most(self) -> int:
        """Give the greatest height."""
        return _MOST_LINES * self._label.fontMetrics().lineSpacing()
