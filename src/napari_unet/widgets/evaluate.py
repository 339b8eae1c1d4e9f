"""The dock widget *Evaluate*: how good a segmentation is, and where it is wrong."""

from __future__ import annotations

import html
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtWidgets import QFileDialog, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_unet.data.files import atomic_path
from napari_unet.errors import InputError
from napari_unet.inference.evaluation import PairFailed, PlaneCompared, PlaneReport, image_scores
from napari_unet.inference.evaluation_tables import errors_csv, scores_csv
from napari_unet.metrics import CellError, mean_scores
from napari_unet.widgets._axes import read_axes
from napari_unet.widgets._dock import Dock
from napari_unet.widgets._layers import find_result, read_canonical, show_result
from napari_unet.widgets._progress import ProgressLine
from napari_unet.widgets._view import look_at
from napari_unet.widgets._worker import EventRunner
from napari_unet.widgets.evaluating.compared import ChangeWatch
from napari_unet.widgets.evaluating.error_layer import ERRORS, as_target
from napari_unet.widgets.evaluating.error_table import ErrorTable, place_names
from napari_unet.widgets.evaluating.opened_files import OpenedFiles
from napari_unet.widgets.evaluating.score_table import ScoreTable
from napari_unet.widgets.evaluating.sources import Comparison, Sources

if TYPE_CHECKING:
    import napari
    from napari.layers import Labels

_INTRODUCTION = (
    "Compare a segmentation with cells painted by hand: numbers that others use too, and a list of what is missed, "
    "merged, split or invented. Click on an error to look at it."
)
_STALE = "The labels, or what they mean, changed since. Evaluate again."


class EvaluateWidget(Dock):
    """Compares predictions with the truth.

    Parameters
    ----------
    viewer
        The viewer it is docked in.

    Attributes
    ----------
    reports
        What the last comparison found, plane by plane.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__(viewer)
        self.reports: list[PlaneReport] = []
        self._notes: list[str] = []
        self._failed: list[str] = []
        self._alone: dict[str, tuple[Path, ...]] = {}
        self._stale = self._stopped = False
        self._comparison: Comparison | None = None
        self._maps: Any = None
        self._watch: ChangeWatch | None = None
        self.files = OpenedFiles(viewer, self)
        self.files.failed.connect(lambda error: self.say(str(error), "error"))
        self.sources = Sources(self)
        for changed in (self.sources.layers.form.changed, self.sources.layers.axes.changed):
            changed.connect(self._mark_stale)
        self.body.addWidget(self.sources)
        self._add_results()
        self.runner = EventRunner(self)
        self.runner.arrived.connect(self._take)
        self.runner.failed.connect(self._fail)
        self.runner.ended.connect(self._end)
        self.progress = ProgressLine("Evaluate")
        self.foot.insertWidget(0, self.progress)
        self.button = self.primary_button("Evaluate", "Compare the prediction with the truth.")
        self.button.clicked.connect(self._start_or_stop)
        self.export = QPushButton("Export CSV…")
        self.export.setToolTip("<p>Write the measures of each plane, and beside them every error, as tables.</p>")
        self.export.setEnabled(False)
        self.export.clicked.connect(self._ask_where)
        self.foot.insertWidget(self.foot.count() - 1, self.export)

    def reset_choices(self, event: Any = None) -> None:
        """Offer the Labels layers that there are now; napari calls it."""
        super().reset_choices()
        self.sources.layers.suggest()
        self.sources.layers.follow()

    def write_tables(self, path: Path) -> Path:
        """Write the measures to a file, and the errors beside it.

        Parameters
        ----------
        path
            File for the measures.

        Returns
        -------
        pathlib.Path
            File with the errors.
        """
        errors = path.with_name(f"{path.stem}_errors{path.suffix}")
        for file, text in ((path, scores_csv(self.reports)), (errors, errors_csv(self.reports))):
            with atomic_path(file) as temporary:
                temporary.write_text(text, encoding="utf-8")
        return errors

    def _add_results(self) -> None:
        """Make the tables, out of sight until there is something in them."""
        self.introduction = QLabel(f"<p>{_INTRODUCTION}</p>")
        self.introduction.setWordWrap(True)
        self.title = QLabel()
        self.title.setWordWrap(True)
        self.scores, self.errors = ScoreTable(), ErrorTable()
        self.errors.chosen.connect(self._look_at)
        self.errors.opened.connect(self._open)
        self.results = QWidget()
        layout = QVBoxLayout(self.results)
        layout.setContentsMargins(0, 0, 0, 0)
        for widget in (self.title, self.scores, self.errors):
            layout.addWidget(widget)
        self.results.hide()
        self.body.addWidget(self.introduction)
        self.body.addWidget(self.results, stretch=1)
        self.body.addStretch()

    def _start_or_stop(self) -> None:
        """Compare what is chosen; stop if that is going on."""
        if self.runner.is_running:
            self.button.setEnabled(False)
            self._stopped = True
            self.runner.stop()
            return
        try:
            comparison = self.sources.comparison()  # before the layer of the errors goes, and what is chosen with it
        except InputError as error:
            self._clear()
            self.say(str(error), "error")
        else:
            self._clear()
            self._start(comparison)

    def _clear(self) -> None:
        """Forget the last comparison: its numbers must not be taken for new ones."""
        if self._watch is not None:
            self._watch.close()
        if self._layers is not None and (layer := find_result(self.viewer, self._layers[0], ERRORS)):
            self.viewer.layers.remove(layer)
        self._watch = self._comparison = self._maps = None
        self.reports, self._notes, self._failed, self._alone = [], [], [], {}
        self.files.forget()
        self.results.hide()
        self.export.setEnabled(False)
        self.say("")

    @property
    def _layers(self) -> tuple[Labels, Labels] | None:
        """Prediction and truth that are, or were, compared; None: files."""
        return self._comparison.layers if self._comparison is not None else None

    def _start(self, comparison: Comparison) -> None:
        """Start to compare."""
        self._comparison = comparison
        self._stale = self._stopped = False
        if comparison.layers is not None:
            predicted = comparison.layers[0]
            self._maps = np.zeros(read_canonical(predicted, read_axes(predicted).names).shape, np.uint8)
            self._watch = ChangeWatch(self.viewer, comparison.layers, self)
            self._watch.changed.connect(self._mark_stale)
        self.introduction.hide()
        self.button.setText("Stop")
        self.progress.begin("Comparing …")
        self.runner.start(comparison.make_events)

    def _take(self, events: list[Any]) -> None:
        """Take what has been compared."""
        for event in events:
            if isinstance(event, PlaneCompared):
                self._take_plane(event)
            elif isinstance(event, PairFailed):
                self._failed.append(f"{event.image} failed: {event.error}")
            else:
                self.files.pairs = {predicted.stem: (predicted, truth) for predicted, truth in event.pairs}
                without_truth, without_prediction = event.images_without_labels, event.labels_without_image
                self._alone = {"without truth": without_truth, "without prediction": without_prediction}

    def _take_plane(self, event: PlaneCompared) -> None:
        """Take a plane."""
        self.reports.append(event.report)
        if self._maps is not None:
            time, z = event.report.place
            self._maps[time, 0, z] = event.error_map
        self.progress.advance(event.share, f"Planes compared: {len(self.reports)}")

    def _fail(self, error: Exception) -> None:
        """Show why it failed; what was found before is not the whole and is not shown."""
        self.reports.clear()
        self._notes.append(str(error))

    def _end(self) -> None:
        """Show what was found."""
        self.progress.end()
        self.button.setText("Evaluate")
        self.button.setEnabled(True)
        if self._stopped:
            self._notes.append(f"Stopped. Planes compared before: {len(self.reports)}.")
        self.say("\n".join([*self._notes, *self._left_out()]), "warning" if self.reports or self._stopped else "error")
        self.introduction.setVisible(not self.reports)
        if self.reports and self._comparison is not None:
            self._show_results(self._comparison)

    def _left_out(self) -> list[str]:
        """Say how many files were not compared, and then which, one a line."""
        alone = [f"{path.name} {what}" for what, paths in self._alone.items() for path in paths]
        counts = {"failed": len(self._failed), **{what: len(paths) for what, paths in self._alone.items()}}
        count = ", ".join(f"{n} {what}" for what, n in counts.items() if n)
        return [f"{count}:", *self._failed, *alone] if count else []

    def _show_results(self, comparison: Comparison) -> None:
        """Show numbers, errors and the layer of the errors."""
        places = place_names(self.reports, by_image=comparison.layers is None)
        images = image_scores(self.reports)
        n_truth, n_predicted = (sum(getattr(s, n) for s in images.values()) for n in ("n_truth", "n_predicted"))
        where = f", {places[0]}" if len(places) == 1 and places[0] else ""
        self.title.setText(
            f"<p><b>{html.escape(comparison.title)}</b>{where}: {n_truth} true and {n_predicted} predicted cells.</p>"
        )
        columns = {"Mean": mean_scores(list(images.values()))} if len(places) > 1 else {}
        columns |= {place: asdict(report.scores) for place, report in zip(places, self.reports, strict=True)}
        self.scores.show_scores(columns)
        self.errors.show_errors(self.reports, places)
        self.results.show()
        self.export.setEnabled(True)
        if self._layers is not None and self._layers[0] in self.viewer.layers:
            predicted = self._layers[0]
            show_result(self.viewer, predicted, self._maps, ERRORS, read_axes(predicted).names)
        self._show_age()

    def _mark_stale(self) -> None:
        """Note that the numbers are those of labels that are no more."""
        self._stale = self._comparison is not None
        self._show_age()

    def _show_age(self) -> None:
        """Grey out numbers that are no longer true; the list stays, to mend one error after the other."""
        self.scores.setEnabled(not self._stale)
        if self._stale and self.reports:
            self.say(_STALE, "warning")

    def _look_at(self, report: PlaneReport, error: CellError) -> None:
        """Show an error in the middle of the canvas."""
        layer = self._layers[0] if self._layers is not None else self.files.layer(report.image)
        if layer is None:
            self.say(f"Press Enter, or double-click, to open {report.image} at this error.")
        elif layer not in self.viewer.layers:
            self.say(f"The layer {layer.name} was removed. Evaluate again.", "warning")
        else:
            look_at(self.viewer, layer, read_axes(layer).names, as_target(report.place, error))

    def _look_at_opened(self, report: PlaneReport, error: CellError) -> None:
        """Show an error in files that were opened for it."""
        self.say("")
        self._look_at(report, error)

    def _open(self, report: PlaneReport, error: CellError) -> None:
        """Open the files of an error that is not in a layer."""
        if self._layers is None and self.files.layer(report.image) is None:
            self.say(f"Opening {report.image} …")
            self.files.open(report.image, partial(self._look_at_opened, report, error))

    def _ask_where(self) -> None:
        """Ask for a file, and write the tables."""
        name, _ = QFileDialog.getSaveFileName(self, "Export the measures", "evaluation.csv", "Tables (*.csv)")
        if name:
            path = Path(name).with_suffix(".csv")
            try:
                errors = self.write_tables(path)
            except OSError as error:
                self.say(f"{path} cannot be written: {error.strerror}. Choose another folder.", "error")
            else:
                self.say(f"Written: {path} and {errors.name}.")
