"""What one can ask of a network while one looks on: a live preview, and the next place to paint."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QPushButton, QWidget

from napari_unet.widgets.training.next_place import next_place_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_unet.widgets._dock import Dock
    from napari_unet.widgets.training.pair import Pair

#: Leads to the next place; none of napari's own.
KEY = "Shift-G"
_HELP = (
    "<p>Go to what the model is least sure of, and nobody annotated, first beside the cells that you painted. The next "
    "click goes to the next such place, in a stack perhaps in another slice. The layer 'uncertainty' shows why, as it "
    "was at the click.</p>"
)
_NO_MODEL = "<p>There is no model to ask yet. Train for a moment; then this leads to what it is least sure of.</p>"


class NextPlaceButton(QPushButton):
    """Leads to the next place; every dock in which a person paints or trains may have one.

    Parameters
    ----------
    dock
        Dock it is part of.
    choose
        Gives the image and its annotation; None: none are chosen.
    """

    def __init__(self, dock: Dock, choose: Callable[[], Pair | None]) -> None:
        super().__init__()
        self._places, self._choose = next_place_of(dock.viewer), choose
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.clicked.connect(self.go)
        self._places.changed.connect(self._show_state)
        self._places.told.connect(dock.say)
        self._show_state()

    def go(self) -> None:
        """Go to the next place."""
        self._places.go(self._choose())

    def _show_state(self) -> None:
        """Show whether it can be asked, or how far it is."""
        places = self._places
        looking = places.progress is not None
        self.setText(f"Looking … {places.progress:.0%}" if looking else f"Next place  ({KEY.replace('-', '+')})")
        self.setEnabled(places.can_be_asked)
        self.setToolTip(_HELP if looking or places.can_be_asked else _NO_MODEL)


class LookingRow(QWidget):
    """What one can ask of the network while one looks on: a live preview, and the next place to paint.

    Parameters
    ----------
    dock, choose
        As for `NextPlaceButton`.
    """

    def __init__(self, dock: Dock, choose: Callable[[], Pair | None]) -> None:
        super().__init__()
        self.preview_switch = QCheckBox("Live preview")
        self.preview_switch.setChecked(True)
        self.preview_switch.setToolTip(
            "<p>Segment what is on the screen again and again while the network learns. It takes a small part of the "
            "time.</p>"
        )
        self.next_button = NextPlaceButton(dock, choose)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.preview_switch)
        layout.addWidget(self.next_button, stretch=1)
