"""What a person paints with: napari's own tools with the right label in them, and the rectangle."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, Signal

from napari_unet.widgets._layers import read_scheme
from napari_unet.widgets.annotating.rectangle import RectangleTool

if TYPE_CHECKING:
    from collections.abc import Callable

    import napari
    from napari.layers import Labels

    from napari_unet.widgets.annotating.annotation import Annotation


class Hand(QObject):
    """Takes tools.

    Parameters
    ----------
    viewer
        The viewer.
    parent
        Object it belongs to.

    Attributes
    ----------
    annotation
        What is painted in; None: nothing.
    actions
        What to call, by the name of the tool, see `napari_unet.widgets.annotating.tools.TOOLS`.
    changed
        Signal: the rectangle was taken or put away.
    refused
        Signal with the reason why a tool cannot be taken.
    """

    changed = Signal()
    refused = Signal(str)

    def __init__(self, viewer: napari.viewer.Viewer, parent: QObject) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self.annotation: Annotation | None = None
        self._waits_for_number = False
        self._rectangle = RectangleTool(viewer, self)
        self._rectangle.toggled.connect(self.changed)
        self.actions: dict[str, Callable[[], object]] = {
            "new_cell": self.take_new_cell,
            "background": self._take_background,
            "outline": partial(self.take, "polygon"),
            "erase": partial(self.take, "erase"),
            "rest": self._take_rectangle,
            "undo": self._undo,
            "redo": self._redo,
        }

    def take(self, mode: str, label: int | None = None) -> None:
        """Take a tool of napari.

        Parameters
        ----------
        mode
            A mode of the layer, such as "paint".
        label
            What to paint; None: as before.
        """
        self._rectangle.stop()
        self._waits_for_number = False
        if self.annotation is None:
            return
        layer = self.annotation.layer
        self._viewer.layers.selection.active = layer
        try:
            layer.selected_label = layer.selected_label if label is None else label
        except ValueError:
            advice = "convert it to a larger type first (right click on it, 'Convert data type')"
            self.refused.emit(f"'{layer.name}' of type {layer.data.dtype} has no room for cell {label}; {advice}.")
        layer.mode = mode

    def take_new_cell(self) -> None:
        """Take the brush for a number that no cell has; nothing is painted until it is known which these are."""
        if self.annotation is None:
            return
        if self.annotation.is_counted:
            self.take("paint", self.annotation.next_label())
        else:
            self.take("pan_zoom")
            self._waits_for_number = True

    def catch_up(self) -> None:
        """Take the brush for a new cell if that was wanted before it was known which numbers there are."""
        if self._waits_for_number and self.annotation is not None and self.annotation.is_counted:
            self.take_new_cell()

    def put_rectangle_away(self) -> None:
        """Take away the layer in which a rectangle would be dragged, if there is one."""
        self._rectangle.stop()

    def tool_in_use(self) -> str:
        """Give the name of the tool that is in use; empty: none of these."""
        if self._rectangle.is_active:
            return "rest"
        if self.annotation is None:
            return ""
        layer = self.annotation.layer
        if layer.mode == "paint" and _paints_background(layer):
            return "background"
        return {"polygon": "outline", "erase": "erase"}.get(str(layer.mode), "")

    def describe(self) -> str:
        """Say, as rich text, what is painted."""
        if self.annotation is None:
            return ""
        layer = self.annotation.layer
        if self._rectangle.is_active:
            return "Drag a rectangle on the image"
        if layer.mode == "erase":
            return "Erasing"
        if layer.mode not in ("paint", "polygon", "fill"):
            return "Not painting: choose a tool"
        what = "background" if _paints_background(layer) else f"cell {layer.selected_label}"
        return f"{_swatch(layer)} Painting {what}"

    def _take_background(self) -> None:
        """Take the brush for background."""
        if self.annotation is not None:
            self.take("paint", int(read_scheme(self.annotation.layer) == "sparse"))

    def _take_rectangle(self) -> None:
        """Take the rectangle."""
        if self.annotation is None or read_scheme(self.annotation.layer) != "sparse":
            return
        if self._viewer.dims.ndisplay != 2:
            self.refused.emit("A rectangle can be dragged in two dimensions only; switch the view back.")
            return
        self._rectangle.start(self.annotation.layer)

    def _undo(self) -> None:
        """Undo a stroke."""
        if self.annotation is not None:
            self.annotation.undo()

    def _redo(self) -> None:
        """Redo a stroke."""
        if self.annotation is not None:
            self.annotation.redo()


def _paints_background(layer: Labels) -> bool:
    """Tell whether the selected label stands for background."""
    return bool(layer.selected_label == int(read_scheme(layer) == "sparse"))


def _swatch(layer: Labels) -> str:
    """Draw a square in the colour of the selected label."""
    color = layer.get_color(layer.selected_label)
    if color is None:
        return ""
    red, green, blue = (round(255 * float(part)) for part in color[:3])
    return f"<span style='color: rgb({red}, {green}, {blue})'>\u25a0</span>"
