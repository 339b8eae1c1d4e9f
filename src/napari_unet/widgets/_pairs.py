"""Which image layers are learnt from, and which Labels layers annotate them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFormLayout, QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from napari_unet.data.training_image import TrainingImage
from napari_unet.errors import InputError
from napari_unet.training.record import Source
from napari_unet.widgets._axes import AxesBox, read_axes
from napari_unet.widgets._layers import read_canonical, read_scheme, result_axes, result_role
from napari_unet.widgets._project import image_path, linked_image

if TYPE_CHECKING:
    from collections.abc import Sequence

    from magicgui.widgets import ComboBox
    from napari.components import ViewerModel
    from napari.layers import Layer

    from napari_unet.widgets._dock import Dock

_IMAGE_HELP = "Image to learn from."
_LABELS_HELP = "Labels layer in which its cells are painted. It lies on the image and has as many pixels."


@dataclass(frozen=True, eq=False)
class Pair:
    """An image layer with the Labels layer that annotates it.

    Attributes
    ----------
    image, labels
        Layers.
    axes
        Names of the axes of the image.
    """

    image: Image
    labels: Labels
    axes: str

    def pixels(self, name: str) -> TrainingImage:
        """View the pixels as the engine wants them; nothing is copied or read.

        Parameters
        ----------
        name
            Name of the image in the run.

        Returns
        -------
        TrainingImage
            Image and annotation, TCZYX.

        Raises
        ------
        InputError
            If the number of axes does not fit.
        """
        labels = read_canonical(self.labels, labels_axes(self.labels, self.axes))
        return TrainingImage(name, read_canonical(self.image, self.axes), labels)

    def source(self, name: str) -> Source:
        """Write down where the pixels come from."""
        return Source(
            name=name,
            image=self.image.name,
            labels=self.labels.name,
            axes=self.axes,
            image_path=image_path(self.image),
        )

    def lies_apart(self) -> bool:
        """Tell whether the annotation lies elsewhere on the screen than the image."""
        spatial = len(labels_axes(self.labels, self.axes).replace("C", ""))
        first, second = (_placement(layer, spatial) for layer in (self.image, self.labels))
        return not np.allclose(first, second)


def name_pairs(pairs: Sequence[Pair]) -> list[str]:
    """Name each pair after its image, and after its labels too where an image has several.

    Parameters
    ----------
    pairs
        Pairs of a run.

    Returns
    -------
    list of str
        Names that differ.
    """
    images = [pair.image for pair in pairs]
    return [
        pair.image.name if images.count(pair.image) == 1 else f"{pair.image.name}, {pair.labels.name}" for pair in pairs
    ]


def common_scheme(pairs: Sequence[Pair]) -> str:
    """Give the scheme of annotation of all pairs.

    Parameters
    ----------
    pairs
        At least one.

    Returns
    -------
    str
        The one scheme.

    Raises
    ------
    InputError
        If they differ.
    """
    schemes = {pair.labels.name: str(read_scheme(pair.labels)) for pair in pairs}
    if len(set(schemes.values())) > 1:
        listed = ", ".join(f"{name!r} is {scheme}" for name, scheme in schemes.items())
        raise InputError(
            f"The labels are annotated in different ways: {listed}. Learn from those of one way, or choose the way "
            "again under 'Annotation', which sets it for all."
        )
    return next(iter(schemes.values()))


def labels_axes(labels: Labels, axes: str) -> str:
    """Name the axes of a Labels layer after those of its image.

    Parameters
    ----------
    labels
        The layer.
    axes
        Names of the axes of the image.

    Returns
    -------
    str
        One letter an axis.

    Raises
    ------
    InputError
        If it has too few or too many axes.
    """
    fitting = [names for names in (result_axes(axes), axes.replace("C", "")) if len(names) == labels.ndim]
    if fitting:
        return fitting[0]
    raise InputError(
        f"The labels {labels.name!r} have {labels.ndim} axes, but the image has {axes}. Choose the labels that belong "
        "to the image, or correct the axes."
    )


def find_pairs(viewer: ViewerModel) -> list[Pair]:
    """Find the images that have annotations, the newest annotations first.

    Parameters
    ----------
    viewer
        The viewer.

    Returns
    -------
    list of Pair
        Pairs that agree in their numbers of pixels; first those that were painted as one, lie on each other or are
        named alike.
    """
    images = [layer for layer in viewer.layers if isinstance(layer, Image) and is_offered(layer)]
    labels = [layer for layer in reversed(viewer.layers) if isinstance(layer, Labels) and is_offered(layer)]
    pairs = [pair for label in labels for image in images if (pair := _match(image, label)) is not None]
    return sorted(pairs, key=partial(_strangeness, viewer))


def is_offered(layer: Layer) -> bool:
    """Tell whether a layer may be learnt from: it is none that shows what a network thinks."""
    return result_role(layer) is None


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
        self.image = _offer(dock, Image, _IMAGE_HELP)
        self.labels = _offer(dock, Labels, _LABELS_HELP)
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
        self.add()

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
        images, labels = ({getattr(pair, kind) for pair in self.pairs()} for kind in ("image", "labels"))
        row = next((row for row in self._rows if row.isHidden()), None) or self._new_row()
        row.show()
        free = [pair for pair in find_pairs(self._dock.viewer) if pair.labels not in labels]
        if free:
            fresh = min(free, key=lambda pair: pair.image in images)
            row.choose(fresh.image, fresh.labels)
        self._tell()

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


def _offer(dock: Dock, kind: type[Layer], tooltip: str) -> ComboBox:
    """Make a choice of layers that can be learnt from."""
    box = dock.layer_box(kind, tooltip)
    box.choices = lambda _: [layer for layer in dock.viewer.layers if isinstance(layer, kind) and is_offered(layer)]
    return box


def _title(text: str, tooltip: str) -> QLabel:
    """Make the label of a row."""
    label = QLabel(text)
    label.setToolTip(tooltip if tooltip.startswith("<p>") else f"<p>{tooltip}</p>")
    return label


def _match(image: Image, labels: Labels) -> Pair | None:
    """Pair layers whose numbers of pixels agree."""
    try:
        pair = Pair(image, labels, read_axes(image).names)
        pixels = pair.pixels("")
    except InputError:
        return None
    expected = (pixels.image.shape[0], 1, *pixels.image.shape[2:])
    return pair if tuple(pixels.labels.shape) == expected else None


def _strangeness(viewer: ViewerModel, pair: Pair) -> tuple[bool, bool, bool]:
    """Sort pairs that were painted as one, lie on each other or are named alike before others."""
    return (
        linked_image(viewer, pair.labels) is not pair.image,
        pair.lies_apart(),
        not pair.labels.name.startswith(pair.image.name),
    )


def _placement(layer: Layer, n_axes: int) -> Any:
    """Give where the last axes of a layer lie on the screen."""
    # napari adds the colours as a last axis to the data, but not to the layer.
    corners = np.array([[0.0] * layer.ndim, [1.0] * layer.ndim])
    return np.array([layer.data_to_world(corner) for corner in corners])[:, -n_axes:]
