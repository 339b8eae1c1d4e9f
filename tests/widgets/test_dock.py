"""What all docks share: choices that follow the viewer, axes that can be corrected, keys, messages, themes."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
from napari.layers import Image, Labels
from qtpy.QtCore import QEvent, QPointF, Qt
from qtpy.QtGui import QMouseEvent, QMovie
from qtpy.QtWidgets import QApplication, QHBoxLayout, QLabel, QLineEdit

from napari_unet.widgets._axes import AxesBox
from napari_unet.widgets._dock import Dock
from napari_unet.widgets._progress import ProgressLine
from napari_unet.widgets._session import HOME_VARIABLE, Session, projects_home, session_of


@pytest.fixture
def viewer(make_napari_viewer):
    return make_napari_viewer(show=True)


@pytest.fixture
def docked(qtbot):
    def add(viewer, dock: Dock) -> Dock:
        viewer.window.add_dock_widget(dock, name="dock")
        qtbot.waitUntil(dock.isVisible)
        return dock

    return add


def test_layer_boxes_follow_the_viewer(viewer, docked) -> None:
    dock = docked(viewer, Dock(viewer))
    box = dock.layer_box(Labels, "Which & why")
    assert box.value is None and box.native.toolTip() == "<p>Which &amp; why</p>"
    viewer.add_image(np.zeros((4, 4)))
    labels = viewer.add_labels(np.zeros((4, 4), int))
    assert box.choices == (labels,)
    labels.name = "cells"
    assert box.native.currentText() == "cells"
    viewer.layers.remove(labels)
    assert box.value is None


def test_layer_boxes_offer_every_layer_while_one_is_renamed_to_another(viewer, docked) -> None:
    """For a moment both have the same name, and whoever hears of it may choose one of them."""
    box = docked(viewer, Dock(viewer)).layer_box(Image, "Which")
    layers = [viewer.add_image(np.zeros((4, 4)), name=name) for name in ("cells", "more", "other")]
    heard = []

    def choose(event: object) -> None:
        for layer in layers:
            box.value = layer
            heard.append([layer.name for layer in layers].count("cells"))

    viewer.layers.events.renamed.connect(choose, position="last")
    layers[1].name = "cells"
    assert 2 in heard
    assert [layer.name for layer in layers] == ["cells", "cells [1]", "other"]
    assert {box.native.itemText(row): box.choices[row] for row in range(3)} == {layer.name: layer for layer in layers}


def test_keys_belong_to_an_open_dock_only(viewer, docked, qtbot) -> None:
    calls = []
    dock = Dock(viewer)
    dock.bind_keys({"Shift-F": lambda: calls.append("F")})
    docked(viewer, dock)
    canvas = viewer.window._qt_viewer
    qtbot.keyClick(canvas, Qt.Key.Key_F, Qt.KeyboardModifier.ShiftModifier)
    assert calls == ["F"]
    dock.parent().hide()
    qtbot.keyClick(canvas, Qt.Key.Key_F, Qt.KeyboardModifier.ShiftModifier)
    dock.parent().show()
    qtbot.keyClick(canvas, Qt.Key.Key_F, Qt.KeyboardModifier.ShiftModifier)
    assert calls == ["F", "F"]
    viewer.window.remove_dock_widget(dock)
    assert "Shift+F" not in [str(key) for key in viewer.keymap]


def test_a_closed_dock_gives_a_key_back_to_the_one_that_is_still_open(viewer, docked, qtbot) -> None:
    calls = []
    first, second = (Dock(viewer) for _ in range(2))
    for name, dock in (("first", first), ("second", second)):
        dock.bind_keys({"Shift-F": lambda name=name: calls.append(name)})
        docked(viewer, dock)
    canvas = viewer.window._qt_viewer

    def press() -> list[str]:
        calls.clear()
        qtbot.keyClick(canvas, Qt.Key.Key_F, Qt.KeyboardModifier.ShiftModifier)
        return calls

    assert press() == ["second"]
    second.parent().hide()
    assert press() == ["first"]
    second.parent().show()
    assert press() == ["second"]
    first.parent().hide()
    assert press() == ["second"]
    first.parent().show()
    viewer.window.remove_dock_widget(first)
    assert press() == ["second"]
    viewer.window.remove_dock_widget(second)
    assert press() == []


def test_a_removed_dock_is_forgotten(viewer, docked, qtbot) -> None:
    dock = Dock(viewer)
    dock.bind_keys({"Shift-F": lambda: None})
    reference = weakref.ref(docked(viewer, dock))
    viewer.window.remove_dock_widget(dock)
    dock.deleteLater()
    del dock
    qtbot.wait(50)
    gc.collect()
    assert reference() is None


def test_messages_are_shown_as_they_are_written(viewer, docked) -> None:
    dock = docked(viewer, Dock(viewer))
    dock.say("sigma < 5 & more", "error")
    assert dock.message.isVisibleTo(dock) and "sigma &lt; 5 &amp; more" in dock.message.text()
    dock.say("one\nanother")
    assert dock.message.text() == "<p>one<br>another</p>"
    dock.say("")
    assert not dock.message.isVisibleTo(dock)


def test_a_long_message_scrolls(viewer, docked, qtbot) -> None:
    """The whole of it can be read, and the dock is no higher than a screen."""
    dock = docked(viewer, Dock(viewer))
    dock.say("short")
    qtbot.wait(50)
    short = dock.minimumSizeHint().height()
    dock.say("one\ntwo\nthree")
    qtbot.wait(50)
    assert dock.message.height() >= dock.message.heightForWidth(dock.message.width())
    assert dock.message.visibleRegion().boundingRect().height() == dock.message.height()
    dock.say("\n".join(f"experiment_{number} failed" for number in range(300)))
    qtbot.wait(50)
    assert "experiment_299" in dock.message.text() and dock.message.height() > 2000
    assert dock.message.visibleRegion().boundingRect().top() == 0
    assert dock.minimumSizeHint().height() < short + 200


def test_a_double_click_on_the_main_button_is_one_click(viewer, docked) -> None:
    dock = docked(viewer, Dock(viewer))
    button, clicks = dock.primary_button("Start", "Starts"), []
    button.clicked.connect(clicks.append)
    place, kinds = QPointF(button.rect().center()), QEvent.Type
    left, nothing = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    for kind in (kinds.MouseButtonPress, kinds.MouseButtonRelease, kinds.MouseButtonDblClick, kinds.MouseButtonRelease):
        QApplication.sendEvent(button, QMouseEvent(kind, place, left, left, nothing))
    assert len(clicks) == 1


def test_the_tab_key_goes_from_top_to_bottom(viewer, docked, qtbot) -> None:
    """In whatever order things were put in, and shown."""
    dock = Dock(viewer)
    lines = {name: QLineEdit(name) for name in ("second", "left", "right", "last", "first", "late")}
    row = QHBoxLayout()
    for name in ("right", "left"):
        row.insertWidget(0, lines[name])
    dock.body.addWidget(lines["second"])
    dock.body.addLayout(row)
    dock.body.insertWidget(0, lines["first"])
    dock.foot.addWidget(lines["last"])
    dock.body.addWidget(lines["late"])
    lines["late"].hide()
    docked(viewer, dock)
    dock.activateWindow()

    def walk(start: str, n: int) -> list[str]:
        lines[start].setFocus()
        qtbot.waitUntil(lines[start].hasFocus)
        for _ in range(n):
            yield dock.focusWidget().text()
            qtbot.keyClick(dock.focusWidget(), Qt.Key.Key_Tab)

    chain = [widget := dock] + [widget := widget.nextInFocusChain() for _ in range(200)]
    seen = [widget.text() for widget in chain if widget in lines.values() and widget.isVisible()]
    assert seen[:5] == ["first", "second", "left", "right", "last"]
    assert list(walk("first", 5)) == ["first", "second", "left", "right", "last"]
    lines["late"].show()
    qtbot.wait(50)
    assert list(walk("first", 6)) == ["first", "second", "left", "right", "late", "last"]


def test_colours_follow_the_theme(viewer, docked) -> None:
    dock = docked(viewer, Dock(viewer))
    before = dock.styleSheet()
    viewer.theme = "light" if viewer.theme != "light" else "dark"
    assert dock.styleSheet() != before


def test_content_scrolls_in_a_small_window(viewer, docked) -> None:
    dock = docked(viewer, Dock(viewer))
    for number in range(200):
        dock.body.addWidget(QLabel(str(number)))
    assert dock.minimumSizeHint().height() < 300


def test_nothing_is_cut_off_at_the_side(viewer, docked, qtbot) -> None:
    dock = docked(viewer, Dock(viewer))
    wide = QLabel()
    wide.setMinimumWidth(400)
    dock.body.addWidget(wide)
    qtbot.waitUntil(lambda: dock.width() > 400)
    assert wide.visibleRegion().boundingRect().width() == wide.width()


@pytest.mark.parametrize(
    ("shape", "rgb"), [((5, 6), False), ((5, 6, 7), False), ((5, 6, 3), True), ((2, 3, 5, 6), False)]
)
def test_axes_can_be_corrected_and_the_layer_keeps_it(qtbot, shape: tuple[int, ...], rgb: bool) -> None:
    layer = Image(np.zeros(shape), rgb=rgb)
    box, other = AxesBox(), AxesBox()
    for each in (box, other):
        qtbot.addWidget(each)
        each.show_layer(layer)
    assert ("guessed" in box.currentText()) is (layer.ndim > 2)
    for index in range(box.count()):
        names = box.itemData(index)
        assert len(names) == len(shape) and (names[-1] == "C") >= rgb
    with qtbot.waitSignal(other.changed):
        box.activated.emit(box.count() - 1)
    assert box.axes == other.axes == names
    assert box.currentText() == names


def test_an_axes_box_without_a_layer_is_empty(qtbot) -> None:
    box = AxesBox()
    qtbot.addWidget(box)
    box.show_layer(None)
    assert (box.axes, box.count(), box.isEnabled()) == ("", 0, False)
    box.show_layer(Image(np.zeros((1,) * 6)))
    assert box.axes == "" and box.count() == 1


def test_progress_shows_and_goes(viewer, qtbot) -> None:
    line = ProgressLine("Training")
    viewer.window.add_dock_widget(line)
    line.begin("Reading")
    line.advance(0.25, "a quarter")
    line.advance(0.5, "half")
    assert (
        line.isVisibleTo(line.parent()) and line.bar.value() == line.bar.maximum() // 2 and line.text.text() == "half"
    )
    line.end()
    assert not line.isVisibleTo(line.parent())


def test_no_wheel_turns_while_work_goes_on(viewer, qtbot) -> None:
    """A turning wheel has the whole window drawn many times a second."""
    line = ProgressLine("Training")
    viewer.window.add_dock_widget(line)
    line.begin("Reading")
    wheels = [label for label in line.window().findChildren(QLabel) if label.movie() is not None]
    assert wheels and all(wheel.isVisibleTo(wheel.parent()) for wheel in wheels)
    qtbot.wait(100)
    assert all(wheel.movie().state() != QMovie.MovieState.Running for wheel in wheels)
    line.end()
    assert not any(wheel.movie().state() == QMovie.MovieState.Running for wheel in wheels)


def test_docks_of_a_viewer_share_a_session_and_viewers_do_not(make_napari_viewer, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    first, second = make_napari_viewer(), make_napari_viewer()
    assert Dock(first).session is Dock(first).session
    assert Dock(first).session is not Dock(second).session
    assert session_of(first).project.parent == projects_home() == tmp_path


def test_a_suggested_pair_lasts_as_long_as_its_layers() -> None:
    session, image, labels = Session(), Image(np.zeros((4, 4))), Labels(np.zeros((4, 4), int))
    assert session.suggested_pair() is None
    session.suggest_pair(image, labels)
    assert session.suggested_pair() == (image, labels)
    del labels
    gc.collect()
    assert session.suggested_pair() is None
