"""The dock widget *Segment*: a model applied to an image, filling one Labels layer while one watches."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QHBoxLayout, QPushButton

from napari_unet.errors import InputError
from napari_unet.models.giving_way import GivingWay
from napari_unet.widgets._dock import Dock, open_dock
from napari_unet.widgets._progress import ProgressLine
from napari_unet.widgets._use import follow_use
from napari_unet.widgets._worker import EventRunner
from napari_unet.widgets.segmenting.estimated import EstimateLabel
from napari_unet.widgets.segmenting.takeover import TakeOver
from napari_unet.widgets.segmenting.tiling_check import TilingCheck
from napari_unet.widgets.segmenting.wanted import WantedBox
from napari_unet.widgets.segmenting.watched import WatchedSegmentation

if TYPE_CHECKING:
    from collections.abc import Callable

    import napari
    from qtpy.QtGui import QDragEnterEvent, QDropEvent

    from napari_unet.widgets.segmenting.task import Task

_SEGMENT_HELP = "Find the cells with the model. The result fills tile by tile; a second run updates the same layer."
_CANCEL_HELP = "Stop after this tile. Planes that are finished stay."
_CHECK_HELP = (
    "Predict the plane in view in tiles and in one piece, and show the difference: the result must not depend on the "
    "tiles."
)
_CORRECT_HELP = (
    "Take the result of the plane in view over as annotation, mend it with the brush, and train on. What you painted "
    "before stays; other planes are not annotated."
)


class SegmentWidget(Dock):
    """Segments an image layer with the current model.

    Parameters
    ----------
    viewer
        The viewer it is docked in.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__(viewer)
        self._task: Task | None = None
        self._problem = ""
        self.runner, self._way = EventRunner(self), GivingWay()
        follow_use(viewer, self._way, self)
        self.wanted = WantedBox(self)
        self.estimate = EstimateLabel(self.wanted)
        self._build()
        self.button.clicked.connect(self._press)
        self.check_button.clicked.connect(self._check)
        self.correct_button.clicked.connect(self._correct)
        self.runner.arrived.connect(self._take)
        self.runner.failed.connect(self._fail)
        self.runner.ended.connect(self._end)
        self.wanted.axes.changed.connect(partial(self._stop, "The axes were changed."))
        self.setAcceptDrops(True)

    def reset_choices(self, event: Any = None) -> None:
        """Offer the images that there are now; napari calls it."""
        super().reset_choices()
        self.wanted.follow_layers()

    def event(self, event: QEvent | None) -> bool:
        """Stop when the dock is closed; moved or hidden behind another one, it goes on."""
        if event is not None and event.type() == QEvent.Type.ParentChange and self.parent() is None:
            self.runner.stop()
        return super().event(event)

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:
        """Accept a model file."""
        if event is not None and _dropped_model(event) is not None:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent | None) -> None:
        """Take a model file that is dropped."""
        path = None if event is None else _dropped_model(event)
        if event is not None and path is not None:
            event.acceptProposedAction()
            self.session.set_model(path)

    def _build(self) -> None:
        """Put everything in its place."""
        self.body.addWidget(self.wanted)
        self.body.addWidget(self.estimate)
        self.body.addStretch()
        self.progress = ProgressLine("U-Net")
        self.foot.insertWidget(0, self.progress)
        self.button = self.primary_button("Segment", _SEGMENT_HELP)
        self.check_button = _button("Check tiling", _CHECK_HELP)
        self.correct_button = _button("Correct and continue", _CORRECT_HELP)
        row = QHBoxLayout()
        row.addWidget(self.correct_button, stretch=1)
        row.addWidget(self.check_button)
        self.foot.insertLayout(2, row)

    def _press(self) -> None:
        """Start, or stop."""
        if self._task is not None:
            self._stop("")
        else:
            self._start(lambda: WatchedSegmentation(self, self.wanted, self._stop, self._way))

    def _check(self) -> None:
        """Check that the result does not depend on the tiles."""
        self._start(lambda: TilingCheck(self, self.wanted))

    def _correct(self) -> None:
        """Take the result in view over as annotation."""
        self._start(lambda: TakeOver(self, self.wanted.image.value, self.wanted.axes.axes))

    def _start(self, make_task: Callable[[], Task]) -> None:
        """Start a task, or say why not."""
        if self._task is not None:
            return
        self.say("")
        self._problem = ""
        try:
            self._task = make_task()
        except InputError as error:
            self.say(str(error), "error")
            return
        self._show_state()
        # napari lets the window live while it shows a new bar.
        self.progress.begin(self._task.text)
        self.runner.start(self._task.make_events)

    def _stop(self, problem: str) -> None:
        """Stop what runs, for a reason or because a person wants it."""
        if self.runner.is_running:
            self._problem = self._problem or problem
            self.button.setText("Stopping …")
            self.button.setEnabled(False)
            self.runner.stop()

    def _take(self, events: list[Any]) -> None:
        """Take what was done."""
        if self._task is None:
            return
        self._task.take(events)
        if self._task.share is not None:
            self.progress.advance(self._task.share, self._task.text)

    def _fail(self, error: Exception) -> None:
        """Note why it ended."""
        self._problem = str(error) or type(error).__name__

    def _end(self) -> None:
        """Say what came of it."""
        task, self._task = self._task, None
        self.progress.end()
        self._show_state()
        if task is None:
            return
        outcome = task.close(self._problem)
        self.say(*outcome)
        if isinstance(task, TakeOver) and task.pair is not None:
            self.session.suggest_pair(*task.pair)
            # That dock is in front from now on.
            open_dock(self.viewer, "Train").say(*outcome)

    def _show_state(self) -> None:
        """Let the buttons offer what can be done now."""
        runs = self._task is not None
        self.button.setText("Cancel" if runs else "Segment")
        self.button.setToolTip(f"<p>{_CANCEL_HELP if runs else _SEGMENT_HELP}</p>")
        self.button.setEnabled(True)
        for part in (self.check_button, self.correct_button, self.wanted):
            part.setEnabled(not runs)


def _button(text: str, tooltip: str) -> QPushButton:
    """Make a button beside the main one."""
    button = QPushButton(text)
    button.setToolTip(f"<p>{tooltip}</p>")
    return button


def _dropped_model(event: QDragEnterEvent | QDropEvent) -> Path | None:
    """Give the model file that is dragged, if it is one."""
    data = event.mimeData()
    paths = [Path(url.toLocalFile()) for url in data.urls()] if data is not None else []
    return paths[0] if len(paths) == 1 and paths[0].suffix == ".safetensors" else None
