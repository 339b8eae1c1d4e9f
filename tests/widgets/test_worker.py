"""A generator beside the window: its events arrive, it pauses, and whatever ends it, it is closed."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from napari.utils.notifications import notification_manager
from qtpy.QtWidgets import QWidget

from napari_unet.errors import InputError
from napari_unet.widgets._worker import EventRunner, EventStream

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

WAIT_S = 20


class Counter:
    """Counts as long as it is asked, and remembers whether and where it was closed."""

    def __init__(self, pause_s: float = 0.0, fail_at: int | None = None, error: Exception | None = None) -> None:
        self.pause_s, self.fail_at, self.error = pause_s, fail_at, error
        self.asked = 0
        self.closed = threading.Event()
        self.thread: threading.Thread | None = None

    def __call__(self) -> Generator[int]:
        self.thread = threading.current_thread()
        try:
            while True:
                self.asked += 1
                if self.asked == self.fail_at and self.error is not None:
                    raise self.error
                yield self.asked
                time.sleep(self.pause_s)
        finally:
            self.closed.set()


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    yield
    for thread in threading.enumerate():
        if thread.name == "napari-unet":
            thread.join(WAIT_S)
            assert not thread.is_alive()


@pytest.fixture
def runner(qtbot) -> Iterator[EventRunner]:
    owner = QWidget()
    qtbot.addWidget(owner)
    runner = EventRunner(owner)
    yield runner
    runner.stop()


@pytest.fixture
def seen(runner: EventRunner) -> list[Any]:
    """Everything the runner tells, in order."""
    seen: list[Any] = []
    runner.arrived.connect(seen.extend)
    runner.failed.connect(lambda error: seen.append(error))
    runner.ended.connect(lambda: seen.append("ended"))
    return seen


def wait_for_end(runner: EventRunner, qtbot) -> None:
    qtbot.waitUntil(lambda: not runner.is_running, timeout=WAIT_S * 1000)


def test_all_events_arrive_in_order_then_the_end(runner: EventRunner, seen: list[Any], qtbot) -> None:
    runner.start(lambda: (number for number in range(1000)))
    assert runner.is_running
    wait_for_end(runner, qtbot)
    assert seen == [*range(1000), "ended"]


def test_events_come_from_another_thread_and_are_told_in_this_one(runner: EventRunner, qtbot) -> None:
    counter, threads = Counter(0.01), []
    runner.arrived.connect(lambda _: threads.append(threading.current_thread()))
    runner.start(counter)
    qtbot.waitUntil(lambda: len(threads) > 2)
    runner.stop()
    wait_for_end(runner, qtbot)
    assert counter.thread not in (None, threading.main_thread())
    assert set(threads) == {threading.main_thread()}


def test_stop_closes_the_generator(runner: EventRunner, seen: list[Any], qtbot) -> None:
    counter = Counter(0.01)
    runner.start(counter)
    qtbot.waitUntil(lambda: len(seen) > 3)
    runner.stop()
    wait_for_end(runner, qtbot)
    assert counter.closed.is_set()
    assert seen[-1] == "ended" and seen[:-1] == list(range(1, len(seen)))


def test_a_flood_of_events_is_held_back(runner: EventRunner, qtbot) -> None:
    counter, batches = Counter(), []
    runner.arrived.connect(batches.append)
    runner.start(counter)
    qtbot.waitUntil(lambda: len(batches) > 5, timeout=WAIT_S * 1000)
    runner.stop()
    wait_for_end(runner, qtbot)
    # Each time the window took what waited, and the generator could not run far ahead of it.
    assert max(map(len, batches)) <= 200
    assert counter.asked <= 200 * (len(batches) + 1) + 1


def test_nobody_takes_and_still_it_stops() -> None:
    counter = Counter()
    stream = EventStream(counter)
    time.sleep(0.3)
    asked = counter.asked
    time.sleep(0.2)
    assert counter.asked == asked
    stream.stop()
    assert stream.wait(WAIT_S)
    assert counter.closed.is_set()


@pytest.mark.parametrize("usual_s", [0.005, 0.0002])
def test_the_window_gets_the_interpreter_soon_while_anything_works(usual_s: float) -> None:
    """The turns are short until the last of two works is over, and never longer than they were before."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(usual_s)
    streams = [EventStream(Counter(pause_s=0.001)) for _ in range(2)]
    turns = []
    for stream in streams:
        # It works: there is an event.
        stream._waiting.get(timeout=WAIT_S)
        turns.append(sys.getswitchinterval())
        stream.stop()
        stream.wait(WAIT_S)
    turns.append(sys.getswitchinterval())
    sys.setswitchinterval(before)
    # Python counts whole microseconds, and cut off when the usual one was set here; from then on none is lost.
    assert turns == pytest.approx([min(usual_s, 0.001)] * 2 + [usual_s], abs=1.1e-6)


def test_pause_asks_for_nothing(runner: EventRunner, seen: list[Any], qtbot) -> None:
    counter = Counter(0.005)
    runner.start(counter)
    qtbot.waitUntil(lambda: len(seen) > 3)
    runner.pause()
    qtbot.wait(100)
    asked = counter.asked
    qtbot.wait(200)
    assert counter.asked == asked
    assert runner.is_paused and runner.is_running
    runner.resume()
    qtbot.waitUntil(lambda: counter.asked > asked + 2)
    assert not runner.is_paused
    runner.stop()
    wait_for_end(runner, qtbot)
    assert seen[:-1] == list(range(1, len(seen)))


def test_stop_while_paused(runner: EventRunner, qtbot) -> None:
    counter = Counter(0.005)
    runner.start(counter)
    qtbot.waitUntil(lambda: counter.asked > 1)
    runner.pause()
    runner.stop()
    wait_for_end(runner, qtbot)
    assert counter.closed.is_set()


@pytest.mark.parametrize("error", [InputError("give 2 images"), ZeroDivisionError("division by zero")])
def test_an_error_reaches_the_person(runner: EventRunner, seen: list[Any], qtbot, error: Exception) -> None:
    notification_manager.records.clear()
    counter = Counter(fail_at=3, error=error)
    runner.start(counter)
    wait_for_end(runner, qtbot)
    assert seen == [1, 2, error, "ended"]
    assert counter.closed.is_set()
    # What is written for the person, the dock shows.
    told = [(str(error) in record.message, record.severity.value) for record in notification_manager.records]
    assert told == ([] if isinstance(error, InputError) else [(True, "error")])


def test_an_error_while_preparing_reaches_the_person(runner: EventRunner, seen: list[Any], qtbot) -> None:
    def prepare() -> Generator[int]:
        raise InputError("there are no images")

    runner.start(prepare)
    wait_for_end(runner, qtbot)
    assert [str(part) for part in seen] == ["there are no images", "ended"]


def test_one_run_at_a_time_and_then_another(runner: EventRunner, seen: list[Any], qtbot) -> None:
    counter = Counter(0.01)
    runner.start(counter)
    with pytest.raises(RuntimeError, match="still running"):
        runner.start(counter)
    runner.stop()
    wait_for_end(runner, qtbot)
    seen.clear()
    runner.start(lambda: (number for number in range(2)))
    wait_for_end(runner, qtbot)
    assert seen == [0, 1, "ended"]


@pytest.mark.parametrize("paused", [False, True])
def test_closing_the_viewer_closes_the_generator(make_napari_viewer, qtbot, paused: bool) -> None:
    viewer = make_napari_viewer()
    dock, counter = QWidget(), Counter(0.01)
    runner = EventRunner(dock)
    viewer.window.add_dock_widget(dock, name="counter")
    runner.start(counter)
    qtbot.waitUntil(lambda: counter.asked > 1)
    if paused:
        runner.pause()
    del dock, runner
    viewer.close()
    qtbot.waitUntil(counter.closed.is_set, timeout=WAIT_S * 1000)


def test_quitting_the_program_lets_the_generator_tidy_up(tmp_path) -> None:
    script = textwrap.dedent(
        """
        import sys, time
        from pathlib import Path
        from qtpy.QtCore import QTimer
        from qtpy.QtWidgets import QApplication, QWidget
        from napari_unet.widgets._worker import EventRunner

        def work():
            try:
                while True:
                    yield 1
            finally:
                time.sleep(0.3)
                Path(sys.argv[1]).write_text("saved")

        application = QApplication([])
        runner = EventRunner()
        runner.start(work)
        QTimer.singleShot(300, application.quit)
        application.exec()
        """
    )
    saved = tmp_path / "saved.txt"
    subprocess.run([sys.executable, "-c", script, str(saved)], check=True, timeout=60)
    assert saved.read_text() == "saved"
