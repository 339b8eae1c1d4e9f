"""What a training is given: pairs, a model to start from, settings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QComboBox, QFileDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget
from superqt.utils import signals_blocked

from napari_unet.config.recipe import dump_recipe, load_recipe
from napari_unet.data.files import atomic_path
from napari_unet.errors import InputError
from napari_unet.training.preflight import Finding
from napari_unet.training.record import RunRecord
from napari_unet.widgets._axes import read_axes
from napari_unet.widgets._form import SettingsForm
from napari_unet.widgets._layers import is_source, read_scheme, store_scheme
from napari_unet.widgets.training.job import Job
from napari_unet.widgets.training.pair import Pair, common_scheme, find_pairs, name_pairs
from napari_unet.widgets.training.pairs import PairTable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari.layers import Image, Labels

    from napari_unet.config.recipe import Recipe
    from napari_unet.inference.devices import DeviceInfo
    from napari_unet.widgets._dock import Dock

_SETTINGS = ("training", "model", "normalization", "weight_map", "augmentation", "execution")
_RECIPES = "Recipe (*.toml)"
_MODELS = "Model (*.safetensors)"
_LEAST_WIDTH_PX = 80


class StartBox(QComboBox):
    """Choice of the model that a training starts from.

    Parameters
    ----------
    dock
        Dock it is part of.
    """

    def __init__(self, dock: Dock) -> None:
        super().__init__()
        self.setMinimumWidth(_LEAST_WIDTH_PX)
        self.setToolTip(
            "<p>What the network knows at the beginning. The starter model has seen many cells already and needs few "
            "of yours; a model of similar images needs fewer still; from nothing it learns your images alone.</p>"
        )
        self.addItem("Starter model", "starter")
        self.addItem("Nothing", "none")
        self.addItem("Model file …")
        self.activated.connect(self._browse)
        dock.session.model_changed.connect(self.offer)
        if dock.session.model is not None:
            self.offer(dock.session.model)

    def init(self) -> str:
        """Give what is chosen, as the command line names it: ``starter``, ``none`` or a model file."""
        return str(self.currentData())

    def offer(self, path: Path) -> int:
        """Add a model to the choices.

        Parameters
        ----------
        path
            Model file.

        Returns
        -------
        int
            Its place.
        """
        place = self.findData(str(path))
        if place < 0:
            place = self.count() - 1
            self.insertItem(place, f"{path.stem} ({path.parent.name})", str(path))
            self.setItemData(place, f"<p>{path}</p>", Qt.ItemDataRole.ToolTipRole)
        return place

    def _browse(self, index: int) -> None:
        """Ask for a file."""
        if index != self.count() - 1:
            return
        name, _ = QFileDialog.getOpenFileName(self, "Start from a model", filter=_MODELS)
        self.setCurrentIndex(self.offer(Path(name)) if name else 0)


class TrainingSetup(QWidget):
    """What a training is given.

    Parameters
    ----------
    dock
        Dock it is part of.

    Attributes
    ----------
    refused
        Signal with a message: a file could not be read or written.
    """

    refused = Signal(str)

    def __init__(self, dock: Dock) -> None:
        super().__init__()
        self._dock = dock
        self.pairs = PairTable(dock)
        self.start = StartBox(dock)
        self.form = SettingsForm(_SETTINGS)
        self.form.prepend_row("Start from", self.start)
        self.scheme = self.form.editors["training.scheme"]
        self.devices = QLabel()
        self.devices.setWordWrap(True)
        self.devices.setToolTip("<p>What this machine computes with. A GPU is many times faster.</p>")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for part in (self.pairs, self.form, self.devices):
            layout.addWidget(part)
        layout.addLayout(self._recipe_buttons())
        self.pairs.changed.connect(self._show_scheme)
        self.scheme.changed.connect(self._store_scheme)
        dock.session.pair_suggested.connect(self.suggest)
        pair = dock.session.suggested_pair()
        if pair is not None:
            self.suggest(*pair)
        self._show_scheme()

    def suggest(self, image: Image, labels: Labels) -> None:
        """Choose a pair that another dock offers, beside those that are chosen already.

        Parameters
        ----------
        image, labels
            Layers.
        """
        chosen = self.pairs.pairs()
        if image not in self._dock.viewer.layers or labels not in self._dock.viewer.layers:
            return
        if not (is_source(image) and is_source(labels)):
            self.refused.emit(
                f"'{image.name}' is a result of U-Net. Annotate the image it was made from, and train on it."
            )
        elif all(pair.labels is not labels for pair in chosen):
            self.pairs.choose([(image, labels)])
        for row in self.pairs.rows:
            if row.labels.value is labels and is_source(image):
                row.choose(image, labels)

    def follow_layers(self) -> None:
        """Choose a pair where none is chosen that fits, after layers came or went."""
        found = find_pairs(self._dock.viewer)
        fitting = {(pair.image, pair.labels) for pair in found}
        chosen = self.pairs.pairs()
        if found and len(self.pairs.rows) == 1 and not any((pair.image, pair.labels) in fitting for pair in chosen):
            self.pairs.choose([(found[0].image, found[0].labels)])
        self.pairs.follow_layers()

    def show_recipe(self, recipe: Recipe) -> None:
        """Show other settings; what the numbers of the chosen labels mean stays as it is.

        Parameters
        ----------
        recipe
            Every setting.
        """
        with signals_blocked(self.scheme):
            self.form.show_recipe(recipe)
        self._show_scheme()

    def show_devices(self, devices: list[DeviceInfo]) -> None:
        """Say what this machine computes with.

        Parameters
        ----------
        devices
            Fastest first.
        """
        self.devices.setText("\n".join(map(str, devices)))

    def order(self, folder: Path) -> Job:
        """Make what is entered into an order for a training.

        Parameters
        ----------
        folder
            Where to keep the run.

        Returns
        -------
        Job
            The order, with what is wrong with the layers.

        Raises
        ------
        InputError
            If nothing can be ordered as it is.
        """
        pairs = self.pairs.pairs()
        if not pairs:
            raise InputError(
                "There is no image with labels to learn from. Open an image, and paint some of its cells in a Labels "
                "layer (dock Annotate)."
            )
        common_scheme(pairs)
        self._show_scheme()
        if unclear := [pair.image.name for pair in pairs if not pair.axes]:
            raise InputError(f"The image {unclear[0]!r} has too many axes; choose another one.")
        names = name_pairs(pairs)
        return Job(
            images=tuple(pair.pixels(name) for pair, name in zip(pairs, names, strict=True)),
            recipe=self.form.recipe(),
            init=self.start.init(),
            folder=folder,
            record=RunRecord(sources=tuple(pair.source(name) for pair, name in zip(pairs, names, strict=True))),
            findings=tuple(finding for pair in pairs for finding in _doubts(pair)),
        )

    def _recipe_buttons(self) -> QHBoxLayout:
        """Make the buttons that read and write recipe files."""
        self.load_button, self.save_button = QPushButton("Load recipe …"), QPushButton("Save recipe …")
        self.load_button.setToolTip("<p>Take all settings from a file.</p>")
        self.save_button.setToolTip(
            "<p>Write all settings to a file, for another day, another person or the command line.</p>"
        )
        self.load_button.clicked.connect(self._load)
        self.save_button.clicked.connect(self._save)
        row = QHBoxLayout()
        row.addWidget(self.load_button)
        row.addWidget(self.save_button)
        return row

    def _show_scheme(self) -> None:
        """Show how the chosen labels are annotated."""
        pairs = self.pairs.pairs()
        if pairs:
            with signals_blocked(self.scheme):
                self.scheme.setValue(read_scheme(pairs[0].labels))

    def _store_scheme(self) -> None:
        """Let the labels remember how they are annotated."""
        for pair in self.pairs.pairs():
            store_scheme(pair.labels, self.scheme.value())

    def _load(self) -> None:
        """Read a recipe file."""
        name, _ = QFileDialog.getOpenFileName(self, "Load recipe", filter=_RECIPES)
        if not name:
            return
        try:
            self.show_recipe(load_recipe(name))
        except InputError as error:
            self.refused.emit(str(error))

    def _save(self) -> None:
        """Write a recipe file."""
        name, _ = QFileDialog.getSaveFileName(self, "Save recipe", "recipe.toml", _RECIPES)
        if not name:
            return
        try:
            text = dump_recipe(self.form.recipe())
            with atomic_path(Path(name).with_suffix(".toml")) as temporary:
                temporary.write_text(text, encoding="utf-8")
        except (InputError, OSError) as error:
            self.refused.emit(f"The recipe was not saved: {error}")


def _doubts(pair: Pair) -> Iterator[Finding]:
    """Find what is doubtful about two layers."""
    if not getattr(pair.image, "rgb", False) and read_axes(pair.image).guessed:
        yield Finding(
            "axes-guessed",
            "warning",
            f"The axes of {pair.image.name} are guessed to be {pair.axes}.",
            "Choose them under 'Axes' to say that they are right.",
        )
    if pair.lies_apart():
        yield Finding(
            "layers-apart",
            "warning",
            f"The labels {pair.labels.name} do not lie on the image {pair.image.name}: scale or shift differ.",
            "If they were painted here, give both layers the same scale and translate, and look whether the cells lie "
            "where they should; pixels are paired by their number.",
        )
