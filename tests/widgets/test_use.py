"""Work beside the window rests while somebody drags or scrolls in the real window."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from qtpy.QtCore import QObject, QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtWidgets import QApplication

from napari_unet.models.giving_way import GivingWay
from napari_unet.widgets import _use
from napari_unet.widgets._use import follow_use
from person import Person

if TYPE_CHECKING:
    from napari.viewer import Viewer


class Recorded(GivingWay):
    def __init__(self) -> None:
        super().__init__()
        self.held: list[float] = []

    def hold(self, seconds: float) -> None:
        self.held.append(seconds)
        super().hold(seconds)


@pytest.fixture
def viewer(make_napari_viewer) -> Viewer:
    viewer = make_napari_viewer(show=True)
    viewer.add_labels(np.zeros((60, 80), np.int32)).mode = "paint"
    return viewer


def scroll(viewer: Viewer) -> None:
    canvas = viewer.window._qt_viewer.canvas.native
    middle = QPointF(canvas.width() / 2, canvas.height() / 2)
    keys, buttons, phase = Qt.KeyboardModifier.NoModifier, Qt.MouseButton.NoButton, Qt.ScrollPhase.NoScrollPhase
    turned = QWheelEvent(middle, middle, QPoint(), QPoint(0, 120), buttons, keys, phase, False)
    QApplication.sendEvent(canvas, turned)


def test_a_stroke_holds_from_press_to_release_and_a_little_longer(viewer: Viewer, qtbot) -> None:
    way, owner = Recorded(), QObject()
    follow_use(viewer, way, owner)
    Person(viewer, qtbot).drag((20, 20), (20, 40), (30, 60))
    assert viewer.layers[0].data.any()
    assert way.held == [_use._MOVING_S] * (len(way.held) - 1) + [_use._ENDED_S]
    assert len(way.held) >= 3


def test_zooming_holds_for_a_moment(viewer: Viewer) -> None:
    way, owner = Recorded(), QObject()
    follow_use(viewer, way, owner)
    scroll(viewer)
    assert way.held == [_use._MOVING_S]


@pytest.mark.parametrize("is_destroyed", [False, True])
def test_nothing_holds_after_the_end_of_the_watch(viewer: Viewer, qtbot, is_destroyed: bool) -> None:
    way, owner = Recorded(), QObject()
    before = list(viewer.mouse_drag_callbacks)
    end = follow_use(viewer, way, owner)
    if is_destroyed:
        del owner
    else:
        end()
        end()
    Person(viewer, qtbot).drag((20, 20), (20, 40))
    scroll(viewer)
    assert not way.held
    assert viewer.mouse_drag_callbacks == before
