"""Work beside the window rests while a person drags or scrolls in the image."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from napari_unet.widgets._lifetime import on_destruction

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from napari import Viewer
    from qtpy.QtCore import QObject

    from napari_unet.models.giving_way import GivingWay

#: So long work rests after each movement; and after the end of a drag, until what it has changed is drawn. Seconds.
_MOVING_S, _ENDED_S = 0.3, 0.1


def follow_use(viewer: Viewer, way: GivingWay, owner: QObject) -> Callable[[], None]:
    """Hold the way for a person who paints, moves the view or zooms.

    Parameters
    ----------
    viewer
        What is watched.
    way
        What is held.
    owner
        When it is destroyed, nothing is watched any more.

    Returns
    -------
    callable
        Ends the watch.
    """
    callbacks = [
        (viewer.mouse_drag_callbacks, partial(_drag, way)),
        (viewer.mouse_wheel_callbacks, partial(_scroll, way)),
    ]
    for listeners, callback in callbacks:
        listeners.append(callback)
    forget = partial(_forget, callbacks)
    # The viewer outlives the owner, and would go on calling.
    on_destruction(owner, forget)
    return forget


def _drag(way: GivingWay, viewer: Viewer, event: Any) -> Generator[None]:
    """Hold from the press of a button to its release, as long as the mouse moves."""
    way.hold(_MOVING_S)
    yield
    while event.type == "mouse_move":
        way.hold(_MOVING_S)
        yield
    way.hold(_ENDED_S)


def _scroll(way: GivingWay, viewer: Viewer, event: Any) -> None:
    """Hold for a moment."""
    way.hold(_MOVING_S)


def _forget(callbacks: list[tuple[list[Any], Any]]) -> None:
    """Take callbacks from a viewer."""
    for listeners, callback in callbacks:
        listeners.remove(callback)
    callbacks.clear()
