"""What every dock widget of the plugin is made of: content that scrolls, and a foot that stays in sight."""

from __future__ import annotations

import html
import weakref
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from magicgui.widgets import ComboBox
from napari.utils.naming import inc_name_count
from napari.utils.theme import get_theme
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDockWidget, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_unet.widgets._focus import chain
from napari_unet.widgets._keys import key_action, release_keys, take_keys
from napari_unet.widgets._lifetime import on_destruction
from napari_unet.widgets._scroll import MessageScroll, Scroll
from napari_unet.widgets._session import session_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import napari
    from napari.layers import Layer
    from qtpy.QtGui import QHideEvent, QMouseEvent, QShowEvent

#: Name of the plugin in napari.
PLUGIN = "napari-unet-interactive"

Level = Literal["info", "warning", "error"]

_LEAST_WIDTH_PX = 80
_FOOT_STYLE = """
QPushButton#primary {{ background-color: {current}; color: {text}; font-weight: bold; padding: 6px; }}
QPushButton#primary:hover {{ border: 1px solid {text}; }}
QPushButton#primary:disabled {{ background-color: {primary}; color: {highlight}; }}
"""
_MESSAGE_STYLE = "padding: 4px 6px; border-left: 3px solid {colour}; background-color: {ground};"
_LEVEL_COLOURS = {"info": "current", "warning": "warning", "error": "error"}


class _PrimaryButton(QPushButton):
    """Takes a double click for one click: what the first one starts, the second one must not stop."""

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:
        """Do nothing."""


class Dock(QWidget):
    """Base of the dock widgets.

    Parameters
    ----------
    viewer
        The viewer it is docked in.

    Attributes
    ----------
    viewer
        The viewer.
    session
        What the docks of this viewer share.
    body
        Layout of the content, which scrolls where the screen is small.
    foot
        Layout of what stays in sight: the main button, progress, the message.
    message
        The label of `say`.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self.viewer = viewer
        self.session = session_of(viewer)
        self._boxes: list[ComboBox] = []
        self._keys: dict[str, Callable[[Any], object]] = {}
        self._level: Level = "info"
        self._content, self._foot = QWidget(), QWidget()
        self.body, self.foot = QVBoxLayout(self._content), QVBoxLayout(self._foot)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(Scroll(self._content), stretch=1)
        layout.addWidget(self._foot)
        self.foot.setContentsMargins(9, 0, 9, 9)
        self.message = QLabel()
        self.message.setWordWrap(True)
        self.message.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._message_scroll = MessageScroll(self.message)
        self._message_scroll.hide()
        self.foot.addWidget(self._message_scroll)
        self.viewer.events.theme.connect(self._follow_theme)
        self._follow_theme()

    def reset_choices(self, event: Any = None) -> None:
        """Offer the layers that there are now; napari calls it."""
        for box in self._boxes:
            box.reset_choices()

    def layer_box(
        self, kind: type[Layer], tooltip: str, accept: Callable[[Layer], bool] = lambda layer: True
    ) -> ComboBox:
        """Make a choice of layers that follows the viewer.

        Parameters
        ----------
        kind
            Kind of layers to offer.
        tooltip
            What is to be chosen.
        accept
            Which of them to offer.

        Returns
        -------
        magicgui.widgets.ComboBox
            With ``value`` (a layer or None), ``changed`` and ``native``, the Qt widget.
        """
        layers = self.viewer.layers
        box = ComboBox(
            choices=lambda _: _named([layer for layer in layers if isinstance(layer, kind) and accept(layer)])
        )
        box.native.setToolTip(f"<p>{html.escape(tooltip)}</p>")
        box.native.setMinimumWidth(_LEAST_WIDTH_PX)
        self._boxes.append(box)
        return box

    def primary_button(self, text: str, tooltip: str) -> QPushButton:
        """Make the button for what the dock is there for, and put it into the foot.

        Parameters
        ----------
        text
            What it does, as an order.
        tooltip
            What happens then.

        Returns
        -------
        QPushButton
            In the colour of the theme that stands out.
        """
        button = _PrimaryButton(text)
        button.setObjectName("primary")
        button.setToolTip(f"<p>{html.escape(tooltip)}</p>")
        self.foot.insertWidget(self.foot.count() - 1, button)
        return button

    def say(self, text: str, level: Level = "info") -> None:
        """Show a message in the foot until there is another.

        Parameters
        ----------
        text
            Plain text; empty: nothing is shown. A long one scrolls.
        level
            How bad it is.
        """
        self._message_scroll.set_text(f"<p>{html.escape(text).replace(chr(10), '<br>')}</p>")
        self._level = level
        self._colour_message()
        self._message_scroll.setVisible(bool(text))

    def bind_keys(self, keys: Mapping[str, Callable[[], object]]) -> None:
        """Let keys do something while the dock is open.

        Parameters
        ----------
        keys
            What to call, by the key as napari writes it, such as ``"Shift-N"``; none of napari's own.
        """
        self._keys = {key: key_action(action) for key, action in keys.items()}
        # Destroyed in one go with the window, a dock is not hidden first.
        viewer = weakref.ref(getattr(self.viewer, "__wrapped__", self.viewer))
        on_destruction(self, partial(_release, viewer, weakref.WeakValueDictionary(self._keys)))

    def showEvent(self, event: QShowEvent | None) -> None:
        """Take the keys, and a short name for tab and title; napari puts that of the distribution behind it."""
        super().showEvent(event)
        frame = self.parentWidget()
        if isinstance(frame, QDockWidget):
            bar = frame.titleBarWidget()
            for part in [] if bar is None else bar.findChildren(QLabel):
                part.setText(part.text().removesuffix(f" ({PLUGIN})"))
            frame.setWindowTitle(frame.windowTitle().removesuffix(f" ({PLUGIN})"))
        take_keys(self.viewer, self._keys)
        self._chain()

    def hideEvent(self, event: QHideEvent | None) -> None:
        """Give the keys back."""
        super().hideEvent(event)
        release_keys(self.viewer, self._keys)

    def focusNextPrevChild(self, next: bool) -> bool:
        """Bring what is in sight into the order of reading before the Tab key goes on."""
        self._chain()
        return super().focusNextPrevChild(next)

    def _chain(self) -> None:
        """Let the Tab key go from top to bottom."""
        chain(self._content, self._foot)

    def _follow_theme(self, event: Any = None) -> None:
        """Take the colours of the viewer's theme."""
        self.setStyleSheet(_FOOT_STYLE.format(**get_theme(self.viewer.theme).to_rgb_dict()))
        self._colour_message()

    def _colour_message(self) -> None:
        """Colour the message by how bad it is; a style of its own, since a new one for the dock takes long."""
        colours = get_theme(self.viewer.theme).to_rgb_dict()
        style = _MESSAGE_STYLE.format(colour=colours[_LEVEL_COLOURS[self._level]], ground=colours["foreground"])
        self.message.setStyleSheet(style)


def _named(layers: Iterable[Layer]) -> list[tuple[str, Layer]]:
    """Give each layer a name of its own.

    A layer that is renamed to what another one is called has this name for a moment, until napari changes it, and a box
    offers one layer a name.
    """
    named: dict[str, Layer] = {}
    for layer in layers:
        name = layer.name
        while name in named:
            name = inc_name_count(name)
        named[name] = layer
    return list(named.items())


def open_dock(viewer: napari.viewer.Viewer, name: str) -> Any:
    """Open a dock of the plugin beside its others, or bring it to the front.

    Parameters
    ----------
    viewer
        The viewer.
    name
        Its name in the menu, such as "Train".

    Returns
    -------
    Dock
        The widget.
    """
    frame, widget = viewer.window.add_plugin_dock_widget(PLUGIN, name, tabify=True)
    frame.show()
    frame.raise_()
    return widget


def _release(
    find_viewer: Callable[[], napari.viewer.Viewer | None], keys: Mapping[str, Callable[[Any], object]]
) -> None:
    """Give keys back, if the viewer is still there."""
    if (viewer := find_viewer()) is not None:
        release_keys(viewer, keys)
