"""How often something happens to a widget."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject


class EventCounter(QObject):
    """Counts the events of one kind that reach a widget."""

    def __init__(self, watched: QObject, kind: QEvent.Type) -> None:
        super().__init__()
        self.count, self._kind = 0, kind
        watched.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        self.count += event is not None and event.type() == self._kind
        return False
