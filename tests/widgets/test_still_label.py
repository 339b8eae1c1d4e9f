"""A label that is written to all the time has the window neither laid out nor drawn anew."""

from __future__ import annotations

import pytest
from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from event_counter import EventCounter
from napari_unet.widgets._progress import ProgressLine
from napari_unet.widgets._still_label import StillLabel


@pytest.fixture
def stack(qtbot):
    """A window with a label above another one."""
    window, label = QWidget(), StillLabel()
    layout = QVBoxLayout(window)
    layout.addWidget(label)
    layout.addWidget(QLabel("below"))
    layout.addStretch()
    label.setText("step 1")
    window.resize(200, 300)
    qtbot.addWidget(window)
    window.show()
    qtbot.waitExposed(window)
    qtbot.wait(50)
    return window, label


def test_another_text_of_the_same_height_moves_nothing(stack, qtbot) -> None:
    window, label = stack
    asked = EventCounter(window, QEvent.Type.LayoutRequest)
    label.setText("step 2, loss 0.3")
    qtbot.wait(50)
    assert label.text() == "step 2, loss 0.3" and not asked.count


def test_a_longer_text_gets_the_lines_it_needs_and_gives_them_back(stack, qtbot) -> None:
    _, label = stack
    one_line = label.height()
    label.setText("a text that is much too long for one line of this narrow window")
    qtbot.waitUntil(lambda: label.height() >= 2 * one_line - 4)
    assert label.height() == label.heightForWidth(label.width())
    label.setText("short")
    qtbot.waitUntil(lambda: label.height() == one_line)


def test_a_wider_window_needs_fewer_lines(stack, qtbot) -> None:
    window, label = stack
    one_line = label.height()
    label.setText("a text that is much too long for one line of this narrow window")
    qtbot.waitUntil(lambda: label.height() > one_line)
    window.resize(900, 300)
    qtbot.waitUntil(lambda: label.height() == one_line)


def test_progress_is_drawn_once_for_each_advance(qtbot) -> None:
    window, line = QWidget(), ProgressLine("Training")
    QVBoxLayout(window).addWidget(line)
    window.resize(300, 100)
    qtbot.addWidget(window)
    window.show()
    line.begin("Reading")
    line.advance(0.1, "step 1")
    qtbot.wait(100)
    drawn = EventCounter(line.bar, QEvent.Type.Paint)
    line.advance(0.2, "step 2")
    assert not drawn.count, "it was drawn before the text was there"
    qtbot.wait(100)
    assert drawn.count == 1
    # Nor does it move on its own while nobody knows how long it takes.
    line.begin("Reading")
    qtbot.wait(100)
    begun = drawn.count
    qtbot.wait(200)
    assert drawn.count == begun
    line.end()
