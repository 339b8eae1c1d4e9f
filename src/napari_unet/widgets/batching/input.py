"""What a batch is made from: files, or a loaded layer."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFileDialog, QFormLayout, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from napari_unet.axes import parse_axes
from napari_unet.errors import InputError
from napari_unet.widgets._axes import AxesBox
from napari_unet.widgets._worker import EventRunner
from napari_unet.widgets.batching.file_table import FileTable
from napari_unet.widgets.batching.lines import make_button
from napari_unet.widgets.batching.reading import find_images, is_read_without_napari, read_layer

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from magicgui.widgets import ComboBox
    from napari.layers import Image as ImageLayer

    from napari_unet.data.reading import Image

_LEAST_WIDTH_PX = 80


class FilesInput(QWidget):
    """The list of files, and ways to add to it.

    Attributes
    ----------
    changed
        Signal: other files, or other axes.
    not_found
        Signal with the message why nothing was added; empty: something else is looked for now.
    table
        The files.
    """

    changed = Signal()
    not_found = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.table = FileTable()
        self._places: dict[str, list[Path]] = {}
        self._wanted: list[str] = []
        self._finder = EventRunner(self)
        self._finder.arrived.connect(self._take)
        self._finder.failed.connect(lambda error: self.not_found.emit(str(error)))
        self._finder.ended.connect(self._find)
        self.place = QLineEdit()
        self.place.setPlaceholderText("file, folder or scans/*.tif")
        self.axes = QLineEdit()
        self.axes.setPlaceholderText("as the files say")
        for line, tip in (
            (self.place, "Write a file, a folder or a pattern such as scans/*.tif and press Enter to add the images."),
            (self.axes, "Axes of the images as they are stored, such as ZYX, TYX or YXC. Empty: as the files say."),
        ):
            line.setMinimumWidth(_LEAST_WIDTH_PX)
            line.setToolTip(f"<p>{tip}</p>")
        self._lay_out()
        self.table.dropped.connect(lambda paths: self.add(map(str, paths)))
        # A click on a button does nothing while it is disabled; the key Delete is to be no different.
        self.table.removal_wanted.connect(self.remove.click)
        self.place.returnPressed.connect(self._add_written)
        self.axes.editingFinished.connect(self.changed)

    @property
    def files(self) -> list[Path]:
        """The files, in the order in which they were added."""
        return list(self.table.files.rows)

    def given_axes(self) -> str | None:
        """Give the axes that were entered, None for those of the files.

        Raises
        ------
        InputError
            If they are no axes.
        """
        return parse_axes(self.axes.text().strip()) if self.axes.text().strip() else None

    def add(self, places: Iterable[str]) -> None:
        """Look for images and add them.

        Parameters
        ----------
        places
            Files, folders or patterns.
        """
        if wanted := [str(Path(place).expanduser().absolute()) for place in places]:
            self.not_found.emit("")
            self._wanted += wanted
            self._find()

    def remove_selected(self) -> None:
        """Take the selected files out of the list; the files stay where they are."""
        gone = {row.path for row in self.table.selected()}
        self.table.files.set_files([path for path in self.files if path not in gone])
        self.changed.emit()

    def command_places(self) -> list[str]:
        """Give files, folders and patterns from which the command line makes the same list, as far as it reads them."""
        left = dict.fromkeys(path for path in self.files if is_read_without_napari(path))
        words = []
        for place, found in self._places.items():
            own = [path for path in found if is_read_without_napari(path)]
            if own and all(path in left for path in own):
                words.append(place)
                for path in own:
                    del left[path]
        return words + [str(path) for path in left]

    def set_editable(self, editable: bool) -> None:
        """Let a person change the list, or only look at it."""
        for widget in (self.place, self.axes, self.add_files, self.add_folder, self.remove):
            widget.setEnabled(editable)
        self.table.setAcceptDrops(editable)

    def _lay_out(self) -> None:
        """Put the ways to add above the table, and the way to remove below."""
        self.add_files = make_button("Files…", "Choose images to add.", self._choose_files)
        self.add_folder = make_button("Folder…", "Add all images of a folder.", self._choose_folder)
        self.remove = make_button("Remove", "Take the selected files out of the list (Delete).", self.remove_selected)
        layout, above, below = QVBoxLayout(self), QHBoxLayout(), QHBoxLayout()
        for widget in (self.add_files, self.add_folder, self.place):
            above.addWidget(widget)
        axes = QFormLayout()
        axes.addRow("Axes", self.axes)
        below.addLayout(axes)
        below.addWidget(self.remove)
        layout.addLayout(above)
        layout.addWidget(self.table)
        layout.addLayout(below)

    def _choose_files(self) -> None:
        """Let the person choose files."""
        self.add(QFileDialog.getOpenFileNames(self, "Add images")[0])

    def _choose_folder(self) -> None:
        """Let the person choose a folder."""
        if folder := QFileDialog.getExistingDirectory(self, "Add the images of a folder"):
            self.add([folder])

    def _add_written(self) -> None:
        """Add what was written."""
        if text := self.place.text().strip():
            self.place.clear()
            self.add([text])

    def _find(self) -> None:
        """Look for what is wanted, one after the other."""
        if self._wanted and not self._finder.is_running:
            wanted, self._wanted = self._wanted, []
            self._finder.start(lambda: _find_all(wanted))

    def _take(self, found: list[tuple[str, list[Path], str]]) -> None:
        """Add what was found."""
        for place, files, problem in found:
            if problem:
                self.not_found.emit(problem)
            else:
                self._places[place] = files
        new = (path for _, files, _ in found for path in files)
        self.table.files.set_files(dict.fromkeys([*self.files, *new]))
        self.changed.emit()


class LayerInput(QWidget):
    """The choice of a loaded layer.

    Parameters
    ----------
    box
        Choice of the layer.

    Attributes
    ----------
    changed
        Signal: another layer, or other axes.
    table
        The layer as a list of one.
    """

    changed = Signal()

    def __init__(self, box: ComboBox) -> None:
        super().__init__()
        self.box = box
        self.axes = AxesBox()
        self.table = FileTable()
        self._shown: ImageLayer | None = None
        self._is_editable = True
        rows = QFormLayout(self)
        rows.addRow("Layer", box.native)
        rows.addRow("Axes", self.axes)
        rows.addRow(self.table)
        self.table.setAcceptDrops(False)
        box.changed.connect(self._choose)
        self.axes.changed.connect(self.changed)
        self._choose(box.value)

    @property
    def layer(self) -> ImageLayer | None:
        """The layer."""
        return self.box.value

    @property
    def files(self) -> list[Path]:
        """The name of the layer as that of a file."""
        return list(self.table.files.rows)

    def source(self) -> Path | None:
        """Give the file that the layer was opened from."""
        path = self.layer.source.path if self.layer is not None else None
        return Path(path) if path else None

    def image(self) -> Image:
        """View the layer as an image.

        Raises
        ------
        InputError
            If there is no layer.
        """
        if self.layer is None:
            raise InputError("Open an image first, or choose files.")
        return read_layer(self.layer, self.axes.axes, self.files[0])

    def check(self, output: Path) -> None:
        """Make sure that the labels do not replace the file that the layer was opened from.

        Raises
        ------
        InputError
            If they would.
        """
        source, written = self.source(), output / f"{self.files[0]}.tif"
        if source is not None and written.exists() and written.samefile(source):
            raise InputError(f"The result would overwrite the image {source}; choose another output folder.")

    def refresh(self) -> None:
        """Notice that the layer was removed."""
        if self.box.value is not self._shown:
            self._choose(self.box.value)

    def set_editable(self, editable: bool) -> None:
        """Let a person choose, or only look."""
        self._is_editable = self.box.enabled = editable
        self.refresh()
        self.axes.setEnabled(editable and self.layer is not None)

    def _choose(self, layer: ImageLayer | None) -> None:
        """Take another layer, unless the one before is being segmented: it is read to its end, removed or not."""
        if not self._is_editable:
            return
        self._shown = layer
        self.axes.show_layer(layer)
        # A dot would be taken for the beginning of a suffix, and a slash for a folder.
        self.table.files.set_files([] if layer is None else [Path(re.sub(r"[^\w \-\[\]()]", "_", layer.name))])
        self.changed.emit()


def _find_all(places: list[str]) -> Generator[tuple[str, list[Path], str]]:
    """Look for images at each place; give the place, what was found, and why nothing was."""
    for place in places:
        try:
            yield place, find_images(place), ""
        except (InputError, OSError) as error:
            yield place, [], str(error)
