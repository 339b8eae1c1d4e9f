"""A label that is written to again and again while work goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QSize, Qt
from qtpy.QtWidgets import QLabel, QSizePolicy, QWidget

if TYPE_CHECKING:
    from qtpy.QtGui import QResizeEvent


class StillLabel(QWidget):
    """A label with wrapped text that leaves everything around it where it is, unless it needs another height.

    A plain label asks for another size with each text. Then the layout of the dock is made anew, after it that of the
    window, and the whole window is drawn after each of them.
    """

    def __init__(self) -> None:
        super().__init__()
        self._label = QLabel(self)
        self._label.setWordWrap(True)
        self._label.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def text(self) -> str:
        """Give the text."""
        return self._label.text()

    def setText(self, text: str) -> None:
        """Show another text.

        Parameters
        ----------
        text
            Plain or rich.
        """
        self._label.setText(text)
        if self.heightForWidth(self.width()) != self.height():
            self.updateGeometry()

    def hasHeightForWidth(self) -> bool:
        """Tell the layout that a narrower one is higher."""
        return True

    def heightForWidth(self, width: int) -> int:
        """Give the height that the text needs."""
        return self._label.heightForWidth(width)

    def sizeHint(self) -> QSize:
        """Ask for what a label would."""
        return self._label.sizeHint()

    def minimumSizeHint(self) -> QSize:
        """Give the least that a label would."""
        return self._label.minimumSizeHint()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Fill the new size."""
        super().resizeEvent(event)
        self._label.resize(self.size())
