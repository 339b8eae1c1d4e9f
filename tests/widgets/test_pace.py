"""What is drawn again and again is drawn less often where drawing takes long."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from qtpy.QtCore import QObject

from napari_unet.widgets import _pace
from napari_unet.widgets._pace import PacedDrawing, rest_ms

if TYPE_CHECKING:
    from collections.abc import Iterator


@given(st.floats(0, 1e4), st.floats(0, 1e4))
def test_who_draws_longer_rests_longer_within_bounds(one: float, other: float) -> None:
    assert 250 <= rest_ms(min(one, other)) <= rest_ms(max(one, other)) <= 4000


@pytest.fixture
def owner(qtbot, monkeypatch) -> Iterator[QObject]:
    monkeypatch.setattr(_pace, "_SHORTEST_MS", 1)
    monkeypatch.setattr(_pace, "_DRAWN_MS", 1)
    owner = QObject()
    yield owner
    owner.deleteLater()


def test_it_draws_again_and_again_until_it_is_stopped(owner: QObject, qtbot) -> None:
    times: list[float] = []
    drawing = PacedDrawing(lambda: times.append(time.perf_counter()), owner)
    qtbot.wait(50)
    assert not times
    drawing.start()
    qtbot.waitUntil(lambda: len(times) > 3)
    drawing.stop()
    n_drawn = len(times)
    qtbot.wait(300)
    assert len(times) == n_drawn


def test_the_work_of_drawing_is_what_it_rests_for(owner: QObject, qtbot, monkeypatch) -> None:
    rests: list[float] = []
    clock = iter([10.0, 10.02, 11.0, 11.5])
    monkeypatch.setattr(_pace, "rest_ms", lambda drawn_ms: rests.append(drawn_ms) or 1)
    monkeypatch.setattr(_pace.time, "thread_time", lambda: next(clock, 12.0))
    drawing = PacedDrawing(lambda: None, owner)
    drawing.start()
    qtbot.waitUntil(lambda: len(rests) >= 2)
    drawing.stop()
    assert rests[:2] == pytest.approx([20, 500])


def test_nothing_is_drawn_for_what_is_destroyed(qtbot) -> None:
    times: list[int] = []
    owner = QObject()
    PacedDrawing(lambda: times.append(1), owner).start()
    del owner
    qtbot.wait(400)
    assert not times
