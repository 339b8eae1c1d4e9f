"""Tidying up after objects that Qt or Python destroys, whichever is first."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject

if TYPE_CHECKING:
    from collections.abc import Callable

    from qtpy.QtCore import QMetaObject


def on_destruction(owner: QObject, tidy: Callable[[], object]) -> None:
    """Call something once when an object is destroyed: by Qt with the window, or by Python as garbage.

    Parameters
    ----------
    owner
        The object.
    tidy
        What to call, in the thread that destroys the object. It must not refer to the object, which would then live
        for ever.

    Notes
    -----
    A slot of Python that is called while Python collects the object is handed what is half gone, and can crash the
    program. So the signal is disconnected first, and what is to be done is done then.

    Examples
    --------
    >>> owner = QObject()
    >>> on_destruction(owner, lambda: print("gone"))
    >>> del owner
    gone
    """
    waiting = [tidy]
    connection = owner.destroyed.connect(lambda *_: _call(waiting))
    weakref.finalize(owner, _collected, connection, waiting).atexit = False


def _call(waiting: list[Callable[[], object]]) -> None:
    """Call what was not called yet, and hold it no longer."""
    while waiting:
        waiting.pop()()


def _collected(connection: QMetaObject.Connection, waiting: list[Callable[[], object]]) -> None:
    """Tidy up before Python destroys the object."""
    QObject.disconnect(connection)
    _call(waiting)
