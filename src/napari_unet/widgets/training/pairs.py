"""Choosing which image layers are learnt from, and which Labels layers annotate them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.layers import Image, Labels
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFormLayout, QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from napari_unet.widgets._axes import AxesBox
from napari_unet.widgets._layers import is_source
from napari_unet.widgets.training.pair import Pair, find_pairs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qtpy.QtGui import QShowEvent

    from napari_unet.widgets._dock import Dock

#: Title in the form of settings below, with which these titles stand in line.
_WIDEST_TITLE = "Annotation"
_IMAGE_HELP = "Image to learn from."
_LABELS_HELP = "Labels layer in which its cells are painted. It lies on the image and has as many pixels."


class PairRow(QWidget):
    """Choice of one pair, and the axes of its image.

    Parameters
    ----------
    dock
        Dock it is part of.

    Attributes
    ----------
    changed
        Signal: another layer is chosen, or its axes are others.
    removed
        Signal with the row: a person does not want it any more.
    """

    changed = Signal()
    removed = Signal(object)

    def __init__(self, dock: Dock) -> None:
        super().__init__()
        self.image = dock.layer_box(Image, _IMAGE_HELP, is_source)
        self.labels = dock.layer_box(Labels, _LABELS_HELP, is_source)
        self.axes = AxesBox()
        self.remove = QToolButton()
        self.remove.setText("✕")
        self.remove.setToolTip("<p>Do not learn from this pair. The layers stay.</p>")
        first = QHBoxLayout()
        first.addWidget(self.image.native)
        first.addWidget(self.remove)
        rows = QFormLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        rows.addRow(_title("Image", _IMAGE_HELP), first)
        rows.addRow(_title("Labels", _LABELS_HELP), self.labels.native)
        rows.addRow(_title("Axes", self.axes.toolTip()), self.axes)
        self.image.changed.connect(self._show_axes)
        self.labels.changed.connect(self._show_labels)
        self.axes.changed.connect(self.changed)
        self.remove.clicked.connect(self._give_up)
        self._show_axes(self.image.value)

    def pair(self) -> Pair | None:
        """Give what is chosen; None: not both layers are."""
        image, labels = self.image.value, self.labels.value
        return Pair(image, labels, self.axes.axes) if image is not None and labels is not None else None

    def choose(self, image: Image, labels: Labels) -> None:
        """Choose layers.

        Parameters
        ----------
        image, labels
            Layers of the viewer.
        """
        self.image.value, self.labels.value = image, labels

    def _give_up(self) -> None:
        """Ask to be taken away."""
        self.removed.emit(self)

    def _show_labels(self, labels: Labels | None) -> None:
        """Tell of other labels."""
        self.changed.emit()

    def _show_axes(self, image: Image | None) -> None:
        """Show the axes of another image."""
        self.axes.show_layer(image)
        self.changed.emit()


class PairTable(QWidget):
    """All pairs of a run, one under the other.

    Parameters
    ----------
    dock
        Dock it is part of.

    Attributes
    ----------
    changed
        Signal: the pairs are others now.
    """

    changed = Signal()

    def __init__(self, dock: Dock) -> None:
        super().__init__()
        self._dock = dock
        self._rows: list[PairRow] = []
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._layout = QVBoxLayout()
        layout.addLayout(self._layout)
        self.add_button = QToolButton()
        self.add_button.setText("+ Another pair")
        self.add_button.setToolTip("<p>Learn from another image with its labels as well.</p>")
        self.add_button.clicked.connect(self.add)
        layout.addWidget(self.add_button)
        self.changed.connect(self.follow_layers)
        self.add()

    def showEvent(self, event: QShowEvent | None) -> None:
        """Notice layers that came while it was out of sight."""
        super().showEvent(event)
        self.follow_layers()

    @property
    def rows(self) -> list[PairRow]:
        """Rows in use."""
        return [row for row in self._rows if not row.isHidden()]

    def pairs(self) -> list[Pair]:
        """Give the pairs that are chosen, each once."""
        chosen = {(pair.image, pair.labels): pair for row in self.rows if (pair := row.pair()) is not None}
        return list(chosen.values())

    def choose(self, pairs: Sequence[tuple[Image, Labels]]) -> None:
        """Choose these pairs and no others.

        Parameters
        ----------
        pairs
            At least one.
        """
        while len(self.rows) < len(pairs):
            self.add()
        for row in self.rows[len(pairs) :]:
            self._remove(row)
        for row, pair in zip(self.rows, pairs, strict=True):
            row.choose(*pair)

    def add(self) -> None:
        """Add a pair that is not chosen yet, if there is one."""
        free = self._free()
        row = next((row for row in self._rows if row.isHidden()), None) or self._new_row()
        row.show()
        if free:
            row.choose(free[0].image, free[0].labels)
        self._tell()

    def follow_layers(self) -> None:
        """Offer to add a pair while there is one that is not chosen yet."""
        self.add_button.setEnabled(bool(self._free()))

    def _free(self) -> list[Pair]:
        """Find pairs with a layer that is not chosen yet, those with other labels and another image first."""
        images, labels = ({getattr(pair, kind) for pair in self.pairs()} for kind in ("image", "labels"))
        known = {pair: (pair.labels in labels, pair.image in images) for pair in find_pairs(self._dock.viewer)}
        return sorted((pair for pair, both in known.items() if not all(both)), key=known.__getitem__)

    def _new_row(self) -> PairRow:
        """Make a row; it is never destroyed, because the dock goes on filling its lists."""
        row = PairRow(self._dock)
        row.changed.connect(self.changed)
        row.removed.connect(self._remove)
        self._rows.append(row)
        self._layout.addWidget(row)
        return row

    def _remove(self, row: PairRow) -> None:
        """Take a row out of sight."""
        row.hide()
        self._tell()

    def _tell(self) -> None:
        """Tell of other pairs; the last row cannot be removed."""
        for row in self._rows:
            row.remove.setVisible(len(self.rows) > 1)
        self.changed.emit()


def _title(text: str, tooltip: str) -> QLabel:
    """Make the label of a row."""
    label = QLabel(text)
    label.setMinimumWidth(label.fontMetrics().horizontalAdvance(_WIDEST_TITLE))
    label.setToolTip(tooltip if tooltip.startswith("<p>") else f"<p>{tooltip}</p>")
    return label
