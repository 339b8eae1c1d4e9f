"""Lets napari remove layers without a crash of the program."""

from __future__ import annotations

import weakref
from functools import partial
from typing import TYPE_CHECKING, Any

from napari_unet.widgets._lifetime import on_destruction

if TYPE_CHECKING:
    import napari
    from qtpy.QtWidgets import QOpenGLWidget


def guard_removals(viewer: napari.viewer.Viewer) -> None:
    """Make the OpenGL context of the canvas the current one whenever a layer is removed.

    napari deletes what a removed layer was drawn with at once, in whatever context is current, which is that of Qt's
    window as soon as the window was drawn. Some drivers (Mesa's, for one) then crash the program at the next drawing.

    Parameters
    ----------
    viewer
        The viewer itself, not napari's proxy of it.
    """
    try:
        canvas = viewer.window._qt_viewer.canvas.native
    except AttributeError:
        # It has no window, or one of another version of napari, whose docks are worth more than this guard.
        return
    make_current = partial(_make_current, weakref.ref(canvas))
    viewer.layers.events.removing.connect(make_current)
    on_destruction(canvas, partial(viewer.layers.events.removing.disconnect, make_current))


def _make_current(canvas: weakref.ref[QOpenGLWidget], event: Any) -> None:
    """Make the context of a canvas current; one that was never drawn has none."""
    if (widget := canvas()) is not None and widget.isValid():
        widget.makeCurrent()
