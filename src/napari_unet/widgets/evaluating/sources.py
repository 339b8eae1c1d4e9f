"""What is compared with what: two Labels layers, or two folders of files."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from magicgui.types import FileDialogMode
from magicgui.widgets import FileEdit
from napari.layers import Labels
from qtpy.QtCore import QSize
from qtpy.QtWidgets import QComboBox, QFormLayout, QLabel, QSizePolicy, QTabWidget, QVBoxLayout, QWidget

from napari_unet.data.pairing import pair_files, require_pairs
from napari_unet.data.reading import find_files
from napari_unet.errors import InputError
from napari_unet.inference.evaluation import compare_files, compare_stack
from napari_unet.widgets._axes import AxesBox, read_axes
from napari_unet.widgets._form import SettingsForm
from napari_unet.widgets._layers import read_canonical, read_scheme, result_role, store_scheme
from napari_unet.widgets._view import plane_in_view
from napari_unet.widgets.evaluating.compared import check_same_pixels, truth_axes
from napari_unet.widgets.evaluating.error_layer import ERRORS

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from napari.layers import Layer

    from napari_unet.widgets._dock import Dock

_SPARSE_NOTE = (
    "The truth is sparse: only what is annotated counts. Predicted cells that lie mostly on pixels nobody annotated "
    "are left out."
)


@dataclass(frozen=True, eq=False)
class Comparison:
    """What a person wants compared.

    Attributes
    ----------
    title
        What is compared with what, for people.
    make_events
        Makes the generator of the events.
    layers
        Prediction and truth; None: files are compared.
    """

    title: str
    make_events: Callable[[], Generator[Any]]
    layers: tuple[Labels, Labels] | None = None


class LayerSource(QWidget):
    """Choice of two Labels layers and of the planes.

    Parameters
    ----------
    dock
        The dock it is part of.
    """

    def __init__(self, dock: Dock) -> None:
        super().__init__()
        self._viewer = dock.viewer
        self._shown: tuple[Labels | None, Labels | None] = (None, None)
        predicted_help = "Labels layer with the segmentation to judge."
        truth_help = "Labels layer with the true cells, painted by hand. It is not changed."
        self.predicted, self.truth = (
            dock.layer_box(Labels, text, _is_no_error_layer) for text in (predicted_help, truth_help)
        )
        for box in (self.predicted, self.truth):
            box.changed.connect(self.follow)
        self.axes = AxesBox()
        self.planes = QComboBox()
        self.planes.addItems(["Current slice", "Whole stack"])
        self.planes.setToolTip("<p>Compare the slice you look at, or every slice and time point.</p>")
        self.form = SettingsForm(["training.scheme"], fold=False)
        self.form.changed.connect(self._change_scheme)
        layers = {"Truth": self.truth.native, "Prediction": self.predicted.native}
        for title, widget in {"Planes": self.planes, "Axes": self.axes, **layers}.items():
            self.form.prepend_row(title, widget)
        self.note = QLabel(f"<p>{_SPARSE_NOTE}</p>")
        self.note.setWordWrap(True)
        layout = QVBoxLayout(self)
        layout.addWidget(self.form)
        layout.addWidget(self.note)
        self.suggest()
        self.follow()

    def follow(self, *_: Any) -> None:
        """Show axes and scheme of the layers chosen now."""
        chosen = self.predicted.value, self.truth.value
        if chosen == self._shown:
            return
        self._shown = chosen
        self.axes.show_layer(chosen[0])
        if chosen[1] is not None:
            self.form.editors["training.scheme"].setValue(read_scheme(chosen[1]))
        self._explain()

    def suggest(self) -> None:
        """Choose a result as the prediction, and a layer that is none as the truth, unless two are chosen."""
        if self.predicted.value is not self.truth.value:
            return
        layers = self.truth.choices
        results = [layer for layer in layers if result_role(layer) is not None]
        others = [layer for layer in layers if layer not in results]
        if results and others:
            self.predicted.value, self.truth.value = results[-1], others[-1]
        elif len(layers) > 1:
            self.predicted.value, self.truth.value = layers[-1], layers[0]

    def comparison(self) -> Comparison:
        """Give what is to be compared.

        Returns
        -------
        Comparison
            Of the layers chosen now.

        Raises
        ------
        InputError
            If two layers are not chosen, or they do not fit each other.
        """
        predicted, truth = self.predicted.value, self.truth.value
        if predicted is None or truth is None:
            raise InputError("There is no Labels layer to compare. Segment an image, and paint or open its true cells.")
        check_same_pixels(predicted, truth)
        # Another dock may have stored another scheme since.
        self.form.editors["training.scheme"].setValue(read_scheme(truth))
        axes = read_axes(predicted).names
        found = read_canonical(predicted, axes)
        real = read_canonical(truth, truth_axes(predicted, truth))
        whole = self.planes.currentIndex() == 1
        places = None if whole else [plane_in_view(self._viewer, predicted, axes)]
        title = f"{predicted.name} against {truth.name}"
        make_events = partial(compare_stack, predicted.name, found, real, read_scheme(truth), places)
        return Comparison(title, make_events, (predicted, truth))

    def _change_scheme(self) -> None:
        """Store the scheme in the truth."""
        if self._shown[1] is not None:
            store_scheme(self._shown[1], self.form.recipe().training.scheme)
        self._explain()

    def _explain(self) -> None:
        """Say what a sparse truth means."""
        self.note.setVisible(self.form.editors["training.scheme"].value() == "sparse")


class FileSource(QWidget):
    """Choice of two folders, files or patterns."""

    def __init__(self) -> None:
        super().__init__()
        self.predicted = FileEdit(mode=FileDialogMode.EXISTING_DIRECTORY)
        self.truth = FileEdit(mode=FileDialogMode.EXISTING_DIRECTORY)
        rows = QFormLayout(self)
        helps = {
            "Prediction": (self.predicted, "Folder with label images to judge; a file or a pattern will do."),
            "Truth": (self.truth, "Folder with the true label images. Files pair by name: a.tif with a_labels.tif."),
        }
        for title, (edit, text) in helps.items():
            edit.choose_btn.text = "…"
            label = QLabel(title)
            for widget in (label, edit.native):
                widget.setToolTip(f"<p>{text}</p>")
            rows.addRow(label, edit.native)

    def comparison(self) -> Comparison:
        """Give what is to be compared.

        Returns
        -------
        Comparison
            Of the paths entered now.

        Raises
        ------
        InputError
            If one is empty.
        """
        paths = [edit.line_edit.value.strip() for edit in (self.predicted, self.truth)]
        if not all(paths):
            raise InputError("Choose the folder of the prediction and the folder of the truth.")
        names = [Path(path).name for path in paths]
        return Comparison(f"{names[0]} against {names[1]}", partial(_compare_folders, *paths))


class Sources(QTabWidget):
    """Layers or files.

    Parameters
    ----------
    dock
        The dock it is part of.
    """

    def __init__(self, dock: Dock) -> None:
        super().__init__()
        self.layers, self.files = LayerSource(dock), FileSource()
        self.addTab(self.layers, "Layers")
        self.addTab(self.files, "Files")
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.currentChanged.connect(self.updateGeometry)

    def comparison(self) -> Comparison:
        """Give what is to be compared; raises like that of the page in sight."""
        return (self.files if self.currentIndex() else self.layers).comparison()

    def sizeHint(self) -> QSize:
        """Be as high as the page in sight, not as the highest one."""
        return self._fit(super().sizeHint())

    def minimumSizeHint(self) -> QSize:
        """Be no higher than the page in sight needs."""
        return self._fit(super().minimumSizeHint())

    def _fit(self, hint: QSize) -> QSize:
        """Take the height of the page in sight for that of the highest one."""
        heights = [page.sizeHint().height() for page in (self.layers, self.files)]
        page = self.currentWidget()
        surplus = max(heights) - (page.sizeHint().height() if page is not None else 0)
        return QSize(hint.width(), hint.height() - surplus)


def _is_no_error_layer(layer: Layer) -> bool:
    """Tell whether a layer may be compared: it does not itself show a comparison."""
    return result_role(layer) != ERRORS.suffix


def _compare_folders(predicted: str, truth: str) -> Generator[Any]:
    """Compare files, in the thread of the work; tell first what pairs."""
    pairing = require_pairs(pair_files(find_files(predicted), find_files(truth)))
    yield pairing
    yield from compare_files(pairing.pairs)
