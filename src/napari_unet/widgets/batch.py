"""The dock widget *Batch*: many files, or a loaded stack, segmented to a folder."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any

from napari.layers import Image as ImageLayer
from qtpy.QtCore import QUrl
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QTabWidget

from napari_unet.config.recipe import Recipe
from napari_unet.errors import InputError
from napari_unet.inference.command import segment_command
from napari_unet.inference.options import SegmentOptions
from napari_unet.models.giving_way import GivingWay
from napari_unet.widgets._dock import Dock
from napari_unet.widgets._form import SettingsForm
from napari_unet.widgets._model import ModelBox
from napari_unet.widgets._progress import ProgressLine
from napari_unet.widgets._use import follow_use
from napari_unet.widgets._worker import EventRunner
from napari_unet.widgets.batching.file_rows import advance, summary
from napari_unet.widgets.batching.file_table import colour_of_failures
from napari_unet.widgets.batching.input import FilesInput, LayerInput
from napari_unet.widgets.batching.lines import CommandLine, FolderLine, make_button
from napari_unet.widgets.batching.pictures import show_pair
from napari_unet.widgets.batching.work import Work, read_result, segment

if TYPE_CHECKING:
    from pathlib import Path

    import napari

    from napari_unet.inference.events import Event
    from napari_unet.widgets._dock import Level
    from napari_unet.widgets.batching.file_rows import Row

#: Folder beside the images where results go unless another one is chosen.
_FOLDER = "unet"


class BatchWidget(Dock):
    """Segments files or a loaded layer to a folder.

    Parameters
    ----------
    viewer
        The viewer it is docked in.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__(viewer)
        self._own = Recipe()
        self._told_of_row = False
        self._work: Work | None = None
        self._running: list[Path] = []
        self._began, self._problem = 0.0, ""
        self.model = ModelBox(self.session)
        self.files = FilesInput()
        self._table = self.files.table.files
        self.layer = LayerInput(self.layer_box(ImageLayer, "Stack or series to segment; it is read plane by plane."))
        self.output = FolderLine("Folder for the label images; beside the images unless you choose another.")
        self.form = SettingsForm(["tiling", "instances", "execution"])
        self.command = CommandLine()
        self.probabilities = QCheckBox("Write probabilities too")
        self.again = QCheckBox("Make again what is done")
        self.progress = ProgressLine("Segmenting files")
        self.runner, self._opener, self._way = EventRunner(self), EventRunner(self), GivingWay()
        follow_use(viewer, self._way, self)
        self._lay_out()
        self._connect()
        self._follow_theme()
        self._show_model()

    def reset_choices(self, event: Any = None) -> None:
        """Offer the layers that there are now; napari calls it."""
        super().reset_choices()
        self.layer.refresh()

    @property
    def source(self) -> FilesInput | LayerInput:
        """What is to be segmented."""
        return self.layer if self.tabs.currentWidget() is self.layer else self.files

    def retry(self) -> None:
        """Segment what failed once more."""
        rows = self.source.table.files.rows.values()
        self._start([row.path for row in rows if row.state == "failed"])

    def say(self, text: str, level: Level = "info") -> None:
        """Show a message, which is not about a row unless `open_row` says so."""
        super().say(text, level)
        self._told_of_row = False

    def open_row(self, row: Row) -> None:
        """Show an image and its labels in the viewer.

        Parameters
        ----------
        row
            A row of the table.
        """
        if row.message:
            self.say(f"{row.path.name}: {row.message}", "error")
            self._told_of_row = True
        elif row.written is not None and self._work is not None and not self._opener.is_running:
            work, path, written = self._work, row.path, row.written
            self._opener.start(lambda: read_result(work, path, written))

    def _lay_out(self) -> None:
        """Put everything in its place."""
        self.tabs = QTabWidget()
        self.tabs.addTab(self.files, "Files")
        self.tabs.addTab(self.layer, "Loaded layer")
        self.probabilities.setToolTip("<p>Write the probability of each pixel too, to a folder of its own.</p>")
        self.again.setToolTip(
            "<p>Files are left as they are if this model made them with these settings of the same image before. Check "
            "this to make all of them again; labels that were corrected by hand are kept in the folder 'replaced'.</p>"
        )
        self.form.prepend_row("", self.again)
        self.form.prepend_row("", self.probabilities)
        self.form.prepend_row("Output", self.output)
        self.form.prepend_row("Model", self.model)
        self.body.addWidget(self.tabs, stretch=1)
        self.body.addWidget(self.form)
        self.body.addWidget(self.command)
        self.button = self.primary_button("", "Segment everything in the table that is not done yet.")
        self.open_button = make_button("Show", "Show image and labels (double click on the file).", self._open)
        self.retry_button = make_button("Retry failed", "Segment the files that failed once more.", self.retry)
        self.folder_button = make_button("Open folder", "Show the results in the file manager.", self._open_folder)
        below = QHBoxLayout()
        for button in (self.open_button, self.retry_button, self.folder_button):
            below.addWidget(button)
        self.foot.addLayout(below)
        self.foot.insertWidget(0, self.progress)

    def _connect(self) -> None:
        """React to everything."""
        self.button.clicked.connect(self._toggle)
        self.model.changed.connect(self._show_model)
        for changed in (self.files.changed, self.layer.changed, self.output.changed, self.form.changed):
            changed.connect(self._refresh)
        self.tabs.currentChanged.connect(lambda: self.say(""))  # it concerned the other tab
        self.tabs.currentChanged.connect(self._refresh)
        for box in (self.probabilities, self.again):
            box.toggled.connect(self._refresh)
        self.files.not_found.connect(lambda problem: self.say(problem, "error"))
        for table in (self.files.table, self.layer.table):
            table.opened.connect(self.open_row)
            table.selection_changed.connect(self._select)
        self.runner.arrived.connect(self._follow)
        self.runner.failed.connect(self._fail)
        self.runner.ended.connect(self._end)
        self._opener.arrived.connect(self._show)
        self._opener.failed.connect(lambda error: self.say(str(error), "error"))

    def _toggle(self) -> None:
        """Begin, or cancel."""
        if self.runner.is_running:
            self.runner.stop()
            self.button.setText("Cancelling…")
            self.button.setEnabled(False)
        else:
            self._start(self.source.files)

    def _start(self, files: list[Path]) -> None:
        """Segment files, if everything is there that it takes."""
        self.say("")
        self._problem = ""
        try:
            self._work = self._order(files)
        except InputError as error:
            self.say(str(error), "error")
            return
        work = self._work
        # Kept, so that what arrives is shown where it began, whatever tab is in front by then.
        self._table, self._running, self._began = self.source.table.files, files, time.monotonic()
        self._table.restart(files)
        self.progress.begin("Reading the model …")
        self.runner.start(partial(segment, work, self._way))
        self._show_state(running=True)

    def _order(self, files: list[Path]) -> Work:
        """Put together what is to be done."""
        if self.model.path is None:
            raise InputError(self.model.problem)
        image = self.layer.image() if self.source is self.layer else None
        if not files:
            raise InputError("Add the images first: choose files or a folder, or drop them on the table.")
        if image is not None:
            self.layer.check(self.output.folder)
        return Work(self.model.path, tuple(files), self.output.folder, self._options(), image)

    def _options(self) -> SegmentOptions:
        """Give what is entered."""
        recipe = self.form.recipe()
        return SegmentOptions(
            tiling=recipe.tiling,
            instances=recipe.instances,
            execution=recipe.execution,
            axes=self.files.given_axes() if self.source is self.files else None,
            probabilities=self.probabilities.isChecked(),
            again=self.again.isChecked(),
        )

    def _follow(self, events: list[Event]) -> None:
        """Show what happened."""
        self._table.follow(events)
        self.progress.advance(*advance(self._rows(), time.monotonic() - self._began))

    def _rows(self) -> list[Row]:
        """Give what became of the files that run."""
        return [self._table.rows[path] for path in self._running]

    def _fail(self, error: Exception) -> None:
        """Keep why it ended."""
        self._problem = str(error)

    def _end(self) -> None:
        """Sum up."""
        self.progress.end()
        self._table.rest()
        rows = self._rows()
        self._show_state(running=False)
        self.say(*((self._problem, "error") if self._problem else summary(rows)))

    def _show_state(self, *, running: bool) -> None:
        """Let a person do what is possible now."""
        self.button.setEnabled(True)
        self.files.set_editable(not running)
        self.layer.set_editable(not running)
        for index in range(self.tabs.count()):
            self.tabs.setTabEnabled(index, not running or index == self.tabs.currentIndex())
        self.form.setEnabled(not running)
        self._offer()

    def _show_model(self) -> None:
        """Take over the settings of the model, unless it is the same but for its weights."""
        if (card := self.model.card) is not None:
            own = Recipe(tiling=card.recipe.tiling, instances=card.recipe.instances)
            if own != self._own:
                self._own = own
                self.form.show_recipe(own)
            self.form.suggest_from(card)
        self._refresh()

    def _refresh(self) -> None:
        """Follow what is entered: the output folder that is suggested, the command."""
        first = self.layer.source() if self.source is self.layer else next(iter(self.files.files), None)
        self.output.suggest((first.parent if first else self.session.project) / _FOLDER)
        self.command.show_command(*self._command())
        self._offer()

    def _command(self) -> tuple[str, str]:
        """Write the command, or why there is none."""
        if self.source is self.layer:
            return "", "A layer is no file: save it and add the file to get the command."
        images = self.files.command_places()
        if self.model.path is None or not images:
            return "", "Choose a model and add TIFF, PNG or JPEG files to get the command."
        try:
            return segment_command(self.model.path, self._own, images, self.output.folder, self._options()), ""
        except InputError as error:
            return "", str(error)

    def _select(self) -> None:
        """Say why the selected file failed."""
        rows = self.source.table.selected()
        if len(rows) == 1 and rows[0].message:
            self.open_row(rows[0])
        elif self._told_of_row:
            self.say("")
        self._offer()

    def _offer(self) -> None:
        """Name the button by what it does now, and enable those for which there is something to do."""
        noun = "layer" if self.source is self.layer else "files"
        if self.button.isEnabled():  # else it is cancelling, and says so
            self.button.setText("Cancel" if self.runner.is_running else f"Segment {noun}")
        rows = self.source.table.files.rows.values()
        self.retry_button.setEnabled(not self.runner.is_running and any(row.state == "failed" for row in rows))
        self.open_button.setEnabled(any(row.written for row in self.source.table.selected()))
        self.folder_button.setEnabled(any(row.written for row in rows))

    def _open(self) -> None:
        """Show the first selected file that has a result."""
        self.open_row(next(row for row in self.source.table.selected() if row.written))

    def _open_folder(self) -> None:
        """Show the results in the file manager."""
        written = next(row.written for row in self.source.table.files.rows.values() if row.written)
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(written.parent)))

    def _show(self, pairs: list[Any]) -> None:
        """Show what was read."""
        for image, labels in pairs:
            layer = self.layer.layer if self._work is not None and self._work.image is image else None
            show_pair(self.viewer, image, labels, layer)

    def _follow_theme(self, event: Any = None) -> None:
        """Take the colours of the viewer's theme."""
        super()._follow_theme(event)
        if hasattr(self, "layer"):
            colour = colour_of_failures(self.viewer.theme)
            self.files.table.files.error_colour = self.layer.table.files.error_colour = colour
