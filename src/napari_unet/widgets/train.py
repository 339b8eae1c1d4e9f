"""The dock widget *Train*: from painted cells to a model, while one watches and paints on."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QHBoxLayout, QPushButton

from napari_unet.errors import InputError
from napari_unet.training.record import StoredRun, find_run
from napari_unet.widgets._dock import Dock
from napari_unet.widgets._lifetime import on_destruction
from napari_unet.widgets._names import name_folder
from napari_unet.widgets._pace import PacedDrawing
from napari_unet.widgets._progress import ProgressLine
from napari_unet.widgets._session import projects_home
from napari_unet.widgets._still_label import StillLabel
from napari_unet.widgets._worker import EventRunner
from napari_unet.widgets.training.curves import Curves
from napari_unet.widgets.training.findings import FindingsLabel
from napari_unet.widgets.training.job import Checked, Job, Prepared, check, prepare, train
from napari_unet.widgets.training.looking import KEY, LookingRow
from napari_unet.widgets.training.pair import pair_in_view
from napari_unet.widgets.training.results import ModelRow
from napari_unet.widgets.training.resume import continue_recipe, offer_text, restore_pairs
from napari_unet.widgets.training.running import RunningTraining, describe_failure
from napari_unet.widgets.training.setup import TrainingSetup

if TYPE_CHECKING:
    from pathlib import Path

    import napari

_TRAIN_HELP = "Teach a network what you painted. It shows what it has learnt while it learns, and you can paint on."
_STOP_HELP = "Stop after this step. What was learnt is kept, as a model and to go on from."
#: Folders of the runs that are going on, in all viewers.
_busy: set[Path] = set()


class TrainWidget(Dock):
    """Trains a network on painted cells and shows what it learns.

    Parameters
    ----------
    viewer
        The viewer it is docked in.

    Attributes
    ----------
    runner
        Runs the training, or the check.
    running
        The training that is going on; None: none.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__(viewer)
        self.running: RunningTraining | None = None
        self._offered: StoredRun | None = None
        self._error = ""
        self._going: set[Path] = set()
        on_destruction(self, partial(_busy.difference_update, self._going))
        self.runner, self._preparer = EventRunner(self), EventRunner(self)
        self._drawing = PacedDrawing(self._follow, self)
        self._build_body()
        self._build_foot()
        self._connect()
        self._preparer.start(partial(prepare, {*projects_home().glob("*"), self.session.project}, frozenset(_busy)))
        self._show_state()
        if dropped := self.session.suggested_run():
            self._offer(dropped)

    def reset_choices(self, event: Any = None) -> None:
        """Offer the layers that there are now; napari calls it."""
        super().reset_choices()
        if not self.runner.is_running:
            self.setup.follow_layers()

    def event(self, event: QEvent | None) -> bool:
        """Stop when the dock is closed; moved or hidden behind another one, it goes on."""
        if event is not None and event.type() == QEvent.Type.ParentChange and self.parent() is None:
            self._leave()
        return super().event(event)

    def _build_body(self) -> None:
        """Fill what scrolls."""
        self.setup = TrainingSetup(self)
        self.findings = FindingsLabel()
        self.curves = Curves(self.viewer)
        self.curves.hide()
        looking = LookingRow(self, lambda: pair_in_view(self.viewer, self.setup.pairs.pairs()))
        self.preview_switch, self.next_button = looking.preview_switch, looking.next_button
        self.status = StillLabel()
        self.status.setToolTip(
            "<p>What is learnt from; a cell counts in each plane it is painted in. And to which step of the training "
            "the preview belongs.</p>"
        )
        self.status.hide()
        self.model = ModelRow(self)
        for part in (self.model, self.setup, self.findings, self.curves, looking, self.status):
            self.body.addWidget(part)
        self.body.addStretch()

    def _build_foot(self) -> None:
        """Fill what stays in sight."""
        self.progress = ProgressLine("U-Net: training")
        self.foot.insertWidget(0, self.progress)
        self.button = self.primary_button("Train", _TRAIN_HELP)
        self.pause_button, self.check_button = QPushButton("Pause"), QPushButton("Check")
        self.resume_button = QPushButton()
        self.pause_button.setToolTip("<p>Rest without losing anything. Previews go on.</p>")
        self.check_button.setToolTip("<p>Look for what would spoil the training, without starting it.</p>")
        self.resume_button.setToolTip("<p>Go on with this run where it was saved last, with its settings.</p>")
        row = QHBoxLayout()
        row.addWidget(self.button, stretch=1)
        row.addWidget(self.pause_button)
        row.addWidget(self.check_button)
        self.foot.insertLayout(1, row)
        self.foot.insertWidget(2, self.resume_button)

    def _connect(self) -> None:
        """Connect everything."""
        self.button.clicked.connect(self._press)
        self.pause_button.clicked.connect(self._pause)
        self.check_button.clicked.connect(self._check)
        self.resume_button.clicked.connect(self._resume)
        self.preview_switch.toggled.connect(self._switch_preview)
        self.setup.refused.connect(partial(self.say, level="error"))
        self.session.run_suggested.connect(self._offer)
        self.runner.arrived.connect(self._take)
        self.runner.failed.connect(self._fail)
        self.runner.ended.connect(self._end)
        self._preparer.arrived.connect(self._show_machine)
        self._preparer.failed.connect(lambda error: self.say(str(error), "error"))
        self.bind_keys({KEY: self.next_button.go})

    def _press(self) -> None:
        """Start, or stop."""
        if self.runner.is_running:
            self.button.setEnabled(False)
            self.button.setText("Stopping …")
            self.runner.stop()
        else:
            self._start()

    def _start(self) -> None:
        """Start a new run."""
        if (job := self._order(name_folder(self.session.project / "runs"))) is not None:
            self._train(job)

    def _check(self) -> None:
        """Look for what is wrong, without starting."""
        # Nothing is kept, so no folder is named.
        if (job := self._order(self.session.project / "runs")) is not None:
            self.progress.begin("Checking …")
            self.runner.start(partial(check, job))
            self._show_state()

    def _resume(self) -> None:
        """Go on with the run that is offered."""
        run = self._offered
        assert run is not None
        if run.folder in _busy:
            self.say("This run goes on in another window.", "warning")
            return
        try:
            recipe = continue_recipe(run, self.setup.form.recipe())
            pairs, note = restore_pairs(self.viewer, run)
        except InputError as error:
            self.say(str(error), "error")
            return
        self.setup.pairs.choose(pairs)
        self.setup.show_recipe(recipe)
        if (job := self._order(run.folder)) is not None:
            self._train(job.resumed(run.record))
            self.say(note, "warning")

    def _order(self, folder: Path) -> Job | None:
        """Take what is entered, or say why it cannot be."""
        self._error = ""
        self.say("")
        self.findings.show_list([])
        try:
            return self.setup.order(folder)
        except InputError as error:
            self.say(str(error), "error")
            return None

    def _release(self) -> None:
        """Leave the run to others."""
        _busy.difference_update(self._going)
        self._going.clear()

    def _train(self, job: Job) -> None:
        """Start the training beside the window."""
        self._going.add(job.folder)
        _busy.add(job.folder)
        self.running = RunningTraining(self, job, self.setup.pairs.pairs(), self.curves)
        self.running.preview.removed.connect(partial(self.preview_switch.setChecked, False))
        self.running.preview.switch(self.preview_switch.isChecked())
        self.progress.begin(self.running.text())
        self.runner.start(partial(train, job, self.running.live))
        self._drawing.start()
        self._show_state()

    def _pause(self) -> None:
        """Rest, or go on."""
        if self.running is not None:
            self.running.pause()
            self._follow()
            self._show_state()

    def _switch_preview(self, on: bool) -> None:
        """Switch the preview of the training that is going on."""
        if self.running is not None:
            self.running.preview.switch(on)

    def _take(self, events: list[Any]) -> None:
        """Show what happened."""
        for event in events:
            if isinstance(event, Checked):
                self.findings.show_list(event.findings)
                self._error = event.verdict if event.forbids else ""
                if self.running is None:
                    self.say(event.verdict)
        if self.running is not None:
            self.running.take(events)

    def _fail(self, error: Exception) -> None:
        """Remember why it broke off; no preview may look as if it were new."""
        self._error = describe_failure(error, self.session.project)
        if self.running is not None:
            self.running.preview.discard()

    def _end(self) -> None:
        """Keep what was learnt, and be ready again."""
        self._drawing.stop()
        self._follow()
        self.progress.end()
        running, self.running = self.running, None
        if running is not None:
            running.close()
            self._release()
            self._keep(running)
        self.status.hide()
        if self._error:
            self.say(self._error, "error")
        self._show_state()

    def _keep(self, running: RunningTraining) -> None:
        """Make the model of a run the current one, and offer to go on with it."""
        from napari_unet.training.run_folder import RunFolder

        folder = RunFolder(running.job.folder)
        if not folder.model.exists():
            if not self._error:
                running.discard()
                self.say("Stopped before the first step; nothing was learnt.")
            return
        self.model.show_model(folder.model)
        self.session.set_model(folder.model)
        self._offer(folder.path)
        self.say(running.outcome(self._offered.step if self._offered else running.step))

    def _offer(self, folder: Path) -> None:
        """Offer to go on with a run, if that can be done."""
        self._offered = find_run(folder)
        self._show_state()

    def _leave(self) -> None:
        """End with everything saved; nobody watches any more."""
        self.runner.stop()
        self._drawing.stop()
        self.progress.end()
        if self.running is not None:
            self.running.close()
            self._release()
            self.running = None
        # Qt takes plots apart in the right order, Python's collector does not.
        self.deleteLater()

    def _show_machine(self, events: list[Prepared]) -> None:
        """Show the devices, and offer to go on with a run that was broken off."""
        self.setup.show_devices(events[-1].devices)
        self._offered = self._offered or events[-1].unfinished
        self._show_state()

    def _follow(self) -> None:
        """Show how far it is, what is learnt from and how old the preview is."""
        if self.running is not None:
            self.progress.advance(self.running.share if self.running.step else None, self.running.text())
        text = "" if self.running is None else self.running.status()
        self.status.setText(text)
        self.status.setVisible(bool(text))
        self.curves.draw()

    def _show_state(self) -> None:
        """Let the buttons fit what is going on."""
        going, training = self.runner.is_running, self.running is not None
        self.setup.setVisible(not training)
        self.curves.setVisible(training or not self.curves.is_empty)
        self.model.setVisible(not training and self.session.model is not None and bool(self.model.place.text()))
        self.button.setEnabled(True)
        self.button.setText("Stop" if going else "Train")
        self.button.setToolTip(f"<p>{_STOP_HELP if going else _TRAIN_HELP}</p>")
        self.pause_button.setVisible(training)
        self.pause_button.setText("Resume" if self.running is not None and self.running.is_paused else "Pause")
        self.check_button.setVisible(not going)
        self.resume_button.setVisible(not going and self._offered is not None)
        if self._offered is not None:
            self.resume_button.setText(offer_text(self._offered))
