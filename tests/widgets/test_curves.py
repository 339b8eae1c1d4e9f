"""The curves of a training, as they are drawn while it goes on."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel
from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QAbstractScrollArea

from event_counter import EventCounter
from napari_unet.training.events import Stepped, Validated
from napari_unet.widgets.training.curves import Curves


@pytest.fixture
def curves(qtbot):
    curves = Curves(ViewerModel())
    qtbot.addWidget(curves)
    curves.show()
    qtbot.waitExposed(curves)
    add_steps(curves, 1, 30)
    curves.draw()
    qtbot.wait(100)
    return curves


def add_steps(curves: Curves, first: int, last: int) -> None:
    for step in range(first, last):
        curves.add(Stepped(step, 1 / step, 1e-3, step / 2, step / 500))


@pytest.mark.parametrize("last", [31, 60, 300])
def test_they_are_painted_once_for_all_that_is_new(curves, qtbot, last) -> None:
    painted = EventCounter(curves.findChild(QAbstractScrollArea).viewport(), QEvent.Type.Paint)
    add_steps(curves, 30, last)
    curves.draw()
    qtbot.waitUntil(lambda: painted.count > 0)
    qtbot.wait(100)
    assert painted.count == 1
    assert curves.raw.xData[-1] == last - 1
    curves.draw()
    qtbot.wait(100)
    assert painted.count == 1, "painted again though nothing is new"


def test_what_is_drawn_is_in_view(curves, qtbot) -> None:
    curves.add(Validated(29, 0.4, 0.7, True))
    add_steps(curves, 30, 200)
    curves.add(Validated(199, 0.3, 0.8, True))
    curves.draw()
    (left, right), (bottom, top) = curves.loss_plot.viewRange()
    assert left <= 1 and right >= 199 and bottom <= 1 / 199 and top >= np.max(curves.smoothed.yData)
    assert curves.iou_plot.isVisible() and curves.iou.yData.tolist() == [0.7, 0.8]
