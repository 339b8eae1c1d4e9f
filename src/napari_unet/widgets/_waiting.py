"""Wait for work that is needed at once, without freezing the window."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from napari import current_viewer
from napari.qt import get_stylesheet
from qtpy.QtCore import QEventLoop, Qt, QTimer
from qtpy.QtWidgets import QApplication, QProgressDialog

from napari_unet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_unet.samples.fetch import Transfer

_T = TypeVar("_T")
_TICK_MS = 20
#: Work that takes longer is announced.
_ANNOUNCED_AFTER_MS = 300
_PARTS = 1000


def wait_for(work: Callable[[], _T], text: str, transfer: Transfer | None = None) -> _T:
    """Do work in another thread; the window lives on, but takes no orders.

    Parameters
    ----------
    work
        What to do; it may not touch widgets or layers.
    text
        What happens, for the person who waits.
    transfer
        How far it is, where that is known; then it can also be stopped.

    Returns
    -------
    object
        What ``work`` returns.

    Raises
    ------
    InputError
        If the person stopped it.
    """
    if QApplication.instance() is None:
        return work()
    executor = ThreadPoolExecutor(1, "napari-unet")
    future = executor.submit(work)
    # Stopped work ends on its own; nobody needs to wait for it.
    executor.shutdown(wait=False)
    dialog = _dialog(text, transfer)
    try:
        _follow(future, dialog, transfer)
        if dialog.wasCanceled():
            raise InputError(f"{text} Stopped.")
        return future.result()
    finally:
        dialog.deleteLater()


def _dialog(text: str, transfer: Transfer | None) -> QProgressDialog:
    """Make the announcement."""
    # A parent would take the dialog along when it is destroyed; it is enough that the dialog stays in front of it.
    dialog, front = QProgressDialog(text, "Cancel", 0, 0), QApplication.focusWindow()
    dialog.winId()
    if (handle := dialog.windowHandle()) is not None and front is not None:
        handle.setTransientParent(front)
    dialog.setWindowTitle("U-Net")
    if (viewer := current_viewer()) is not None:
        dialog.setStyleSheet(get_stylesheet(viewer.theme))
    dialog.setWindowModality(Qt.WindowModality.ApplicationModal)
    dialog.setMinimumDuration(_ANNOUNCED_AFTER_MS)
    if transfer is None:
        dialog.setCancelButton(None)
    else:
        dialog.canceled.connect(transfer.stop)
    return dialog


def _follow(future: Future[_T], dialog: QProgressDialog, transfer: Transfer | None) -> None:
    """Let the window live until the work is done or stopped."""
    loop, timer = QEventLoop(), QTimer()

    def tick() -> None:
        if transfer is not None and transfer.total:
            dialog.setRange(0, _PARTS)
            # At its end the dialog would close itself, while the file is still being read.
            dialog.setValue(min(transfer.done * _PARTS // transfer.total, _PARTS - 1))
        if future.done() or dialog.wasCanceled():
            loop.quit()

    timer.timeout.connect(tick)
    timer.start(_TICK_MS)
    loop.exec()
    timer.stop()
