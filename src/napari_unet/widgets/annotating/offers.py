"""The offer to bring back annotations that were not finished."""

from __future__ import annotations

import html
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout

from napari_unet.data.annotation_search import delete_annotation, find_annotations
from napari_unet.data.annotation_store import reopen
from napari_unet.errors import InputError
from napari_unet.widgets._project import belongs
from napari_unet.widgets._session import projects_home
from napari_unet.widgets._worker import EventRunner
from napari_unet.widgets.annotating.autosave import wait_for_closing

if TYPE_CHECKING:
    from collections.abc import Generator

    from napari.layers import Image
    from numpy.typing import NDArray
    from qtpy.QtWidgets import QWidget

    from napari_unet.data.annotation_note import AnnotationNote
    from napari_unet.data.annotation_store import AnnotationStore

_SOON_MS = 150


class RestoreOffer(QFrame):
    """Offers annotations that were not closed properly, and those of the image that is chosen.

    Parameters
    ----------
    parent
        The dock.

    Attributes
    ----------
    restored
        Signal with the store, the pixels and the damaged files of an annotation that the person wants back.
    refused
        Signal with the reason why one cannot be had.
    """

    restored = Signal(object, object, object)
    refused = Signal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._image: Image | None = None
        self._found: list[tuple[Path, AnnotationNote]] = []
        self._put_off: set[Path] = set()
        self._runner = EventRunner(self)
        self._runner.arrived.connect(self._take)
        self._runner.failed.connect(lambda error: self.refused.emit(str(error)))
        self._runner.ended.connect(self._show_next)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_SOON_MS)
        self._timer.timeout.connect(self._search)
        self._lay_out()
        self.hide()

    def look_for(self, image: Image | None) -> None:
        """Look soon for annotations to offer.

        Parameters
        ----------
        image
            The image that is chosen; None: none.
        """
        self._image = image
        self._timer.start()

    def _lay_out(self) -> None:
        """Make text and buttons."""
        self.setObjectName("offer")
        self.text = QLabel()
        self.text.setWordWrap(True)
        self.restore = _button("Restore", "Open the image if it is not open, and show the annotation on it again.")
        self.later = _button("Not now", "Leave it on the disk. It is offered again at the next start.")
        self.delete = _button("Delete…", "Delete the annotation from the disk, after asking once more.")
        self.restore.clicked.connect(self._restore)
        self.later.clicked.connect(self._put_away)
        self.delete.clicked.connect(self._delete)
        buttons = QHBoxLayout()
        for button in (self.restore, self.later, self.delete):
            buttons.addWidget(button)
        layout = QVBoxLayout(self)
        layout.addWidget(self.text)
        layout.addLayout(buttons)

    def _search(self) -> None:
        """Search the project folders beside the window."""
        if self._runner.is_running:
            self._timer.start()
        else:
            self._runner.start(partial(_search, projects_home()))

    def _take(self, events: list[Any]) -> None:
        """Take what was found or read."""
        for event in events:
            if isinstance(event, tuple):
                self.restored.emit(*event)
            elif isinstance(event, str):
                self.refused.emit(event)
            else:
                self._found = event

    def _wanted(self) -> list[tuple[Path, AnnotationNote]]:
        """Give those to offer, the newest first."""
        return [
            (folder, note)
            for folder, note in self._found
            if folder not in self._put_off
            and (not note.closed or (self._image is not None and belongs(note, self._image)))
        ]

    def _show_next(self) -> None:
        """Show the newest that nobody has decided on."""
        wanted = self._wanted()
        self.setVisible(bool(wanted))
        self.restore.setEnabled(True)
        self._ask(sure=False)
        if wanted:
            self.text.setText(_describe(wanted[0][1], n_others=len(wanted) - 1))
            self.text.setToolTip(f"<p>{html.escape(str(wanted[0][0]))}</p>")

    def _ask(self, *, sure: bool) -> None:
        """Ask whether to delete, or what to do at all."""
        self.restore.setVisible(not sure)
        self.later.setText("Keep" if sure else "Not now")
        self.delete.setText("Delete for good" if sure else "Delete…")

    def _restore(self) -> None:
        """Read the annotation that is shown, beside the window."""
        if not self._runner.is_running and (wanted := self._wanted()):
            self._put_off.add(wanted[0][0])
            self.restore.setEnabled(False)
            self._runner.start(partial(_read, wanted[0][0]))

    def _put_away(self) -> None:
        """Leave the annotation that is shown."""
        if not self.restore.isHidden() and (wanted := self._wanted()):
            self._put_off.add(wanted[0][0])
        self._show_next()

    def _delete(self) -> None:
        """Delete the annotation that is shown, the second time."""
        if not self.restore.isHidden():
            self._ask(sure=True)
            return
        folder = self._wanted()[0][0]
        try:
            delete_annotation(folder)
        except (InputError, OSError) as error:
            self.refused.emit(str(error))
        self._put_off.add(folder)
        self._show_next()

    def reoffer(self) -> None:
        """Offer again what was restored and left since."""
        self._put_off.clear()
        self._timer.start()


def missing(note: AnnotationNote, image: Image | None, damaged: list[Path]) -> str:
    """Say what is missing of an annotation that was brought back; empty: nothing.

    Parameters
    ----------
    note
        What it is.
    image
        Layer it was painted on; None: it is not open.
    damaged
        Files that could not be read.
    """
    if damaged:
        return f"These files are damaged, and their planes empty: {', '.join(map(str, damaged))}"
    if image is not None:
        return ""
    if note.image_path:
        return f"The image is not at {note.image_path} any more; open it from where it is."
    return f"Open the image '{note.image_name}' that was painted on, to see and to train with it."


def _button(text: str, tooltip: str) -> QPushButton:
    """Make a button that explains itself."""
    button = QPushButton(text)
    button.setToolTip(f"<p>{tooltip}</p>")
    return button


def _describe(note: AnnotationNote, n_others: int) -> str:
    """Say what is offered."""
    cells = f"{note.n_cells} cell{'s' * (note.n_cells != 1)}"
    today = time.strftime("%Y%m%d", time.localtime(note.saved)) == time.strftime("%Y%m%d")
    when = time.strftime("%H:%M" if today else "%Y-%m-%d %H:%M", time.localtime(note.saved))
    where = Path(note.image_path).name if note.image_path else note.image_name or "no image"
    state = "saved" if note.closed else "were not closed properly, last saved"
    others = f" {n_others} more after this one." if n_others else ""
    text = f"{cells} painted in '{note.name}' on '{where}' {state} {when}."
    return f"<p>{html.escape(text)}{others}</p>"


def _search(home: Path) -> Generator[list[tuple[Path, AnnotationNote]]]:
    """Search the disk, as the one event of a run."""
    wait_for_closing()
    yield find_annotations(home)


def _read(folder: Path) -> Generator[tuple[AnnotationStore, NDArray[Any], list[Path]] | str]:
    """Take an annotation from the disk, or say why not."""
    store = reopen(folder)
    if not store.lock():
        yield f"The annotation in {folder} is open in another window."
        return
    try:
        yield store, *store.read()
    except InputError as error:
        store.release()
        yield str(error)
